import { compareLabels } from '../../model/labels.ts';
import type { Block, ReadAhead } from './block-reader.ts';
import { BlockWriter } from './block-writer.ts';
import type { BlockTarget } from './block-writer.ts';
import { CHUNK_SAMPLES_MAX } from './chunk.ts';
import { SampleColumns } from './columns.ts';
import type { Series } from './series.ts';

/** Chunks of one series and block that are in memory at a time. */
const CHUNKS_AHEAD = 8;

/** A block met a damaged chunk: merging would make the loss look like there had been nothing. */
export class DamagedInput extends Error {
  override readonly name = 'DamagedInput';
}

/**
 * Writes the samples of several blocks as one block and gives its number. Memory does not depend on their
 * size: series by series, and within a series a few chunks of each block. Of two samples for one time that
 * of the older block stays.
 */
export async function mergeBlocks(
  inputs: readonly Block[],
  to: BlockTarget & { readonly signal: AbortSignal },
): Promise<number> {
  const byAge = [...inputs].sort((a, b) => a.meta.sequence - b.meta.sequence);
  const writer = await BlockWriter.create(to);
  try {
    const walks = byAge.map((block) => ({
      block,
      ahead: { start: 0, bytes: new Uint8Array(0), times: undefined },
    }));
    for (const series of seriesOf(byAge)) {
      to.signal.throwIfAborted();
      await mergeSeries(series, walks, writer, to.chunkSamples);
    }
    await writer.finish({
      level: Math.max(...byAge.map(({ meta }) => meta.level)) + 1,
      parents: byAge.map(({ meta }) => meta.sequence),
      journalBelow: 0,
      parts: 0,
    });
  } catch (thrown) {
    await writer.abandon();
    throw thrown;
  }
  return to.sequence;
}

/** A block on its way from its first series to its last; series and chunks have one order. */
interface Walk {
  readonly block: Block;
  readonly ahead: ReadAhead;
}

function seriesOf(blocks: readonly Block[]): readonly Series[] {
  const all = new Set<Series>();
  for (const block of blocks) for (const series of block.series) all.add(series);
  return [...all].sort((a, b) => compareLabels(a.labels, b.labels));
}

async function mergeSeries(
  series: Series,
  walks: readonly Walk[],
  writer: BlockWriter,
  chunkSamples: number,
): Promise<void> {
  const sources: Source[] = [];
  for (const walk of walks) {
    const position = walk.block.positionOf(series);
    if (position >= 0) sources.push(new Source(walk, position));
  }
  for (const source of sources) await source.fill();
  writer.startSeries(series.labels);
  const out = new SampleColumns(2 * CHUNK_SAMPLES_MAX);
  for (;;) {
    const run = nextRun(sources);
    if (!run) break;
    const { source, end } = run;
    out.pushRows(source.samples, source.row, end);
    source.row = end;
    for (const one of sources) await one.skipTo(out.lastTime);
    if (out.length >= 2 * CHUNK_SAMPLES_MAX) await writeWhole(out, writer, chunkSamples);
  }
  await writer.addSamples(out, 0, out.length);
}

/** The longest stretch that one source can give before another has to. */
function nextRun(sources: readonly Source[]): { source: Source; end: number } | undefined {
  let first: Source | undefined;
  let limit = Infinity;
  for (const source of sources) {
    if (source.isOver) continue;
    if (!first || source.time < first.time) {
      if (first) limit = Math.min(limit, first.time);
      first = source;
    } else limit = Math.min(limit, source.time);
  }
  if (!first) return undefined;
  return { source: first, end: Math.max(first.row + 1, first.samples.rowAt(limit)) };
}

async function writeWhole(
  out: SampleColumns,
  writer: BlockWriter,
  chunkSamples: number,
): Promise<void> {
  // Whole chunks only; at least one stays, so that a short rest can still be taken along.
  const whole = out.length - (out.length % chunkSamples) - chunkSamples;
  await writer.addSamples(out, 0, whole);
  const rest = new SampleColumns(2 * CHUNK_SAMPLES_MAX);
  rest.pushRows(out, whole, out.length);
  out.clear();
  out.pushRows(rest, 0, rest.length);
}

/** The samples of one series in one block, a few chunks at a time. */
class Source {
  readonly samples: SampleColumns = new SampleColumns(CHUNK_SAMPLES_MAX);
  row = 0;
  readonly #block: Block;
  readonly #ahead: ReadAhead;
  #next: number;
  readonly #end: number;

  constructor({ block, ahead }: Walk, position: number) {
    this.#block = block;
    this.#ahead = ahead;
    this.#next = block.chunks.first[position]!;
    this.#end = block.chunks.first[position + 1]!;
  }

  get isOver(): boolean {
    return this.row >= this.samples.length;
  }

  get time(): number {
    return this.samples.times[this.row]!;
  }

  /** Steps over what is not later than this time. */
  async skipTo(timeMs: number): Promise<void> {
    while (!this.isOver && this.time <= timeMs) this.row++;
    if (this.isOver) await this.fill();
  }

  async fill(): Promise<void> {
    if (this.#next === this.#end) return;
    this.samples.clear();
    this.row = 0;
    const numbers: number[] = [];
    while (this.#next < this.#end && numbers.length < CHUNKS_AHEAD) numbers.push(this.#next++);
    const keep = (_: number, chunk: SampleColumns): void => this.samples.merge(chunk);
    await this.#block.readChunks(numbers, keep, { ahead: this.#ahead });
    if (this.#block.isDamaged) throw new DamagedInput('a chunk is damaged');
  }
}
