import { messageOf } from '../../model/failure.ts';
import { sleep, withDeadline } from '../../platform/clock.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import { MailFailure } from '../../platform/mail.ts';
import type { MailMessage, MailReceipt, MailRefusal, MailTransport } from '../../platform/mail.ts';
import type { Random } from '../../platform/random.ts';
import type { Counter, Gauge, Histogram, Telemetry } from '../../platform/telemetry.ts';
import { isoText } from '../templates/time.ts';
import type { Journal } from '../state/journal.ts';
import type { Announcement, OutboxMessage } from '../state/records.ts';
import type { AlertMailOptions } from './mail-options.ts';

/** For one attempt, whatever the server does or does not do. */
export const ATTEMPT_MS = 30_000;
const RETRY_FIRST_MS = 1000;
/** With the jitter below a minute: a server that is back gets everything within that. */
const RETRY_MAX_MS = 45_000;
/** After this age a message is given up, loudly: what it tells is then wrong more often than not. */
export const MESSAGE_AGE_MAX_MS = 86_400_000;
/** A message that comes later than this says so. */
const LATE_MS = 300_000;

interface Attempt {
  failures: number;
  dueMs: number;
}

/**
 * Hands the messages of the outbox to the mail server, oldest first, one at a time. A message leaves the
 * outbox when the server has taken it for each recipient, when it never will, or when the message is too
 * old; recipients who have to wait get it alone, as the same message. The journal learns of it afterwards,
 * so that a crash in between sends it twice and never not at all. What a message told that nobody took
 * counts as not told.
 */
export class Delivery {
  readonly #options: AlertMailOptions;
  readonly #journal: Journal;
  readonly #mail: MailTransport;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #sent: Counter;
  readonly #failed: Counter;
  readonly #recipientsRefused: Counter;
  readonly #queued: Gauge;
  readonly #latency: Histogram;
  readonly #stop = new AbortController();
  readonly #attempts = new Map<string, Attempt>();
  #loop: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;
  /** While the server cannot be reached at all, nothing else is tried either. */
  #server: Attempt = { failures: 0, dueMs: -Infinity };

  constructor(
    options: AlertMailOptions,
    parts: {
      readonly journal: Journal;
      readonly mail: MailTransport;
      readonly clock: Clock;
      readonly random: Random;
      readonly log: Log;
      readonly telemetry: Telemetry;
    },
  ) {
    this.#options = options;
    this.#journal = parts.journal;
    this.#mail = parts.mail;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#log = parts.log;
    const { telemetry } = parts;
    this.#sent = telemetry.counter(
      'nephoscope_alerter_notifications_sent_total',
      'Messages that a receiver has taken for at least one recipient.',
      ['receiver'],
    );
    this.#failed = telemetry.counter(
      'nephoscope_alerter_notifications_failed_total',
      'Attempts that failed: for now (temporary), because the server does not let us send at all (session), for good (permanent), or given up for age (expired).',
      ['receiver', 'reason'],
    );
    this.#recipientsRefused = telemetry.counter(
      'nephoscope_alerter_recipients_refused_total',
      'Recipients that the server will never take a message for, once for each message.',
      ['receiver'],
    );
    this.#queued = telemetry.gauge(
      'nephoscope_alerter_notifications_queued',
      'Messages that nobody has taken yet.',
    );
    this.#latency = telemetry.histogram(
      'nephoscope_alerter_notification_latency_seconds',
      'Time from the making of a message until a receiver had taken it.',
    );
  }

  start(): void {
    this.#queued.set(this.#journal.state.outbox.size);
    this.#loop = this.#run();
  }

  /** There may be something to send. */
  wake(): void {
    this.#wake?.();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('mail delivery is stopped'));
    this.#wake?.();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const nowMs = this.#clock.monotonic();
      const next = this.#nextMessage(nowMs);
      if (next && this.#server.dueMs <= nowMs) await this.#send(next);
      else await this.#pause(nowMs);
    }
  }

  #nextMessage(nowMs: number): OutboxMessage | undefined {
    for (const message of this.#journal.sendable()) {
      if ((this.#attempts.get(message.id)?.dueMs ?? -Infinity) <= nowMs) return message;
    }
    return undefined;
  }

  /** Until a message is due or a new one comes. */
  async #pause(nowMs: number): Promise<void> {
    let dueMs = Infinity;
    for (const { id } of this.#journal.sendable()) {
      dueMs = Math.min(dueMs, this.#attempts.get(id)?.dueMs ?? -Infinity);
    }
    const waitMs = Math.max(dueMs, this.#server.dueMs) - nowMs;
    // Nothing is registered at the long-lived signal: stopping wakes, too.
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    // Without a message only a call ends the pause; the hour is a bound for the unforeseen.
    const boundedMs = Math.min(Math.max(waitMs, 1), 3_600_000);
    await sleep(this.#clock, boundedMs, woken.signal).catch(() => undefined);
    this.#wake = undefined;
  }

  async #send(message: OutboxMessage): Promise<void> {
    const recipients = this.#recipientsOf(message);
    if (recipients.length === 0) {
      this.#log.info('who still needed a message is no longer configured', { id: message.id });
      await this.#leave(message);
      return;
    }
    let receipt: MailReceipt;
    try {
      receipt = await withDeadline(
        this.#clock,
        ATTEMPT_MS,
        `mail to ${this.#options.server.host}:${this.#options.server.port}`,
        (signal) =>
          this.#mail.send(this.#mailOf(message, recipients), this.#options.server, signal),
        this.#stop.signal,
      );
    } catch (thrown) {
      if (!this.#stop.signal.aborted) await this.#failedOnce(message, thrown);
      return;
    }
    await this.#answered(message, receipt);
  }

  async #answered(message: OutboxMessage, receipt: MailReceipt): Promise<void> {
    const { answer, accepted, deferred, refused } = receipt;
    const { id } = message;
    this.#server = { failures: 0, dueMs: -Infinity };
    const wasTaken = message.left?.isTaken ?? false;
    const isTaken = wasTaken || accepted.length > 0;
    if (accepted.length > 0) {
      this.#log.info('a message about alerts was taken by the mail server', { id, answer });
    }
    if (isTaken && !wasTaken) {
      this.#sent.add(1, { receiver: 'mail' });
      this.#latency.observe(Math.max(this.#clock.now() - message.createdMs, 0) / 1000);
    }
    if (refused.length > 0) {
      this.#recipientsRefused.add(refused.length, { receiver: 'mail' });
      this.#log.error(
        'the mail server does not take mail for some recipients: correct or remove them',
        { id, subject: message.subject, error: refusalText(refused) },
      );
    }
    if (deferred.length > 0) {
      const left = { to: deferred.map(({ recipient }) => recipient), isTaken };
      const isFewer = accepted.length + refused.length > 0;
      if (isFewer) await this.#journal.commit([{ kind: 'message-left', id, ...left }]);
      await this.#notTaken({ ...message, left }, 'temporary', refusalText(deferred));
    } else if (isTaken) await this.#leave({ ...message, left: { to: [], isTaken } });
    else await this.#notTaken(message, 'permanent', refusalText(refused));
  }

  async #failedOnce(message: OutboxMessage, thrown: unknown): Promise<void> {
    const code = thrown instanceof MailFailure ? thrown.code : 'unreachable';
    const isPermanent = thrown instanceof MailFailure && !thrown.worthRetrying;
    const reason = isPermanent ? 'permanent' : code === 'session-refused' ? 'session' : 'temporary';
    await this.#notTaken(message, reason, messageOf(thrown));
    // A refusal concerns this message; anything else is the server's trouble and concerns all of them.
    if (isPermanent || code === 'temporary') this.#server = { failures: 0, dueMs: -Infinity };
    else this.#postpone(this.#server);
  }

  /** Recipients still need the message: it is tried again, or nobody will have it any more. */
  async #notTaken(
    message: OutboxMessage,
    why: 'permanent' | 'session' | 'temporary',
    error: string,
  ): Promise<void> {
    const isExpired = this.#clock.now() - message.createdMs > MESSAGE_AGE_MAX_MS;
    const reason = why !== 'permanent' && isExpired ? 'expired' : why;
    this.#failed.add(1, { receiver: 'mail', reason });
    const fields = { id: message.id, subject: message.subject, error };
    if (reason === 'permanent' || reason === 'expired') {
      this.#log.error(
        reason === 'permanent'
          ? 'a message about alerts was refused for good'
          : 'a message about alerts could not be sent for a day and is given up',
        { ...fields, toldAnew: !message.left?.isTaken },
      );
      await this.#leave(message);
      return;
    }
    const attempt = this.#attempts.get(message.id) ?? { failures: 0, dueMs: 0 };
    this.#attempts.set(message.id, attempt);
    this.#postpone(attempt);
    const failed = { ...fields, attempts: attempt.failures };
    if (reason === 'session') {
      this.#log.error(
        'the mail server does not let us send; alerts wait: check its address, TLS, login and the sender',
        failed,
      );
    } else {
      this.#log.warn('a message about alerts could not be sent and will be tried again', failed);
    }
  }

  /** Doubles from a second up to the limit, less up to a half by chance. */
  #postpone(attempt: Attempt): void {
    attempt.failures++;
    const fullMs = Math.min(RETRY_FIRST_MS * 2 ** Math.min(attempt.failures - 1, 20), RETRY_MAX_MS);
    attempt.dueMs = this.#clock.monotonic() + fullMs * (0.5 + this.#random.next() / 2);
  }

  /**
   * Nobody needs the message any more, or nobody will take it. If nobody has it, what it told counts as not
   * told; what a later message told of the same alerts stays told.
   */
  async #leave(message: OutboxMessage): Promise<void> {
    this.#attempts.delete(message.id);
    const takenBack = message.left?.isTaken ? [] : this.#toldBy(message);
    await this.#journal.commit([
      // First: a crash that cuts between the two sends the message again, and forgets nobody.
      ...(takenBack.length > 0 ? [{ kind: 'announcements', announced: takenBack } as const] : []),
      { kind: 'message-done', id: message.id },
    ]);
    this.#queued.set(this.#journal.state.outbox.size);
  }

  #toldBy(message: OutboxMessage): readonly Announcement[] {
    const { announced } = this.#journal.state;
    const lostAtMs = this.#clock.now();
    return (message.fingerprints ?? []).flatMap((fingerprint) => {
      const told = announced.get(fingerprint);
      return told?.atMs === message.createdMs ? [{ ...told, lostAtMs }] : [];
    });
  }

  /** Those who still need it, less those whom somebody has taken off the list meanwhile. */
  #recipientsOf(message: OutboxMessage): readonly string[] {
    const { to } = this.#options;
    const { left } = message;
    return left ? to.filter((recipient) => left.to.includes(recipient)) : to;
  }

  #mailOf(message: OutboxMessage, recipients: readonly string[]): MailMessage {
    const { from, to } = this.#options;
    const nowMs = this.#clock.now();
    const late =
      nowMs - message.createdMs > LATE_MS
        ? `Late: made ${isoText(message.createdMs)}, sent ${isoText(nowMs)}. This may no longer hold.`
        : '';
    return {
      from,
      to,
      recipients,
      subject: message.subject,
      text: late === '' ? message.text : `${late}\n\n${message.text}`,
      html: late === '' ? message.html : message.html.replace('<p>', () => `<p>${late}</p><p>`),
      headers: { 'Message-ID': message.id, 'Auto-Submitted': 'auto-generated' },
    };
  }
}

function refusalText(refusals: readonly MailRefusal[]): string {
  return refusals.map(({ recipient, answer }) => `${recipient}: ${answer}`).join('; ');
}
