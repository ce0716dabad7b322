import type { Clock } from '../../platform/clock.ts';
import { MailFailure } from '../../platform/mail.ts';
import type {
  MailFailureCode,
  MailMessage,
  MailReceipt,
  MailRefusal,
  MailServer,
  MailTransport,
} from '../../platform/mail.ts';

/** What the server does with one attempt. */
export type MailScript =
  | { readonly kind: 'accept'; readonly delayMs?: number }
  /** Decides about each recipient; one that is in no list is accepted. */
  | {
      readonly kind: 'choose';
      readonly deferred?: readonly string[];
      readonly refused?: readonly string[];
    }
  | { readonly kind: 'refuse'; readonly code: MailFailureCode }
  /** Takes the connection and says nothing. */
  | { readonly kind: 'never-answer' }
  /** Delivers, and its answer is lost. */
  | { readonly kind: 'accept-silently' };

export interface Delivery {
  readonly message: MailMessage;
  readonly server: MailServer;
  readonly atMs: number;
}

/** An SMTP server that keeps what it took. Attempts follow the script; when it is used up, `otherwise`. */
export class SimulatedMail implements MailTransport {
  readonly delivered: Delivery[] = [];
  attempts = 0;
  otherwise: MailScript = { kind: 'accept' };
  readonly #clock: Clock;
  #script: MailScript[] = [];
  #ends = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For the next attempts, in turn. */
  script(...behaviours: readonly MailScript[]): void {
    this.#script.push(...behaviours);
  }

  /** The process that sends has died: its attempts under way are never answered. */
  forgetAttempts(): void {
    this.#ends++;
  }

  async send(message: MailMessage, server: MailServer, signal: AbortSignal): Promise<MailReceipt> {
    signal.throwIfAborted();
    this.attempts++;
    const attempt = this.attempts;
    const lifetime = this.#ends;
    const behaviour = this.#script.shift() ?? this.otherwise;
    const deliver = (): void => {
      this.delivered.push({ message, server, atMs: this.#clock.now() });
    };
    switch (behaviour.kind) {
      case 'refuse':
        throw new MailFailure(
          behaviour.code,
          `${server.host}:${server.port} refused attempt ${attempt}: ${behaviour.code}`,
        );
      case 'never-answer':
        return untilAborted(signal);
      case 'accept-silently':
        deliver();
        return untilAborted(signal);
      case 'accept':
        if (behaviour.delayMs !== undefined) await this.#wait(behaviour.delayMs, signal);
        if (lifetime !== this.#ends) return new Promise(() => {});
        deliver();
        return receipt(message, { answer: `250 2.0.0 accepted as ${attempt}` });
      case 'choose': {
        const chosen = receipt(message, {
          answer: `250 2.0.0 accepted as ${attempt}`,
          ...behaviour,
        });
        if (chosen.accepted.length > 0) deliver();
        return chosen;
      }
    }
  }

  #wait(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(delayMs, resolve);
      signal.addEventListener(
        'abort',
        () => {
          cancel();
          reject(signal.reason);
        },
        { once: true },
      );
    });
  }
}

function receipt(
  { to, recipients = to }: MailMessage,
  chosen: {
    readonly answer: string;
    readonly deferred?: readonly string[];
    readonly refused?: readonly string[];
  },
): MailReceipt {
  const { answer, deferred = [], refused = [] } = chosen;
  const among = (names: readonly string[], code: number): readonly MailRefusal[] =>
    recipients
      .filter((recipient) => names.includes(recipient))
      .map((recipient) => ({ recipient, answer: `${code} not ${recipient}` }));
  return {
    answer,
    accepted: recipients.filter((name) => !deferred.includes(name) && !refused.includes(name)),
    deferred: among(deferred, 450),
    refused: among(refused, 550),
  };
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
