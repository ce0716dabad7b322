import type { DataFile } from '../../platform/files.ts';
import { checkedChunk } from './block-format.ts';
import type { TimesTable } from './block-format.ts';
import { MalformedBytes } from './bytes.ts';
import type { ChunkCodec, SharedTimes } from './chunk.ts';
import { readPlaces } from './places.ts';

/** Decoded columns that are kept: 30 KB each at most. */
const DECODED_MAX = 32;

/** Columns of times as they stand in the block, by number. */
export type EncodedTimes = ReadonlyMap<number, Uint8Array>;

/** The times that chunks of one block share. */
export class SharedTimesReader {
  readonly #file: DataFile;
  readonly #sequence: number;
  readonly #table: TimesTable;
  readonly #codec: ChunkCodec;
  /** By number, the one used last at the end. */
  readonly #decoded = new Map<number, Float64Array>();

  constructor(parts: {
    readonly file: DataFile;
    readonly sequence: number;
    readonly table: TimesTable;
    readonly codec: ChunkCodec;
  }) {
    this.#file = parts.file;
    this.#sequence = parts.sequence;
    this.#table = parts.table;
    this.#codec = parts.codec;
  }

  /** Reads the columns with these numbers, as far as they are not at hand. */
  async read(numbers: Iterable<number>): Promise<EncodedTimes> {
    const missing = new Set<number>();
    for (const number of numbers) {
      const isKnown = number === 0 || number > this.#table.lengths.length;
      if (!isKnown && !this.#decoded.has(number)) missing.add(number);
    }
    const encoded = new Map<number, Uint8Array>();
    if (missing.size === 0) return encoded;
    const rows = [...missing].map((number) => number - 1).sort((a, b) => a - b);
    await readPlaces(this.#file, { ...this.#table, rows }, (found) => {
      for (const { row, bytes } of found) encoded.set(row + 1, bytes);
    });
    return encoded;
  }

  /** All columns of the block; the writer has bounded them. */
  async readAll(): Promise<EncodedTimes> {
    return this.read(Array.from(this.#table.lengths, (_, row) => row + 1));
  }

  /** How a chunk finds its times among those read. The answer throws `MalformedBytes` for damaged ones. */
  of(number: number, encoded: EncodedTimes): SharedTimes | undefined {
    if (number === 0) return undefined;
    return (count) => {
      let times = this.#decoded.get(number);
      if (times) this.#decoded.delete(number);
      else times = this.#decode(number, encoded.get(number), count);
      this.#decoded.set(number, times);
      if (this.#decoded.size > DECODED_MAX) {
        const [oldest] = this.#decoded.keys();
        this.#decoded.delete(oldest!);
      }
      if (times.length !== count) throw new MalformedBytes('shared times are of another length');
      return times;
    };
  }

  #decode(number: number, bytes: Uint8Array | undefined, count: number): Float64Array {
    const offset = this.#table.offsets[number - 1];
    const column =
      bytes && offset !== undefined
        ? checkedChunk(bytes, { file: this.#sequence, offset })
        : undefined;
    if (!column) throw new MalformedBytes('shared times are damaged');
    return this.#codec.decodeTimes(column, count, 0).slice();
  }
}
