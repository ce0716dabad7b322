import type { Clock } from '../../platform/clock.ts';
import { QueryFailure } from '../query.ts';

/** Callers that may wait for a slot; more are turned away at once. */
const WAITING_MAX = 1000;

/** Lets a limited number of queries run at once; the others wait their turn, for a limited time. */
export class Gate {
  readonly #clock: Clock;
  readonly #slots: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(clock: Clock, slots: number) {
    this.#clock = clock;
    this.#slots = Math.max(1, slots);
  }

  /** Takes a slot; the function returned gives it back. */
  async enter(waitMs: number, signal: AbortSignal | undefined): Promise<() => void> {
    if (this.#running < this.#slots) this.#running++;
    else await this.#wait(waitMs, signal);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      // A slot passes straight to the next in line.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    };
  }

  #wait(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiting.length >= WAITING_MAX) {
      throw new QueryFailure(
        'unavailable',
        `${WAITING_MAX} queries are waiting already: try again later or raise the query concurrency`,
      );
    }
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        cancel();
        signal?.removeEventListener('abort', aborted);
      };
      const leave = (failure: QueryFailure): void => {
        settle();
        const place = this.#waiting.indexOf(enter);
        if (place !== -1) this.#waiting.splice(place, 1);
        reject(failure);
      };
      const enter = (): void => {
        settle();
        resolve();
      };
      const aborted = (): void =>
        leave(new QueryFailure('canceled', 'the query was canceled while it waited for its turn'));
      const cancel = this.#clock.after(waitMs, () =>
        leave(
          new QueryFailure(
            'timeout',
            `the query waited ${waitMs} ms for one of ${this.#slots} slots: too many queries run at once`,
          ),
        ),
      );
      this.#waiting.push(enter);
      if (signal?.aborted) aborted();
      else signal?.addEventListener('abort', aborted, { once: true });
    });
  }
}
