import type { Refusal } from '../model/refusal.ts';
import type { SampleBatch } from '../model/sample.ts';
import type { Acceptance, Ingest, Origin, PushedBody } from '../ingest/ingest.ts';
import type { Clock } from '../platform/clock.ts';

/**
 * The gate, and how long ago it took samples in: what tells at a glance that data flows. Times inside the
 * samples would not do, since one from the future hides that no others come. Neither would what rules write:
 * they go on without any data.
 */
export class WatchedIngest implements Ingest {
  readonly #ingest: Ingest;
  readonly #clock: Pick<Clock, 'monotonic'>;
  #lastMs: number | undefined;

  constructor(ingest: Ingest, clock: Pick<Clock, 'monotonic'>) {
    this.#ingest = ingest;
    this.#clock = clock;
  }

  async accept(
    batch: SampleBatch,
    origin: Origin,
    refusedBefore?: readonly Refusal[],
  ): Promise<Acceptance> {
    return this.#noted(await this.#ingest.accept(batch, origin, refusedBefore), origin);
  }

  async acceptBody(pushed: PushedBody, origin: Origin): Promise<Acceptance> {
    return this.#noted(await this.#ingest.acceptBody(pushed, origin), origin);
  }

  #noted(acceptance: Acceptance, origin: Origin): Acceptance {
    if (acceptance.accepted > 0 && origin.kind !== 'rules') this.#lastMs = this.#clock.monotonic();
    return acceptance;
  }

  /** Milliseconds since samples became durable last; null before the first. */
  ageMs(): number | null {
    return this.#lastMs === undefined ? null : Math.floor(this.#clock.monotonic() - this.#lastMs);
  }
}
