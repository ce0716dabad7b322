import type { Clock } from '../../platform/clock.ts';
import { MailFailure } from '../../platform/mail.ts';
import type {
  MailFailureCode,
  MailMessage,
  MailServer,
  MailTransport,
} from '../../platform/mail.ts';

/** What the server does with one attempt. */
export type MailScript =
  | { readonly kind: 'accept'; readonly delayMs?: number }
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

  async send(message: MailMessage, server: MailServer, signal: AbortSignal): Promise<string> {
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
        return `250 2.0.0 accepted as ${attempt}`;
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

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
