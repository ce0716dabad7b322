import { everySlot } from '../../platform/clock.ts';
import type { Clock } from '../../platform/clock.ts';
import type { SharedQuery } from './shared-query.ts';

/** How long after its second a tick is evaluated: the time samples need to become readable. */
const SETTLE_MS = 250;
/** Queries of one tick evaluated at a time; the engine has a limit of its own for all of them. */
const TOGETHER = 4;

/** Evaluates the queries of one interval, each once a tick, and tells its listeners when all are done. */
export class Ticker {
  readonly #intervalMs: number;
  readonly #stopping = new AbortController();
  readonly #shared = new Map<string, { readonly query: SharedQuery; users: number }>();
  readonly #listeners = new Set<(timeMs: number) => void>();
  readonly #make: (text: string) => SharedQuery;

  constructor(clock: Clock, intervalMs: number, make: (text: string) => SharedQuery) {
    this.#intervalMs = intervalMs;
    this.#make = make;
    const slots = { intervalMs, offsetMs: SETTLE_MS };
    // The task below catches what a query throws, so the loop ends by its signal only.
    void everySlot(clock, slots, this.#stopping.signal, (slotMs) => this.#tick(slotMs - SETTLE_MS));
  }

  get queries(): number {
    return this.#shared.size;
  }

  get isIdle(): boolean {
    return this.#listeners.size === 0 && this.#shared.size === 0;
  }

  /** The shared query of this text, one user more. */
  join(text: string): SharedQuery {
    const known = this.#shared.get(text);
    if (known) {
      known.users++;
      return known.query;
    }
    const query = this.#make(text);
    this.#shared.set(text, { query, users: 1 });
    return query;
  }

  part(query: SharedQuery): void {
    const known = this.#shared.get(query.text);
    if (known && --known.users === 0) this.#shared.delete(query.text);
  }

  listen(listener: (timeMs: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stop(): void {
    this.#stopping.abort(new Error('nobody listens'));
  }

  async #tick(timeMs: number): Promise<void> {
    const waiting = [...this.#shared.values()];
    const { signal } = this.#stopping;
    const worker = async (): Promise<void> => {
      for (let next = waiting.shift(); next && !signal.aborted; next = waiting.shift()) {
        await next.query.evaluate(timeMs, this.#intervalMs, signal);
      }
    };
    await Promise.all(Array.from({ length: TOGETHER }, worker));
    if (signal.aborted) return;
    for (const listener of this.#listeners) listener(timeMs);
  }
}
