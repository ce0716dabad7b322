import { messageOf } from '../../model/failure.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import type { Gauge, Telemetry } from '../../platform/telemetry.ts';
import { Fnv64 } from '../fingerprint.ts';
import type { Journal } from '../state/journal.ts';
import type { Announcement, OutboxMessage } from '../state/records.ts';
import type { AlertMailOptions } from './mail-options.ts';
import { mailText } from './mail-text.ts';
import type { AlertSink, OfferedAlert } from './offer.ts';

/** Messages that wait for the server; at the limit, alerts gather for one message that tells of them all. */
export const OUTBOX_MESSAGES_MAX = 10_000;
/** Alerts that wait for a message; further ones are told when they are offered again. */
const WAITING_MAX = 50_000;
const ANNOUNCEMENTS_MAX = 200_000;
/** The end of an alert is offered for 15 minutes; after this time nobody offers it any more. */
const RESOLVED_KEPT_MS = 3_600_000;
/**
 * What a lost message told is news again after this time: well beyond the backoff between attempts, so
 * that a server that refuses everything hears of each alert now and then, and well within the time for
 * which the end of an alert is offered.
 */
export const REFUSED_AGAIN_MS = 300_000;

/**
 * Decides what is news. Alerts are offered over and over; what people were told is in the journal, so that
 * a restart tells nothing twice. News wait a little, so that what happens together is told together.
 */
export class Announcer implements AlertSink {
  readonly #options: AlertMailOptions;
  readonly #externalUrl: string;
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #messageMade: () => void;
  readonly #queued: Gauge;
  readonly #waiting = new Map<string, OfferedAlert>();
  #cancelFlush: (() => void) | undefined;
  #flushing: Promise<void> = Promise.resolve();
  #isStopped = false;
  #isHoldingBack = false;

  constructor(
    options: AlertMailOptions,
    parts: {
      readonly externalUrl: string;
      readonly journal: Journal;
      readonly clock: Clock;
      readonly log: Log;
      readonly telemetry: Telemetry;
      /** Called when there is a new message in the journal's outbox. */
      readonly messageMade: () => void;
    },
  ) {
    this.#options = options;
    this.#externalUrl = parts.externalUrl;
    this.#journal = parts.journal;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#messageMade = parts.messageMade;
    this.#queued = parts.telemetry.gauge(
      'nephoscope_alerter_notifications_queued',
      'Messages that nobody has taken yet.',
    );
  }

  offer(alerts: readonly OfferedAlert[]): void {
    for (const alert of alerts) {
      if (!this.#isNews(alert)) continue;
      if (this.#waiting.size >= WAITING_MAX && !this.#waiting.has(alert.fingerprint)) continue;
      this.#waiting.set(alert.fingerprint, alert);
    }
    if (this.#waiting.size > 0) this.#arm();
  }

  #isNews(alert: OfferedAlert): boolean {
    const told = this.#journal.state.announced.get(alert.fingerprint);
    const sameAlert = told?.startsAtMs === alert.startsAtMs;
    if (sameAlert && told?.lostAtMs !== undefined) {
      // Whichever way the wall clock has jumped.
      return Math.abs(this.#clock.now() - told.lostAtMs) >= REFUSED_AGAIN_MS;
    }
    if (alert.status === 'firing') {
      if (!told || !sameAlert || told.status !== 'firing') return true;
      return this.#clock.now() - told.atMs >= this.#options.repeatIntervalMs;
    }
    // An alert that ended before it was told of is still told of, once: it did fire.
    if (this.#waiting.has(alert.fingerprint)) return true;
    return this.#options.sendResolved && told?.status === 'firing';
  }

  #arm(): void {
    if (this.#cancelFlush || this.#isStopped) return;
    this.#cancelFlush = this.#clock.after(this.#options.groupWaitMs, () => {
      this.#cancelFlush = undefined;
      this.#flushing = this.#flushing.then(() => this.#flush());
    });
  }

  async #flush(): Promise<void> {
    if (this.#waiting.size === 0) return;
    const { outbox } = this.#journal.state;
    const isFull = outbox.size >= OUTBOX_MESSAGES_MAX;
    if (isFull !== this.#isHoldingBack) {
      this.#isHoldingBack = isFull;
      const fields = { messages: outbox.size, alertsWaiting: this.#waiting.size };
      if (isFull)
        this.#log.error('too many unsent messages; alerts gather for one message', fields);
      else this.#log.info('there is room for messages again', fields);
    }
    if (isFull) {
      this.#arm();
      return;
    }
    const alerts = [...this.#waiting.values()];
    this.#waiting.clear();
    try {
      await this.#makeMessage(alerts);
    } catch (thrown) {
      this.#log.error('a message about alerts could not be made and will be tried again', {
        alerts: alerts.length,
        error: messageOf(thrown),
      });
      for (const alert of alerts) {
        if (!this.#waiting.has(alert.fingerprint)) this.#waiting.set(alert.fingerprint, alert);
      }
      this.#arm();
    }
  }

  async #makeMessage(alerts: readonly OfferedAlert[]): Promise<void> {
    const { announced } = this.#journal.state;
    const nowMs = this.#clock.now();
    const message: OutboxMessage = {
      id: messageId(alerts, announced, this.#options.from),
      createdMs: nowMs,
      ...mailText(alerts, this.#externalUrl),
      fingerprints: alerts.map(({ fingerprint }) => fingerprint),
    };
    const news = alerts.map(({ fingerprint, status, startsAtMs }): Announcement => {
      return { fingerprint, status, startsAtMs, atMs: nowMs };
    });
    const forgotten = this.#outdated(nowMs);
    const isDurable = await this.#journal.commit([
      ...(forgotten.length > 0 ? [{ kind: 'forget', fingerprints: forgotten } as const] : []),
      { kind: 'message', message, announced: news },
    ]);
    if (!isDurable) {
      this.#log.error('a message about alerts is sent without being on the disk', {
        id: message.id,
      });
    }
    this.#queued.set(this.#journal.state.outbox.size);
    this.#messageMade();
  }

  #outdated(nowMs: number): readonly string[] {
    const { announced } = this.#journal.state;
    const forgotten: string[] = [];
    let excess = announced.size - ANNOUNCEMENTS_MAX;
    for (const { fingerprint, status, atMs } of announced.values()) {
      const isOver = status === 'resolved' && nowMs - atMs > RESOLVED_KEPT_MS;
      if (isOver || excess > 0) {
        forgotten.push(fingerprint);
        excess--;
      }
    }
    return forgotten;
  }

  /**
   * Stops telling. What still waits is not lost: the rules' state is on the disk, and the next start offers
   * it again.
   */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelFlush?.();
    await this.#flushing;
  }
}

/**
 * The same news have the same identity, whoever tells them again. A repetition is news of its own: its
 * identity has the time of what it repeats.
 */
function messageId(
  alerts: readonly OfferedAlert[],
  announced: ReadonlyMap<string, Announcement>,
  from: string,
): string {
  const parts = alerts.map(({ fingerprint, status, startsAtMs }) => {
    const told = announced.get(fingerprint);
    const repeats = told?.status === status && told.startsAtMs === startsAtMs ? told.atMs : 0;
    return `${fingerprint} ${startsAtMs} ${status} ${repeats}`;
  });
  const text = parts.sort().join('\n');
  const domain = from.slice(from.lastIndexOf('@') + 1);
  const digest = new Fnv64().text(text).hex() + new Fnv64().text(`second\n${text}`).hex();
  return `<${digest}@${domain}>`;
}
