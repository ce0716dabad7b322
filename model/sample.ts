import { assert } from './assert.ts';
import type { Labels } from './labels.ts';

/**
 * Samples on their way in, as columns: row i is the sample (times[i], values[i]) of the series labels[i].
 * A series with several rows repeats the same `Labels` object. Times are integer milliseconds since 1970
 * UTC. Values keep their bits: a NaN with the staleness payload ends a series (`staleness.ts`).
 * A batch belongs to its receiver once handed over; the sender must not write to its columns again.
 */
export interface SampleBatch {
  readonly labels: readonly Labels[];
  readonly times: Float64Array;
  readonly values: Float64Array;
}

/** Grows a batch row by row; bounded by the caller through `length`. */
export class BatchBuilder {
  #labels: Labels[] = [];
  #times: Float64Array;
  #values: Float64Array;

  constructor(rowsExpected = 256) {
    this.#times = new Float64Array(rowsExpected);
    this.#values = new Float64Array(rowsExpected);
  }

  get length(): number {
    return this.#labels.length;
  }

  push(labels: Labels, timeMs: number, value: number): void {
    const row = this.#labels.length;
    if (row === this.#times.length) {
      this.#times = grown(this.#times);
      this.#values = grown(this.#values);
    }
    this.#labels.push(labels);
    this.#times[row] = timeMs;
    this.#values[row] = value;
  }

  /** Hands the rows over and starts anew. */
  take(): SampleBatch {
    const rows = this.#labels.length;
    const batch = {
      labels: this.#labels,
      times: this.#times.subarray(0, rows),
      values: this.#values.subarray(0, rows),
    };
    this.#labels = [];
    this.#times = new Float64Array(Math.max(rows, 16));
    this.#values = new Float64Array(Math.max(rows, 16));
    return batch;
  }
}

function grown(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(Math.max(16, column.length * 2));
  larger.set(column);
  return larger;
}

/** Checks the shape of a batch, which a caller in another thread or process may have got wrong. */
export function assertBatch(batch: SampleBatch): void {
  assert(
    batch.labels.length === batch.times.length && batch.times.length === batch.values.length,
    'the columns of a batch have one length',
  );
}
