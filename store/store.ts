import { Failure } from '../model/failure.ts';
import type { Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import type { Refusal } from '../model/refusal.ts';
import type { SampleBatch } from '../model/sample.ts';

/**
 * The contract of everything that keeps samples. Writers know only `SampleWriter`, readers only
 * `SeriesReader`; they never meet elsewhere. All values that cross it are plain data, so that an
 * implementation may live in another thread or machine.
 */
export interface Store extends SampleWriter, SeriesReader {
  stats(): StoreStats;
  /** Finishes what was accepted, releases the disk. Later calls fail with `closed`. */
  close(): Promise<void>;
}

export interface SampleWriter {
  /**
   * Resolves once every stored sample of the batch is durable and readable; rejects with a `StoreFailure`
   * when that cannot be had, in which case each sample is stored once or not at all.
   * Samples may come in any order and of any age within retention. The same sample again is a success
   * without a second copy; another value for a time that is taken is refused (the first wins).
   * Concurrent calls are committed together; samples of one call keep their order.
   */
  append(batch: SampleBatch): Promise<AppendOutcome>;
  /**
   * The same for a body of remote write as it came over the wire, without a look at each sample of the series
   * that are known. Resolves to undefined, having taken nothing, for a body that it does not understand: its
   * sender learns why from whoever reads it in full. A writer may leave this out.
   */
  appendWriteRequest?(request: WriteRequest): Promise<AppendOutcome | undefined>;
}

export interface WriteRequest {
  /** The message `prometheus.WriteRequest` of remote write 1.0, a Snappy block. The receiver's from now on. */
  readonly body: Uint8Array;
  readonly decodedBytesMax: number;
  /** Samples of later times are not taken without asking. */
  readonly latestMs: number;
  /** From 1 to 2^32 - 1. Series that were let in under it need no further look; others are asked about. */
  readonly admission: number;
  /**
   * Reads a part of the message, itself such a message with one field, that the store cannot judge: a series
   * that it does not know under this admission, a sample from the future, metadata. Gives the rows that may enter.
   */
  readonly admit: (part: Uint8Array) => {
    readonly batch: SampleBatch;
    readonly refused: readonly Refusal[];
  };
}

export interface AppendOutcome {
  /** Rows that are now stored and were not before. */
  readonly stored: number;
  /** Rows that were stored already, with the same value. */
  readonly repeated: number;
  readonly refused: readonly Refusal[];
}

export interface SeriesReader {
  /**
   * The raw samples of every series that matches, sorted by labels, each with times strictly ascending and
   * within [fromMs, toMs], both inclusive. Staleness markers are among the values. Series without a sample
   * in the range are left out. Fails with `limit-series` or `limit-samples` above the budget.
   */
  select(request: SelectRequest): Promise<readonly RawSeries[]>;
  /** The label sets of matching series that may have samples in the range, sorted. */
  series(request: SeriesRequest): Promise<readonly Labels[]>;
  /** The names of labels in use among matching series, sorted. */
  labelNames(request: SeriesRequest): Promise<readonly string[]>;
  /** The values of one label among matching series, sorted. */
  labelValues(label: string, request: SeriesRequest): Promise<readonly string[]>;
}

export interface SeriesRequest {
  /** All must hold. Empty: every series. */
  readonly matchers: readonly Matcher[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly signal?: AbortSignal;
}

export interface SelectRequest extends SeriesRequest {
  readonly budget: ReadBudget;
}

export interface ReadBudget {
  readonly seriesMax: number;
  /** Samples read, over all series. */
  readonly samplesMax: number;
}

export interface RawSeries {
  readonly labels: Labels;
  readonly times: Float64Array;
  readonly values: Float64Array;
}

export interface StoreStats {
  /** Series that took a sample recently and are held in memory. */
  readonly liveSeries: number;
  readonly samplesAppended: number;
  readonly diskBytes: number;
  readonly blocks: number;
  /** Undefined while empty. */
  readonly oldestMs: number | undefined;
  readonly newestMs: number | undefined;
}

export type StoreFailureCode =
  | 'closed'
  | 'overloaded'
  | 'disk-full'
  | 'disk-failed'
  | 'corrupt'
  | 'newer-format'
  | 'limit-series'
  | 'limit-samples';

export class StoreFailure extends Failure<StoreFailureCode> {
  override readonly name = 'StoreFailure';
}
