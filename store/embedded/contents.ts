import type { Block } from './block-reader.ts';
import { Catalogue } from './catalogue.ts';
import type { Head } from './head.ts';
import type { Series } from './series.ts';

/**
 * Everything that can be read: the catalogue of series, the head that takes samples, its frozen part that is
 * being written to blocks, and the blocks. Each method is one step: no reader sees half of it.
 *
 *   append ──▶ head ──freeze──▶ frozen ──publish──▶ blocks ──replace──▶ fewer blocks ──drop──▶ gone
 */
export class Contents {
  readonly catalogue: Catalogue = new Catalogue();
  readonly head: Head;
  isFrozen = false;
  /** In order of their first time; of one time the older block first, since its samples win. */
  blocks: readonly Block[] = [];

  constructor(head: Head) {
    this.head = head;
  }

  get liveSeries(): number {
    return this.head.liveSeries;
  }

  /** Sets the head's samples aside for writing. */
  freeze(startedAt: number): void {
    this.isFrozen = true;
    this.head.freeze(startedAt);
  }

  /** Not during a replay: what continues a chapter of the journal needs the values before. */
  forgetIdle(): void {
    for (const series of this.head.forgetIdle()) this.#forgetIfEmpty(series);
  }

  /** The blocks that were written from the frozen samples take their place. */
  publish(blocks: readonly Block[]): void {
    this.isFrozen = false;
    this.add(blocks);
    this.head.dropFrozen();
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

  /** Series that were made for samples which could not be stored. */
  abandon(series: readonly Series[]): void {
    this.head.forget(series);
    for (const one of series) this.#forgetIfEmpty(one);
  }

  get minTimeMs(): number {
    let min = this.head.minTimeMs;
    for (const { meta } of this.blocks) min = Math.min(min, meta.minTimeMs);
    return min;
  }

  get maxTimeMs(): number {
    let max = this.head.maxTimeMs;
    for (const { meta } of this.blocks) max = Math.max(max, meta.maxTimeMs);
    return max;
  }

  #forgetIfEmpty(series: Series): void {
    if (series.isEmpty) this.catalogue.remove(series);
  }
}
