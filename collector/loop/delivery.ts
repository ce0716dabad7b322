import { messageOf } from '../../model/failure.ts';
import type { SampleBatch } from '../../model/sample.ts';
import { withDeadline } from '../../platform/clock.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import type { Counter, Gauge, Telemetry } from '../../platform/telemetry.ts';

/** Resolves when the samples are durable; a rejection means that they should be brought again. */
export type Deliver = (batch: SampleBatch) => Promise<void>;

export interface DeliveryLimits {
  /** What has waited longer is given up, the oldest first. */
  readonly heldMs: number;
  /** The same limit in samples, for memory's sake: 16 bytes each, and a reference. */
  readonly samplesMax: number;
  readonly underWayMax: number;
  /** An attempt that takes longer counts as failed. The store knows a sample that comes twice. */
  readonly attemptMs: number;
}

export const DELIVERY_LIMITS: DeliveryLimits = {
  heldMs: 60_000,
  samplesMax: 2_000_000,
  underWayMax: 4,
  attemptMs: 30_000,
};

const BACKOFF_MS = 250;
const BACKOFF_MS_MAX = 5000;

export interface DeliveryStatus {
  readonly batchesWaiting: number;
  readonly samplesWaiting: number;
  readonly batchesUnderWay: number;
  readonly samplesDelivered: number;
  readonly samplesDropped: number;
  /** Why the last attempt failed, while attempts fail. */
  readonly failing: string | undefined;
}

/**
 * Brings batches to the store: a few at once, kept and tried again when that fails, and never more in
 * memory than the limits allow. Among those that wait, the ones tried least go first, so that one batch
 * that always fails cannot stand in the way of the others.
 */
export class Delivery {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #deliver: Deliver;
  readonly #limits: DeliveryLimits;
  readonly #dropped: Counter;
  readonly #delivered: Counter;
  readonly #waitingGauge: Gauge;
  /** Oldest first. */
  readonly #waiting: Held[] = [];
  #samplesWaiting = 0;
  readonly #underWay = new Set<(outcome: Outcome) => void>();
  #sequence = 0;
  #samplesDelivered = 0;
  #samplesDropped = 0;
  #droppedInRun = 0;
  #failures = 0;
  #failing: string | undefined;
  #cancelPause: (() => void) | undefined;
  #idle: (() => void)[] = [];

  constructor(
    platform: { readonly clock: Clock; readonly log: Log; readonly telemetry: Telemetry },
    deliver: Deliver,
    limits: DeliveryLimits,
  ) {
    this.#clock = platform.clock;
    this.#log = platform.log;
    this.#deliver = deliver;
    this.#limits = limits;
    const { telemetry } = platform;
    this.#dropped = telemetry.counter(
      'nephoscope_collector_samples_dropped_total',
      'Samples given up because the store did not take them in time.',
    );
    this.#delivered = telemetry.counter(
      'nephoscope_collector_samples_delivered_total',
      'Samples that the store has acknowledged.',
    );
    this.#waitingGauge = telemetry.gauge(
      'nephoscope_collector_samples_waiting',
      'Samples read but not yet on their way to the store.',
    );
    this.#dropped.add(0);
    this.#delivered.add(0);
  }

  add(batch: SampleBatch): void {
    const sequence = this.#sequence++;
    this.#waiting.push({ batch, sequence, sinceMs: this.#clock.monotonic(), attempts: 0 });
    this.#samplesWaiting += batch.times.length;
    this.#pump();
    this.#dropExcess();
    this.#waitingGauge.set(this.#samplesWaiting);
  }

  status(): DeliveryStatus {
    return {
      batchesWaiting: this.#waiting.length,
      samplesWaiting: this.#samplesWaiting,
      batchesUnderWay: this.#underWay.size,
      samplesDelivered: this.#samplesDelivered,
      samplesDropped: this.#samplesDropped,
      failing: this.#failing,
    };
  }

  /** Waits until everything is delivered, at most so long; what is left then is dropped and counted. */
  async drain(limitMs: number): Promise<void> {
    const drained = new Promise<void>((resolve) => {
      this.#idle.push(resolve);
      this.#tellIdle();
    });
    try {
      await withDeadline(this.#clock, limitMs, 'the last delivery', () => drained);
    } catch {
      this.#drop(this.#waiting.length);
      const error = 'the collector has stopped';
      for (const end of this.#underWay) end({ kind: 'abandoned', error });
    }
    this.#cancelPause?.();
    this.#tellDropped();
  }

  #pump(): void {
    if (this.#cancelPause !== undefined) return;
    // While the store fails, one attempt at a time is enough to find out that it no longer does.
    const underWayMax = this.#failures > 0 ? 1 : this.#limits.underWayMax;
    while (this.#underWay.size < underWayMax && this.#waiting.length > 0) {
      const held = this.#takeNext();
      this.#samplesWaiting -= held.batch.times.length;
      this.#attempt(held);
    }
  }

  #takeNext(): Held {
    let best = 0;
    for (let i = 1; i < this.#waiting.length && this.#waiting[best]!.attempts > 0; i++) {
      if (this.#waiting[i]!.attempts < this.#waiting[best]!.attempts) best = i;
    }
    return this.#waiting.splice(best, 1)[0]!;
  }

  #attempt(held: Held): void {
    const { batch } = held;
    held.attempts++;
    // Written out instead of `withDeadline`: this runs for each batch, and signals are dear.
    const end = (outcome: Outcome): void => {
      if (!this.#underWay.delete(end)) return;
      cancel();
      if (outcome.kind === 'delivered') this.#succeeded(batch.times.length);
      else this.#failed(held, outcome);
      this.#waitingGauge.set(this.#samplesWaiting);
      this.#pump();
      this.#tellIdle();
    };
    const { attemptMs } = this.#limits;
    const cancel = this.#clock.after(attemptMs, () =>
      end({ kind: 'failed', error: `no answer for ${attemptMs / 1000} s` }),
    );
    this.#underWay.add(end);
    // The receiver owns what it is given and may pass the columns on to a thread; we keep the original.
    const { labels, times, values } = batch;
    this.#deliver({ labels, times: times.slice(), values: values.slice() }).then(
      () => end({ kind: 'delivered' }),
      (thrown: unknown) => end({ kind: 'failed', error: messageOf(thrown) }),
    );
  }

  #succeeded(samples: number): void {
    this.#samplesDelivered += samples;
    this.#delivered.add(samples);
    if (this.#failing === undefined) return;
    this.#log.info('samples reach the store again', {
      failures: this.#failures,
      samplesWaiting: this.#samplesWaiting,
    });
    this.#failures = 0;
    this.#failing = undefined;
    this.#tellDropped();
  }

  #failed(held: Held, { kind, error }: { kind: 'failed' | 'abandoned'; error: string }): void {
    if (kind === 'abandoned') {
      this.#countDropped(held.batch.times.length);
      return;
    }
    if (this.#failing === undefined) {
      this.#log.warn('samples do not reach the store; they are kept and tried again', { error });
    }
    this.#failing = error;
    this.#failures++;
    const later = this.#waiting.findIndex(({ sequence }) => sequence > held.sequence);
    this.#waiting.splice(later === -1 ? this.#waiting.length : later, 0, held);
    this.#samplesWaiting += held.batch.times.length;
    this.#dropExcess();
    this.#pause();
  }

  #pause(): void {
    if (this.#cancelPause !== undefined) return;
    const delayMs = Math.min(BACKOFF_MS * 2 ** Math.min(this.#failures - 1, 10), BACKOFF_MS_MAX);
    this.#cancelPause = this.#clock.after(delayMs, () => {
      this.#cancelPause = undefined;
      this.#pump();
    });
  }

  #dropExcess(): void {
    const oldestMs = this.#clock.monotonic() - this.#limits.heldMs;
    let count = 0;
    let samples = this.#samplesWaiting;
    for (const held of this.#waiting) {
      if (held.sinceMs >= oldestMs && samples <= this.#limits.samplesMax) break;
      samples -= held.batch.times.length;
      count++;
    }
    if (count > 0) this.#drop(count);
  }

  /** Gives up the oldest batches. */
  #drop(count: number): void {
    for (const { batch } of this.#waiting.splice(0, count)) {
      this.#samplesWaiting -= batch.times.length;
      this.#countDropped(batch.times.length);
    }
  }

  #countDropped(samples: number): void {
    if (this.#droppedInRun === 0) {
      this.#log.error('samples are given up: the store has not taken them for too long', {
        heldSeconds: this.#limits.heldMs / 1000,
        error: this.#failing,
      });
    }
    this.#droppedInRun += samples;
    this.#samplesDropped += samples;
    this.#dropped.add(samples);
  }

  #tellDropped(): void {
    if (this.#droppedInRun === 0) return;
    this.#log.error('samples were given up while the store did not take them', {
      samples: this.#droppedInRun,
    });
    this.#droppedInRun = 0;
  }

  #tellIdle(): void {
    if (this.#underWay.size > 0 || this.#waiting.length > 0) return;
    for (const resolve of this.#idle) resolve();
    this.#idle = [];
  }
}

interface Held {
  readonly batch: SampleBatch;
  readonly sequence: number;
  /** Monotonic. */
  readonly sinceMs: number;
  attempts: number;
}

type Outcome =
  | { readonly kind: 'delivered' }
  /** `abandoned`: the collector stops and nobody waits for it any more. */
  | { readonly kind: 'failed' | 'abandoned'; readonly error: string };
