import { messageOf } from '../../model/failure.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';

/** After a failure the next attempt waits, longer each time. */
const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 60_000;

/**
 * A kind of work of which one round runs at a time. A round that fails is logged, and the next one waits;
 * what a round could not do is still to be done, and the following round finds it.
 */
export class Lane {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  readonly #what: string;
  readonly #work: () => Promise<void>;
  #round: Promise<void> | undefined;
  #failures = 0;
  #retryAt = -Infinity;

  constructor(options: {
    readonly clock: Clock;
    readonly log: Log;
    readonly signal: AbortSignal;
    /** For the log: what failed. */
    readonly what: string;
    readonly work: () => Promise<void>;
  }) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#signal = options.signal;
    this.#what = options.what;
    this.#work = options.work;
  }

  /** Begins a round, unless one is under way, the last one failed a moment ago, or it is over. */
  kick(): void {
    if (this.#round || this.#signal.aborted || this.#clock.monotonic() < this.#retryAt) return;
    this.#round = this.#run();
  }

  async settled(): Promise<void> {
    while (this.#round) await this.#round;
  }

  /** Counts a failure that was met outside a round. */
  failed(thrown: unknown): void {
    this.#failures++;
    const delayMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (this.#failures - 1));
    this.#retryAt = this.#clock.monotonic() + delayMs;
    this.#log.error('the upkeep of the store failed and will be tried again', {
      what: this.#what,
      error: messageOf(thrown),
      retrySeconds: delayMs / 1000,
    });
  }

  async #run(): Promise<void> {
    try {
      await this.#work();
      this.#failures = 0;
      this.#retryAt = -Infinity;
    } catch (thrown) {
      if (!this.#signal.aborted) this.failed(thrown);
    } finally {
      this.#round = undefined;
    }
  }
}
