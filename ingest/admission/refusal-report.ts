import type { Refusal, RefusalReason } from '../../model/refusal.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import type { Origin } from '../ingest.ts';

const SILENCE_MS = 10_000;

/** Tells the log about refusals, at most once in ten seconds for each reason; counters tell the rest. */
export class RefusalReport {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #byReason = new Map<RefusalReason, { toldAt: number; untold: number }>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  note({ reason, count, example }: Refusal, origin: Origin): void {
    const now = this.#clock.monotonic();
    const state = this.#byReason.get(reason) ?? { toldAt: -Infinity, untold: 0 };
    this.#byReason.set(reason, state);
    state.untold += count;
    if (now - state.toldAt < SILENCE_MS) return;
    this.#log.warn('samples refused', {
      reason,
      count: state.untold,
      origin: origin.kind,
      source: origin.source,
      example,
    });
    state.toldAt = now;
    state.untold = 0;
  }
}
