import type { Block } from './block-reader.ts';
import { Catalogue } from './catalogue.ts';
import type { SampleColumns } from './columns.ts';
import { Head } from './head.ts';
import type { HeadSample } from './head.ts';
import type { Series } from './series.ts';

/**
 * Everything that can be read: the catalogue of series, the head that takes samples, the frozen head that
 * is being written to blocks, and the blocks. Each method is one step: no reader sees half of it.
 *
 *   append ──▶ head ──freeze──▶ frozen ──publish──▶ blocks ──replace──▶ fewer blocks ──drop──▶ gone
 */
export class Contents {
  readonly catalogue: Catalogue = new Catalogue();
  head: Head;
  frozen: Head | undefined;
  /** In order of their first time; of one time the older block first, since its samples win. */
  blocks: readonly Block[] = [];
  /** Took a sample in this head or the one before. */
  #live: Series[] = [];

  constructor(startedAt: number) {
    this.head = new Head(1, startedAt);
  }

  get liveSeries(): number {
    return this.#live.length;
  }

  isLive(series: Series): boolean {
    return series.liveGeneration >= this.head.generation - 1;
  }

  /** Counts the series as live. */
  touch(series: Series): void {
    if (!this.isLive(series)) this.#live.push(series);
    series.liveGeneration = this.head.generation;
  }

  /** Sets the head aside for writing and begins a new one. */
  freeze(startedAt: number): Head {
    const frozen = this.head;
    for (const series of frozen.series) {
      series.frozen = series.column;
      series.column = undefined;
    }
    this.frozen = frozen;
    this.head = new Head(frozen.generation + 1, startedAt);
    this.#live = this.#live.filter((series) => this.isLive(series));
    return frozen;
  }

  /** The blocks that were written from the frozen head take its place. */
  publish(blocks: readonly Block[]): void {
    const { frozen } = this;
    this.frozen = undefined;
    this.add(blocks);
    for (const series of frozen?.series ?? []) {
      series.frozen = undefined;
      this.#forgetIfEmpty(series);
    }
  }

  add(blocks: readonly Block[]): void {
    this.blocks = [...this.blocks, ...blocks].sort(
      (a, b) => a.meta.minTimeMs - b.meta.minTimeMs || a.meta.sequence - b.meta.sequence,
    );
  }

  /** Takes blocks out; their files are the caller's to remove. */
  drop(blocks: readonly Block[]): void {
    const gone = new Set(blocks);
    this.blocks = this.blocks.filter((block) => !gone.has(block));
    for (const block of blocks) {
      for (const series of block.series) {
        series.blockUses--;
        this.#forgetIfEmpty(series);
      }
    }
  }

  /** A series that was made for samples which could not be stored. */
  abandon(series: Series): void {
    this.#forgetIfEmpty(series);
  }

  /** The value in memory for exactly this time. */
  findInMemory(series: Series, timeMs: number): HeadSample | undefined {
    return (
      (series.column && this.head.find(series.column, timeMs)) ??
      (series.frozen && this.frozen?.find(series.frozen, timeMs))
    );
  }

  /** Merges what is in memory, with times in [fromMs, toMs], into sorted columns. */
  copyFromMemory(series: Series, fromMs: number, toMs: number, target: SampleColumns): void {
    if (series.frozen) this.frozen?.copy(series.frozen, fromMs, toMs, target);
    if (series.column) this.head.copy(series.column, fromMs, toMs, target);
  }

  get minTimeMs(): number {
    let min = Math.min(this.head.minTimeMs, this.frozen?.minTimeMs ?? Infinity);
    for (const { meta } of this.blocks) min = Math.min(min, meta.minTimeMs);
    return min;
  }

  get maxTimeMs(): number {
    let max = Math.max(this.head.maxTimeMs, this.frozen?.maxTimeMs ?? -Infinity);
    for (const { meta } of this.blocks) max = Math.max(max, meta.maxTimeMs);
    return max;
  }

  #forgetIfEmpty(series: Series): void {
    if (series.isEmpty && series.stagedRow < 0) this.catalogue.remove(series);
  }
}
