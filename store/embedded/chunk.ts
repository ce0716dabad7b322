import { ByteReader, ByteWriter, MalformedBytes } from './bytes.ts';
import type { SampleColumns } from './columns.ts';
import { COLUMN_MAX, ENCODED_BYTES_MAX } from './kernel-module.ts';
import type { Kernel } from './kernel-module.ts';

/**
 * A chunk: samples of one series, every bit of every value kept, as two columns of `docs/formats/column.md`.
 *
 *   count | times: 0 regular, 1 shared, n + 1: a column of n bytes | that column | column of values
 *
 * Sources tick: the times of most chunks follow from the first, the last and the count, which the index has.
 * Times that do not are the same for all series of one source, so a column of them longer than a few bytes
 * stands once in the block, and the index says which one a chunk shares.
 */
export const CHUNK_SAMPLES_MAX: number = COLUMN_MAX;

/**
 * The largest magnitude of a time in milliseconds (the year 37648). It keeps the difference of two times an
 * exact float.
 */
export const TIME_LIMIT: number = 2 ** 50;

const REGULAR = 0;
const SHARED = 1;

/** A column of times up to this long is not worth sharing. */
const INLINE_BYTES_MAX = 24;

/** Keeps a column of times that several chunks may have; gives its number, 0 if there is no room. */
export type ShareTimes = (column: Uint8Array, count: number) => number;

/** What a chunk was made from that is not in it, but in the index. */
export interface ChunkFrame {
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
}

/** The times of chunks, counted from the first of each, by the number under which they are shared. */
export type SharedTimes = (count: number) => Float64Array;

/** Encodes and decodes one chunk at a time in a corner of the kernel's memory. */
export class ChunkCodec {
  readonly #kernel: Kernel;
  readonly #work: number;
  readonly #encodedAt: number;
  readonly #timesAt: number;
  readonly #valuesAt: number;
  readonly #encoded: Uint8Array;
  readonly #times: Float64Array;
  readonly #values: Float64Array;
  /** The times encoded last, for the series after it are often of the same source. */
  #lastTimes = new Float64Array(0);
  #lastForm: { readonly column: Uint8Array; readonly count: number } | undefined;

  constructor(kernel: Kernel) {
    const { calls, memory } = kernel;
    this.#kernel = kernel;
    this.#work = calls.allocate(calls.COLUMN_WORK_BYTES.value);
    this.#encodedAt = calls.allocate(ENCODED_BYTES_MAX);
    this.#timesAt = calls.allocate(COLUMN_MAX * 8);
    this.#valuesAt = calls.allocate(COLUMN_MAX * 8);
    // Memory that was allocated stays where it is, also when more is added.
    this.#encoded = new Uint8Array(memory.buffer, this.#encodedAt, ENCODED_BYTES_MAX);
    this.#times = new Float64Array(memory.buffer, this.#timesAt, COLUMN_MAX);
    this.#values = new Float64Array(memory.buffer, this.#valuesAt, COLUMN_MAX);
  }

  /**
   * Writes rows [start, end) as one chunk. Times must ascend; at least one row, at most CHUNK_SAMPLES_MAX.
   * Gives the number of the shared column of times, 0 when it has none.
   */
  encode(
    samples: SampleColumns,
    start: number,
    end: number,
    out: ByteWriter,
    share: ShareTimes,
  ): number {
    const count = end - start;
    const { calls } = this.#kernel;
    out.varint(count);
    const column = this.#timesColumn(samples.times.subarray(start, end));
    let shared = 0;
    if (!column) out.varint(REGULAR);
    else {
      if (column.length > INLINE_BYTES_MAX) shared = share(column, count);
      if (shared > 0) out.varint(SHARED);
      else {
        out.varint(column.length + 1);
        out.raw(column);
      }
    }
    // Between arrays of one type, set copies memory: bits stay.
    this.#values.set(samples.values.subarray(start, end));
    const bytes =
      calls.encodeValues(this.#valuesAt, count, this.#encodedAt, this.#work) - this.#encodedAt;
    out.raw(this.#encoded.subarray(0, bytes));
    return shared;
  }

  /** Appends the samples of a chunk to `target`. Throws `MalformedBytes` on bytes that are no chunk. */
  decode(
    source: ByteReader,
    frame: ChunkFrame,
    shared: SharedTimes | undefined,
    target: SampleColumns,
  ): void {
    const count = source.varint();
    if (count < 1 || count > COLUMN_MAX) throw new MalformedBytes('a chunk has a bad count');
    target.reserve(count);
    const times = target.times.subarray(target.length, target.length + count);
    const form = source.varint();
    if (form === REGULAR) regularTimes(frame, times);
    else if (form === SHARED) {
      if (!shared) throw new MalformedBytes('a chunk shares times that nobody knows');
      const offsets = shared(count);
      for (let row = 0; row < count; row++) times[row] = frame.minTimeMs + offsets[row]!;
    } else times.set(this.decodeTimes(source.raw(form - 1), count, frame.minTimeMs));
    this.#place(source.raw(source.left));
    const { calls } = this.#kernel;
    if (!calls.decodeValues(this.#encodedAt, count, this.#valuesAt, this.#work)) {
      throw new MalformedBytes('a column of values makes no sense');
    }
    target.values.set(this.#values.subarray(0, count), target.length);
    target.length += count;
  }

  /** A column of times, the first of which is known. The answer is valid until the next call. */
  decodeTimes(column: Uint8Array, count: number, firstMs: number): Float64Array {
    this.#place(column);
    const { calls } = this.#kernel;
    const at = this.#encodedAt;
    if (
      count < 1 ||
      count > COLUMN_MAX ||
      !calls.decodeChunkTimes(at, count, firstMs, this.#timesAt, this.#work)
    ) {
      throw new MalformedBytes('a column of times makes no sense');
    }
    return this.#times.subarray(0, count);
  }

  /** Undefined when the times are regular. */
  #timesColumn(times: Float64Array): Uint8Array | undefined {
    const count = times.length;
    const last = this.#lastForm;
    if (last?.count === count && sameRhythm(times, this.#lastTimes)) return last.column;
    this.#times.set(times);
    const { calls } = this.#kernel;
    if (calls.isRegular(this.#timesAt, count)) return undefined;
    const at = this.#encodedAt;
    const bytes = calls.encodeChunkTimes(this.#timesAt, count, at, this.#work) - at;
    const column = this.#encoded.slice(0, bytes);
    this.#lastTimes = times.slice();
    this.#lastForm = { column, count };
    return column;
  }

  #place(column: Uint8Array): void {
    if (column.length === 0 || column.length > ENCODED_BYTES_MAX - 16) {
      throw new MalformedBytes('a column has a bad length');
    }
    this.#encoded.set(column);
    // A decoder may look a little further.
    this.#encoded.fill(0, column.length, column.length + 16);
  }
}

function regularTimes({ minTimeMs, maxTimeMs }: ChunkFrame, times: Float64Array): void {
  const last = times.length - 1;
  const step = last === 0 ? 0 : (maxTimeMs - minTimeMs) / last;
  for (let row = 0; row <= last; row++) times[row] = minTimeMs + row * step;
}

function sameRhythm(a: Float64Array, b: Float64Array): boolean {
  const shift = a[0]! - b[0]!;
  for (let row = 1; row < a.length; row++) if (a[row]! - b[row]! !== shift) return false;
  return true;
}
