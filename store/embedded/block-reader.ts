import type { DataFile, Files } from '../../platform/files.ts';
import {
  BLOCK_FOOTER_BYTES,
  BLOCK_HEADER_BYTES,
  BLOCK_VERSION,
  INDEX_BYTES_MAX,
  checkedChunk,
  readBlockHeader,
  readFooter,
  readIndex,
} from './block-format.ts';
import type { BlockMeta, ChunkTable, TimesTable } from './block-format.ts';
import { ByteReader, MalformedBytes } from './bytes.ts';
import type { Catalogue } from './catalogue.ts';
import type { ChunkCodec, SharedTimes } from './chunk.ts';
import { SampleColumns, lowerBound } from './columns.ts';
import { placedCrc } from './crc32c.ts';
import { fileName } from './filenames.ts';
import { newerFormat } from './journal-reader.ts';
import { readPlaces } from './places.ts';
import type { Fetch, FoundPlace } from './places.ts';
import { SharedTimesReader } from './shared-times.ts';
import type { EncodedTimes } from './shared-times.ts';
import type { Series } from './series.ts';

const AHEAD_BYTES: number = 256 * 1024;

const NO_TIMES: EncodedTimes = new Map();

/** What the last read of a walk through a block brought. */
export interface ReadAhead {
  start: number;
  bytes: Uint8Array;
  /** All that chunks share, once one of them asked. */
  times: EncodedTimes | undefined;
}

/** A chunk that could not be used: what it said is missing, nothing else. */
export type ChunkDamage = (block: Block, offset: number) => void;

/**
 * An open block. It holds its file open until nobody reads from it any more: `retire` ends it for new
 * readers, the last `release` closes the file.
 */
export class Block {
  readonly meta: BlockMeta;
  readonly bytes: number;
  /** In the order of labels. */
  readonly series: readonly Series[];
  readonly chunks: ChunkTable;
  /** Met a damaged chunk: such a block is not merged, so that what is left can be looked at. */
  isDamaged = false;
  readonly #file: DataFile;
  readonly #codec: ChunkCodec;
  readonly #times: SharedTimesReader;
  readonly #onDamage: ChunkDamage;
  /** Catalogue ids ascending, and the position in `series` of each. */
  readonly #ids: Uint32Array;
  readonly #positions: Uint32Array;
  #users = 1;
  readonly #closed: Promise<void>;
  #announceClosed: () => void = () => {};

  constructor(parts: {
    readonly meta: BlockMeta;
    readonly bytes: number;
    readonly series: readonly Series[];
    readonly chunks: ChunkTable;
    readonly times: TimesTable;
    readonly file: DataFile;
    readonly codec: ChunkCodec;
    readonly onDamage: ChunkDamage;
  }) {
    this.meta = parts.meta;
    this.bytes = parts.bytes;
    this.series = parts.series;
    this.chunks = parts.chunks;
    this.#file = parts.file;
    this.#codec = parts.codec;
    this.#times = new SharedTimesReader({
      file: parts.file,
      sequence: this.meta.sequence,
      table: parts.times,
      codec: parts.codec,
    });
    this.#onDamage = parts.onDamage;
    const order = Uint32Array.from(this.series.keys());
    order.sort((a, b) => this.series[a]!.id - this.series[b]!.id);
    this.#positions = order;
    this.#ids = order.map((position) => this.series[position]!.id);
    this.#closed = new Promise((resolve) => (this.#announceClosed = resolve));
  }

  acquire(): void {
    this.#users++;
  }

  async release(): Promise<void> {
    this.#users--;
    if (this.#users > 0) return;
    try {
      await this.#file.close();
    } catch {
      // Nothing was written through it, so nothing can be lost.
    }
    this.#announceClosed();
  }

  /** Gives up the store's own hold; resolves once the last reader is done. */
  async retire(): Promise<void> {
    await this.release();
    await this.#closed;
  }

  /** Where the series stands in this block; -1: it has no sample here. */
  positionOf(series: Series): number {
    const at = lowerBound(this.#ids, series.id);
    return this.#ids[at] === series.id ? this.#positions[at]! : -1;
  }

  /** The chunks of a position that may hold samples in [fromMs, toMs]. */
  chunksWithin(position: number, fromMs: number, toMs: number): { start: number; end: number } {
    const { first, minTimes, maxTimes } = this.chunks;
    let start = first[position]!;
    let end = first[position + 1]!;
    while (start < end && maxTimes[start]! < fromMs) start++;
    while (end > start && minTimes[end - 1]! > toMs) end--;
    return { start, end };
  }

  mayHold(series: Series, fromMs: number, toMs: number): boolean {
    if (this.meta.minTimeMs > toMs || this.meta.maxTimeMs < fromMs) return false;
    const position = this.positionOf(series);
    if (position < 0) return false;
    const { start, end } = this.chunksWithin(position, fromMs, toMs);
    return start < end;
  }

  lastTimeOf(position: number): number {
    return this.chunks.maxTimes[this.chunks.first[position + 1]! - 1]!;
  }

  /**
   * Reads chunks, ascending by number, and calls `visit` with the samples of each; the columns are used
   * again for the next. Chunks that are damaged are reported and left out. Who walks through a whole block
   * hands in a `ReadAhead`, so that a read serves many calls.
   */
  async readChunks(
    numbers: readonly number[],
    visit: (number: number, samples: SampleColumns) => void,
    { signal, ahead }: { readonly signal?: AbortSignal; readonly ahead?: ReadAhead } = {},
  ): Promise<void> {
    const { shared } = this.chunks;
    const samples = new SampleColumns(512);
    const fetch: Fetch = (start, count) => this.#fetch(start, count, ahead);
    await readPlaces(
      fetch,
      { ...this.chunks, rows: numbers },
      async (found) => {
        const times = await this.#readTimes(found, ahead);
        for (const { row: number, bytes } of found) {
          const ofChunk = this.#times.of(shared[number]!, times);
          if (this.#decode(bytes, number, ofChunk, samples)) visit(number, samples);
        }
      },
      signal,
    );
  }

  async #readTimes(
    chunks: readonly FoundPlace[],
    ahead: ReadAhead | undefined,
  ): Promise<EncodedTimes> {
    const numbers = new Set(chunks.map(({ row }) => this.chunks.shared[row]!));
    numbers.delete(0);
    if (numbers.size === 0) return NO_TIMES;
    if (!ahead) return this.#times.read(numbers);
    return (ahead.times ??= await this.#times.readAll());
  }

  /** Bytes from an offset, fewer at the end of the file. */
  async #fetch(start: number, count: number, ahead?: ReadAhead): Promise<Uint8Array> {
    if (ahead && start >= ahead.start && start + count <= ahead.start + ahead.bytes.length) {
      return ahead.bytes.subarray(start - ahead.start, start - ahead.start + count);
    }
    const bytes = new Uint8Array(ahead ? Math.max(count, AHEAD_BYTES) : count);
    const whole = bytes.subarray(0, await this.#file.readAt(start, bytes));
    if (ahead) Object.assign(ahead, { start, bytes: whole });
    return whole.subarray(0, count);
  }

  #decode(
    chunk: Uint8Array,
    number: number,
    times: SharedTimes | undefined,
    samples: SampleColumns,
  ): boolean {
    samples.clear();
    const offset = this.chunks.offsets[number]!;
    const frame = {
      minTimeMs: this.chunks.minTimes[number]!,
      maxTimeMs: this.chunks.maxTimes[number]!,
    };
    const payload = checkedChunk(chunk, { file: this.meta.sequence, offset });
    try {
      if (payload) {
        this.#codec.decode(new ByteReader(payload), frame, times, samples);
        return true;
      }
    } catch (thrown) {
      if (!(thrown instanceof MalformedBytes)) throw thrown;
    }
    this.isDamaged = true;
    this.#onDamage(this, offset);
    return false;
  }
}

/** What a block is opened with. */
export interface BlockUse {
  readonly catalogue: Catalogue;
  readonly codec: ChunkCodec;
  readonly onDamage: ChunkDamage;
}

/**
 * Opens a block and reads its index. Throws `MalformedBytes` when the bytes are no block; fails with
 * `newer-format` when a newer program wrote it.
 */
export async function openBlock(
  files: Files,
  directory: string,
  sequence: number,
  use: BlockUse,
): Promise<Block> {
  const path = `${directory}/${fileName('block', sequence)}`;
  const file = await files.open(path, 'read');
  try {
    const bytes = await file.size();
    if (bytes < BLOCK_HEADER_BYTES + BLOCK_FOOTER_BYTES) {
      throw new MalformedBytes(`it has only ${bytes} bytes`);
    }
    const version = readBlockHeader(await readExactly(file, 0, BLOCK_HEADER_BYTES), sequence);
    if (version > BLOCK_VERSION) throw newerFormat(path, version);
    if (version < BLOCK_VERSION) throw new MalformedBytes(`it has the old format ${version}`);
    const footerBytes = await readExactly(file, bytes - BLOCK_FOOTER_BYTES, BLOCK_FOOTER_BYTES);
    const { indexOffset, indexLength, indexCrc } = readFooter(footerBytes, sequence);
    if (indexOffset + indexLength + BLOCK_FOOTER_BYTES !== bytes || indexLength > INDEX_BYTES_MAX) {
      throw new MalformedBytes('the footer does not fit the file');
    }
    const indexBytes = await readExactly(file, indexOffset, indexLength);
    if (placedCrc({ file: sequence, offset: indexOffset }, indexBytes) !== indexCrc) {
      throw new MalformedBytes('the index is damaged');
    }
    const { meta, labels, chunks, times } = readIndex(indexBytes, sequence);
    const series = labels.map((set) => use.catalogue.obtain(set));
    const block = new Block({ ...use, meta, bytes, series, chunks, times, file });
    series.forEach((one, position) => {
      one.blockUses++;
      one.maxTimeMs = Math.max(one.maxTimeMs, block.lastTimeOf(position));
    });
    return block;
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}

async function readExactly(file: DataFile, offset: number, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  if ((await file.readAt(offset, bytes)) < count) throw new MalformedBytes('the file ends early');
  return bytes;
}
