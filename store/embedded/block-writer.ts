import type { Labels } from '../../model/labels.ts';
import type { DataFile, Files } from '../../platform/files.ts';
import { ByteWriter } from './bytes.ts';
import { CHUNK_CRC_BYTES, IndexWriter, writeBlockHeader, writeFooter } from './block-format.ts';
import type { BlockMeta } from './block-format.ts';
import { CHUNK_SAMPLES_MAX, encodeChunk } from './chunk.ts';
import type { SampleColumns } from './columns.ts';
import { placedCrc } from './crc32c.ts';
import { fileName } from './filenames.ts';

/** Chunks gathered before they are handed to the disk: about ten milliseconds of work between two waits. */
const WRITE_BYTES: number = 128 * 1024;

export type BlockOrigin = Pick<BlockMeta, 'level' | 'parents' | 'journalBelow' | 'parts'>;

/**
 * Writes one block under a temporary name. Series come in the order of labels, samples in the order of time.
 * `finish` makes it durable under its own name; until then a crash leaves nothing of it. Memory: the write
 * buffer and the index.
 */
export class BlockWriter {
  readonly sequence: number;
  readonly #files: Files;
  readonly #directory: string;
  readonly #file: DataFile;
  readonly #out = new ByteWriter(WRITE_BYTES + 64 * 1024);
  readonly #index = new IndexWriter();
  #written = 0;
  #samples = 0;
  #minTimeMs = Infinity;
  #maxTimeMs = -Infinity;

  private constructor(files: Files, directory: string, sequence: number, file: DataFile) {
    this.#files = files;
    this.#directory = directory;
    this.sequence = sequence;
    this.#file = file;
    writeBlockHeader(this.#out, sequence);
  }

  static async create(files: Files, directory: string, sequence: number): Promise<BlockWriter> {
    const path = `${directory}/${fileName('block', sequence)}.new`;
    await files.remove(path);
    return new BlockWriter(files, directory, sequence, await files.open(path, 'create'));
  }

  get samples(): number {
    return this.#samples;
  }

  startSeries(labels: Labels): void {
    this.#index.startSeries(labels);
  }

  /** Writes rows [start, end) of the series started last, in as many chunks as they need. */
  async addSamples(columns: SampleColumns, start: number, end: number): Promise<void> {
    for (let row = start; row < end; row += CHUNK_SAMPLES_MAX) {
      this.#addChunk(columns, row, Math.min(row + CHUNK_SAMPLES_MAX, end));
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
    const offset = this.#written + at;
    this.#out.u32(0);
    encodeChunk(columns, start, end, this.#out);
    const where = { file: this.sequence, offset };
    this.#out.setU32(at, placedCrc(where, this.#out.view(at + CHUNK_CRC_BYTES)));
    const minTimeMs = columns.times[start]!;
    const maxTimeMs = columns.times[end - 1]!;
    this.#index.addChunk({ minTimeMs, maxTimeMs, offset, length: this.#out.length - at });
    this.#samples += end - start;
    this.#minTimeMs = Math.min(this.#minTimeMs, minTimeMs);
    this.#maxTimeMs = Math.max(this.#maxTimeMs, maxTimeMs);
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
