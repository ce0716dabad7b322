import type { Clock } from '../../platform/clock.ts';
import { sleep } from '../../platform/clock.ts';
import { QueryFailure } from '../query.ts';
import type { QueryLimits } from '../query.ts';

/** How long a query may hold the event loop before others get their turn. */
const TURN_MS = 10;

/**
 * What one query may still spend: time, series and samples. Whoever works calls `breathe` once for each
 * series and awaits what it gives; that is where a query stops when it is cancelled or too slow.
 */
export class Budget {
  readonly #clock: Clock;
  readonly #limits: QueryLimits;
  readonly #signal: AbortSignal | undefined;
  readonly #deadlineMs: number;
  #turnEndsMs: number;
  #samplesRead = 0;
  #samplesHeld = 0;

  constructor(clock: Clock, limits: QueryLimits, signal: AbortSignal | undefined, startMs: number) {
    this.#clock = clock;
    this.#limits = limits;
    this.#signal = signal;
    this.#deadlineMs = startMs + limits.timeoutMs;
    this.#turnEndsMs = clock.monotonic() + TURN_MS;
  }

  get samplesRead(): number {
    return this.#samplesRead;
  }

  get seriesMax(): number {
    return this.#limits.seriesMax;
  }

  get samplesLeft(): number {
    return Math.max(0, this.#limits.samplesMax - this.#samplesRead);
  }

  get timeLeftMs(): number {
    return Math.max(0, this.#deadlineMs - this.#clock.monotonic());
  }

  /** Undefined, mostly, which costs nothing; else a promise that lets the rest of the process run. */
  breathe(): Promise<void> | undefined {
    this.check();
    return this.#clock.monotonic() < this.#turnEndsMs ? undefined : this.#pause();
  }

  check(): void {
    if (this.#signal?.aborted) {
      throw new QueryFailure('canceled', 'the query was canceled by its caller', {
        cause: this.#signal.reason,
      });
    }
    if (this.#clock.monotonic() > this.#deadlineMs) throw this.timeout();
  }

  timeout(): QueryFailure {
    return new QueryFailure(
      'timeout',
      `the query took longer than ${this.#limits.timeoutMs} ms: ask for a shorter range or fewer series`,
    );
  }

  /** Counts samples that came from the store. */
  read(samples: number): void {
    this.#samplesRead += samples;
    if (this.#samplesRead > this.#limits.samplesMax) throw this.#tooManySamples();
  }

  get samplesHeld(): number {
    return this.#samplesHeld;
  }

  /** Says how many samples are left of those held, once the inputs of an operator are gone. */
  settle(samples: number): void {
    this.#samplesHeld = samples;
  }

  /** Counts samples that the query made and holds. */
  hold(samples: number): void {
    this.#samplesHeld += samples;
    if (this.#samplesHeld > this.#limits.samplesMax) throw this.#tooManySamples();
  }

  holdSeries(count: number): void {
    if (count > this.#limits.seriesMax) throw this.tooManySeries();
  }

  tooManySeries(): QueryFailure {
    return new QueryFailure(
      'execution',
      `the query needs more than ${this.#limits.seriesMax} series: add matchers to narrow it`,
    );
  }

  #tooManySamples(): QueryFailure {
    return new QueryFailure(
      'execution',
      `query processing would load too many samples into memory: more than ${this.#limits.samplesMax}; ` +
        'ask for a shorter range, a longer step or fewer series',
    );
  }

  async #pause(): Promise<void> {
    await sleep(this.#clock, 0);
    this.#turnEndsMs = this.#clock.monotonic() + TURN_MS;
    this.check();
  }
}
