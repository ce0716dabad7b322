/**
 * Why a sample was not stored. A refusal is data, not an exception: it is counted under its reason, and
 * told to the sender where the protocol can. Every reason is listed here, so that a metric, an answer and
 * the documentation use the same words.
 */
export const REFUSAL_REASONS = [
  'no-metric-name',
  'bad-label-name',
  'bad-label-value',
  'too-many-labels',
  'label-name-too-long',
  'label-value-too-long',
  'duplicate-label',
  'series-limit',
  'source-series-limit',
  'timestamp-conflict',
  'too-old',
  'too-far-in-future',
  'bad-timestamp',
  'unsupported-histogram',
] as const;

export type RefusalReason = (typeof REFUSAL_REASONS)[number];

export interface Refusal {
  readonly reason: RefusalReason;
  /** How many samples. */
  readonly count: number;
  /** One of them in words: which series, which value broke which limit. */
  readonly example: string;
}

/** Collects refusals by reason; keeps the first example of each. */
export class Refusals {
  readonly #byReason = new Map<RefusalReason, { count: number; example: string }>();

  add(reason: RefusalReason, example: () => string, count = 1): void {
    const known = this.#byReason.get(reason);
    if (known) known.count += count;
    else this.#byReason.set(reason, { count, example: example() });
  }

  addAll(refusals: readonly Refusal[]): void {
    for (const { reason, count, example } of refusals) this.add(reason, () => example, count);
  }

  get count(): number {
    let sum = 0;
    for (const { count } of this.#byReason.values()) sum += count;
    return sum;
  }

  list(): readonly Refusal[] {
    return [...this.#byReason].map(([reason, { count, example }]) => ({ reason, count, example }));
  }
}
