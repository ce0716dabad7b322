import { isSortedLabels, labelsFromSorted } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { ByteReader, ByteWriter, MalformedBytes } from './bytes.ts';
import { crc32c, placedCrc } from './crc32c.ts';

/**
 * The bytes of a block; drawn in `docs/formats/block.md`.
 *
 *   header | chunk | chunk | … | shared times | … | index | footer
 *
 * Chunks stand series by series in the order of labels, so that what one selector wants lies together. Times
 * that several chunks share stand once behind them. The index (what the block is, its texts, its series with the place of each chunk) is read at start and stays
 * in memory; chunks are read when asked for.
 */
export const BLOCK_VERSION = 2;
export const BLOCK_HEADER_BYTES = 16;
export const BLOCK_FOOTER_BYTES = 32;
export const CHUNK_CRC_BYTES = 4;
/** A larger index is damage; 2 million series need a quarter of it. */
export const INDEX_BYTES_MAX: number = 1024 * 1024 * 1024;

const MAGIC: readonly number[] = [0x4e, 0x45, 0x50, 0x48, 0x42, 0x4c, 0x4b];
const FOOTER_MAGIC = 0x4b4c4245;

export interface BlockMeta {
  readonly sequence: number;
  /** 0 when written from memory, one more with each merge. */
  readonly level: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly samples: number;
  /** Blocks that this one replaces: where both exist, a crash came between writing and removing. */
  readonly parents: readonly number[];
  /**
   * Journal segments below this number are contained in the `parts` blocks of this flush, of which this is
   * one. 0 for merged blocks.
   */
  readonly journalBelow: number;
  readonly parts: number;
}

/** Where chunks lie, as columns; the chunks of series s are [first[s], first[s + 1]). */
export interface ChunkTable {
  readonly first: Uint32Array;
  readonly minTimes: Float64Array;
  readonly maxTimes: Float64Array;
  readonly offsets: Float64Array;
  /** With the checksum. */
  readonly lengths: Uint32Array;
  /** The number, from 1, of the shared times of a chunk; 0: it has its own. */
  readonly shared: Uint32Array;
}

/** Where shared times lie, as columns; number n is row n - 1. */
export interface TimesTable {
  readonly offsets: Float64Array;
  /** With the checksum. */
  readonly lengths: Uint32Array;
}

export function writeBlockHeader(out: ByteWriter, sequence: number): void {
  const start = out.length;
  for (const byte of MAGIC) out.u8(byte);
  out.u8(BLOCK_VERSION);
  out.u32(sequence);
  out.u32(crc32c(out.view(start)));
}

/** The version of the block, or a `MalformedBytes`. */
export function readBlockHeader(bytes: Uint8Array, sequence: number): number {
  const source = new ByteReader(bytes, 8, BLOCK_HEADER_BYTES);
  const number = source.u32();
  if (source.u32() !== crc32c(bytes, 0, 12)) throw new MalformedBytes('the header is damaged');
  if (number !== sequence || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new MalformedBytes('the header is that of another file');
  }
  return bytes[7]!;
}

export interface Footer {
  readonly indexOffset: number;
  readonly indexLength: number;
  readonly indexCrc: number;
}

export function writeFooter(out: ByteWriter, sequence: number, footer: Footer): void {
  const start = out.length;
  out.u64(footer.indexOffset);
  out.u32(footer.indexLength);
  out.u32(footer.indexCrc);
  out.u32(sequence);
  out.u32(0);
  out.u32(crc32c(out.view(start)));
  out.u32(FOOTER_MAGIC);
}

export function readFooter(bytes: Uint8Array, sequence: number): Footer {
  const source = new ByteReader(bytes);
  const indexOffset = source.u64();
  const footer = { indexOffset, indexLength: source.u32(), indexCrc: source.u32() };
  const number = source.u32();
  source.u32();
  const isWhole = source.u32() === crc32c(bytes, 0, 24) && source.u32() === FOOTER_MAGIC;
  if (!isWhole || number !== sequence) throw new MalformedBytes('the footer is damaged');
  return footer;
}

/** Gathers an index while chunks are written. */
export class IndexWriter {
  readonly #symbols = new Map<string, number>();
  readonly #series = new ByteWriter(64 * 1024);
  readonly #chunks = new ByteWriter(64 * 1024);
  #seriesCount = 0;
  #chunkCount = 0;
  #chunksOfSeries = 0;
  #labels: Labels | undefined;
  #lastTime = 0;
  #lastSpan = 0;
  readonly #times = new ByteWriter(1024);
  #timesCount = 0;

  startSeries(labels: Labels): void {
    this.#endSeries();
    this.#labels = labels;
  }

  /** Chunks stand one right behind the other. */
  addChunk(chunk: { minTimeMs: number; maxTimeMs: number; length: number; shared: number }): void {
    const span = chunk.maxTimeMs - chunk.minTimeMs;
    this.#chunks.zigzag(chunk.minTimeMs - this.#lastTime);
    this.#chunks.zigzag(span - this.#lastSpan);
    this.#chunks.varint(chunk.length);
    this.#chunks.varint(chunk.shared);
    this.#lastTime = chunk.minTimeMs;
    this.#lastSpan = span;
    this.#chunksOfSeries++;
    this.#chunkCount++;
  }

  /** Shared times stand right behind the last chunk, one behind the other. */
  addTimes(length: number): void {
    this.#times.varint(length);
    this.#timesCount++;
  }

  /** Writes the whole index. */
  finish(meta: BlockMeta, out: ByteWriter): void {
    this.#endSeries();
    out.varint(meta.level);
    out.zigzag(meta.minTimeMs);
    out.zigzag(meta.maxTimeMs);
    out.varint(meta.samples);
    out.varint(meta.journalBelow);
    out.varint(meta.parts);
    out.varint(meta.parents.length);
    for (const parent of meta.parents) out.varint(parent);
    out.varint(this.#symbols.size);
    for (const symbol of this.#symbols.keys()) out.text(symbol);
    out.varint(this.#seriesCount);
    out.raw(this.#series.view());
    out.varint(this.#chunkCount);
    out.raw(this.#chunks.view());
    out.varint(this.#timesCount);
    out.raw(this.#times.view());
  }

  #endSeries(): void {
    if (!this.#labels || this.#chunksOfSeries === 0) return;
    this.#series.varint(this.#labels.length / 2);
    for (const text of this.#labels) this.#series.varint(this.#symbol(text));
    this.#series.varint(this.#chunksOfSeries);
    this.#seriesCount++;
    this.#chunksOfSeries = 0;
    this.#labels = undefined;
  }

  #symbol(text: string): number {
    let number = this.#symbols.get(text);
    if (number === undefined) this.#symbols.set(text, (number = this.#symbols.size));
    return number;
  }
}

export interface BlockIndex {
  readonly meta: BlockMeta;
  readonly labels: readonly Labels[];
  readonly chunks: ChunkTable;
  readonly times: TimesTable;
}

/** Reads an index that its checksum has vouched for. Throws `MalformedBytes` all the same where it lies. */
export function readIndex(bytes: Uint8Array, sequence: number): BlockIndex {
  const source = new ByteReader(bytes);
  const level = source.varint();
  const minTimeMs = source.zigzag();
  const maxTimeMs = source.zigzag();
  const samples = source.varint();
  const journalBelow = source.varint();
  const parts = source.varint();
  const parents = Array.from({ length: source.count() }, () => source.varint());
  const symbols = Array.from({ length: source.count() }, () => source.text());
  const seriesCount = source.count();
  const first = new Uint32Array(seriesCount + 1);
  const labels: Labels[] = [];
  for (let i = 0; i < seriesCount; i++) {
    labels.push(readLabels(source, symbols));
    first[i + 1] = first[i]! + source.varint();
  }
  const chunkCount = source.count(4);
  if (first[seriesCount] !== chunkCount) throw new MalformedBytes('chunks and series disagree');
  const chunks = readChunkTable(source, first, chunkCount);
  const last = chunkCount - 1;
  const end = last < 0 ? BLOCK_HEADER_BYTES : chunks.offsets[last]! + chunks.lengths[last]!;
  return {
    meta: { sequence, level, minTimeMs, maxTimeMs, samples, parents, journalBelow, parts },
    labels,
    chunks,
    times: readTimesTable(source, end),
  };
}

function readLabels(source: ByteReader, symbols: readonly string[]): Labels {
  const flat: string[] = [];
  for (let texts = 2 * source.count(2); texts > 0; texts--) {
    const symbol = symbols[source.varint()];
    if (symbol === undefined) throw new MalformedBytes('a text is not in the dictionary');
    flat.push(symbol);
  }
  if (!isSortedLabels(flat)) throw new MalformedBytes('labels are not sorted');
  return labelsFromSorted(flat);
}

function readChunkTable(source: ByteReader, first: Uint32Array, count: number): ChunkTable {
  const minTimes = new Float64Array(count);
  const maxTimes = new Float64Array(count);
  const offsets = new Float64Array(count);
  const lengths = new Uint32Array(count);
  const shared = new Uint32Array(count);
  let time = 0;
  let span = 0;
  let end = BLOCK_HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    time += source.zigzag();
    span += source.zigzag();
    minTimes[i] = time;
    maxTimes[i] = time + span;
    offsets[i] = end;
    lengths[i] = source.varint();
    shared[i] = source.varint();
    end += lengths[i]!;
  }
  return { first, minTimes, maxTimes, offsets, lengths, shared };
}

function readTimesTable(source: ByteReader, start: number): TimesTable {
  const count = source.count();
  const offsets = new Float64Array(count);
  const lengths = new Uint32Array(count);
  let end = start;
  for (let i = 0; i < count; i++) {
    offsets[i] = end;
    lengths[i] = source.varint();
    end += lengths[i]!;
  }
  return { offsets, lengths };
}

/** The payload of a chunk, or of shared times, at `offset` of its block; undefined when it is damaged. */
export function checkedChunk(
  bytes: Uint8Array,
  where: { readonly file: number; readonly offset: number },
): Uint8Array | undefined {
  if (bytes.length <= CHUNK_CRC_BYTES) return undefined;
  const stored = new ByteReader(bytes).u32();
  return stored === placedCrc(where, bytes, CHUNK_CRC_BYTES)
    ? bytes.subarray(CHUNK_CRC_BYTES)
    : undefined;
}
