import type { Labels } from '../../model/labels.ts';
import type { DataFile, Files } from '../../platform/files.ts';
import { ByteWriter } from './bytes.ts';
import { CHUNK_CRC_BYTES, IndexWriter, writeBlockHeader, writeFooter } from './block-format.ts';
import type { BlockMeta } from './block-format.ts';
import { CHUNK_SAMPLES_MAX } from './chunk.ts';
import type { ChunkCodec } from './chunk.ts';
import type { SampleColumns } from './columns.ts';
import { placedCrc } from './crc32c.ts';
import { fileName } from './filenames.ts';
import { SharedColumns } from './shared-columns.ts';

/** Chunks gathered before they are handed to the disk: about ten milliseconds of work between two waits. */
const WRITE_BYTES: number = 128 * 1024;

export type BlockOrigin = Pick<BlockMeta, 'level' | 'parents' | 'journalBelow' | 'parts'>;

export interface BlockTarget {
  readonly files: Files;
  readonly directory: string;
  readonly sequence: number;
  readonly codec: ChunkCodec;
  /** Samples in a chunk, as far as a series has so many: fewer bytes, and more to decode for a short range. */
  readonly chunkSamples: number;
}

/**
 * Writes one block under a temporary name. Series come in the order of labels, samples in the order of time.
 * `finish` makes it durable under its own name; until then a crash leaves nothing of it. Memory: the write
 * buffer, the index and the times that chunks share.
 */
export class BlockWriter {
  readonly sequence: number;
  readonly #files: Files;
  readonly #directory: string;
  readonly #file: DataFile;
  readonly #codec: ChunkCodec;
  readonly #chunkSamples: number;
  readonly #shared = new SharedColumns();
  readonly #out = new ByteWriter(WRITE_BYTES + 64 * 1024);
  readonly #index = new IndexWriter();
  #written = 0;
  #samples = 0;
  #minTimeMs = Infinity;
  #maxTimeMs = -Infinity;

  private constructor(to: BlockTarget, file: DataFile) {
    this.#files = to.files;
    this.#directory = to.directory;
    this.sequence = to.sequence;
    this.#codec = to.codec;
    this.#chunkSamples = to.chunkSamples;
    this.#file = file;
    writeBlockHeader(this.#out, this.sequence);
  }

  static async create(to: BlockTarget): Promise<BlockWriter> {
    const path = `${to.directory}/${fileName('block', to.sequence)}.new`;
    await to.files.remove(path);
    return new BlockWriter(to, await to.files.open(path, 'create'));
  }

  get samples(): number {
    return this.#samples;
  }

  startSeries(labels: Labels): void {
    this.#index.startSeries(labels);
  }

  /** Writes rows [start, end) of the series started last, in as many chunks as they need. */
  async addSamples(columns: SampleColumns, start: number, end: number): Promise<void> {
    for (let row = start; row < end;) {
      const left = end - row;
      // A rest is taken along when it would make a chunk of less than half the size.
      const isLast = left < this.#chunkSamples * 1.5 && left <= CHUNK_SAMPLES_MAX;
      const to = isLast ? end : row + this.#chunkSamples;
      this.#addChunk(columns, row, to);
      row = to;
      if (this.#out.length >= WRITE_BYTES) await this.#drain();
    }
  }

  /** Resolves once the block is durable under its name; gives its size. */
  async finish(origin: BlockOrigin): Promise<number> {
    const meta: BlockMeta = {
      ...origin,
      sequence: this.sequence,
      minTimeMs: this.#minTimeMs,
      maxTimeMs: this.#maxTimeMs,
      samples: this.#samples,
    };
    for (const column of this.#shared.take()) {
      const at = this.#out.length;
      this.#out.u32(0);
      this.#out.raw(column);
      this.#seal(at);
      this.#index.addTimes(this.#out.length - at);
    }
    const indexOffset = this.#written + this.#out.length;
    const start = this.#out.length;
    this.#index.finish(meta, this.#out);
    const indexLength = this.#out.length - start;
    const indexCrc = placedCrc({ file: this.sequence, offset: indexOffset }, this.#out.view(start));
    writeFooter(this.#out, this.sequence, { indexOffset, indexLength, indexCrc });
    await this.#drain();
    await this.#file.dataSync();
    await this.#file.close();
    const path = this.#path();
    await this.#files.rename(path, path.slice(0, -'.new'.length));
    await this.#files.syncDirectory(this.#directory);
    return this.#written;
  }

  /** Leaves nothing behind, if the disk allows. */
  async abandon(): Promise<void> {
    try {
      await this.#file.close();
    } catch {
      // It may be closed already; what matters is the name.
    }
    await this.#files.remove(this.#path());
  }

  #addChunk(columns: SampleColumns, start: number, end: number): void {
    const at = this.#out.length;
    this.#out.u32(0);
    const shared = this.#codec.encode(columns, start, end, this.#out, this.#shared.share);
    this.#seal(at);
    const minTimeMs = columns.times[start]!;
    const maxTimeMs = columns.times[end - 1]!;
    this.#index.addChunk({ minTimeMs, maxTimeMs, length: this.#out.length - at, shared });
    this.#samples += end - start;
    this.#minTimeMs = Math.min(this.#minTimeMs, minTimeMs);
    this.#maxTimeMs = Math.max(this.#maxTimeMs, maxTimeMs);
  }

  /** Writes the checksum of what follows it in the buffer. */
  #seal(at: number): void {
    const where = { file: this.sequence, offset: this.#written + at };
    this.#out.setU32(at, placedCrc(where, this.#out.view(at + CHUNK_CRC_BYTES)));
  }

  async #drain(): Promise<void> {
    await this.#file.append(this.#out.view());
    this.#written += this.#out.length;
    this.#out.clear();
  }

  #path(): string {
    return `${this.#directory}/${fileName('block', this.sequence)}.new`;
  }
}
