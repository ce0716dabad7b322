import { SampleColumns } from './columns.ts';
import type { HeadColumn, Series } from './series.ts';

/**
 * The head: samples that are in the journal but not yet in a block.
 *
 *   column of a series                       pages of the arena
 *   slabs [3, 17, 40]  ──────────────────▶   ┌ slab 0 ┬ slab 1 ┬ … ┐  times, values
 *   late  {sorted columns}, rarely there     └────────┴────────┴───┘
 *
 * A sample newer than all of its series goes to the series' last slab of 16 rows; slabs come from large
 * shared pages, since two small arrays for each series would cost more than their samples. A late sample
 * goes to sorted columns of its own, so that the slabs always ascend.
 */
export const SLAB_ROWS = 16;
const PAGE_SLABS = 1024;
const PAGE_ROWS: number = PAGE_SLABS * SLAB_ROWS;

export interface HeadSample {
  readonly low: number;
  readonly high: number;
}

export class Head {
  /** Every series with a column here, in order of their first sample. */
  readonly series: Series[] = [];
  readonly generation: number;
  samples = 0;
  minTimeMs: number = Infinity;
  maxTimeMs: number = -Infinity;
  /** On the monotonic clock. */
  readonly startedAt: number;
  readonly #pages: SampleColumns[] = [];
  #slabs = 0;

  constructor(generation: number, startedAt: number) {
    this.generation = generation;
    this.startedAt = startedAt;
  }

  /** The series' column here, made when it has none. */
  columnOf(series: Series): HeadColumn {
    if (series.column) return series.column;
    const column: HeadColumn = {
      slabs: [],
      count: 0,
      late: undefined,
      lastMs: -Infinity,
      minTimeMs: Infinity,
      maxTimeMs: -Infinity,
    };
    series.column = column;
    this.series.push(series);
    return column;
  }

  /** Appends a sample that is newer than every one in the column's slabs. */
  append(column: HeadColumn, timeMs: number, low: number, high: number): void {
    const within = column.count % SLAB_ROWS;
    if (within === 0) column.slabs.push(this.#takeSlab());
    const slab = column.slabs[column.slabs.length - 1]!;
    const page = this.#pages[Math.floor(slab / PAGE_SLABS)]!;
    const row = (slab % PAGE_SLABS) * SLAB_ROWS + within;
    page.times[row] = timeMs;
    page.words[row * 2] = low;
    page.words[row * 2 + 1] = high;
    column.count++;
    column.lastMs = timeMs;
    this.#grew(column, timeMs, timeMs, 1);
  }

  /** Merges sorted samples, none of which may be in the column yet, among the late ones. */
  insertLate(column: HeadColumn, samples: SampleColumns): void {
    column.late ??= new SampleColumns(samples.length);
    column.late.merge(samples);
    this.#grew(column, samples.times[0]!, samples.lastTime, samples.length);
  }

  /** The value stored for exactly this time. */
  find(column: HeadColumn, timeMs: number): HeadSample | undefined {
    if (timeMs < column.minTimeMs || timeMs > column.maxTimeMs) return undefined;
    const row = this.#rowAt(column, timeMs);
    if (row < column.count && this.#time(column, row) === timeMs) {
      const { page, at } = this.#place(column, row);
      return { low: page.words[at * 2]!, high: page.words[at * 2 + 1]! };
    }
    const { late } = column;
    if (!late) return undefined;
    const lateRow = late.rowAt(timeMs);
    if (lateRow === late.length || late.times[lateRow] !== timeMs) return undefined;
    return { low: late.words[lateRow * 2]!, high: late.words[lateRow * 2 + 1]! };
  }

  /** Merges the column's samples with times in [fromMs, toMs] into sorted columns. */
  copy(column: HeadColumn, fromMs: number, toMs: number, target: SampleColumns): void {
    if (fromMs > column.maxTimeMs || toMs < column.minTimeMs) return;
    const end = this.#rowAt(column, toMs + 1);
    const start = this.#rowAt(column, fromMs);
    const direct =
      target.length === 0 || (start < end && this.#time(column, start) > target.lastTime);
    const slabbed = direct ? target : new SampleColumns(end - start);
    slabbed.reserve(Math.max(end - start, 0));
    for (let row = start; row < end;) {
      const { page, at } = this.#place(column, row);
      const rows = Math.min(SLAB_ROWS - (row % SLAB_ROWS), end - row);
      slabbed.pushRows(page, at, at + rows);
      row += rows;
    }
    if (slabbed !== target) target.merge(slabbed);
    const { late } = column;
    if (late) target.merge(late, late.rowAt(fromMs), late.rowAt(toMs + 1));
  }

  #grew(column: HeadColumn, fromMs: number, toMs: number, count: number): void {
    if (fromMs < column.minTimeMs) column.minTimeMs = fromMs;
    if (toMs > column.maxTimeMs) column.maxTimeMs = toMs;
    if (fromMs < this.minTimeMs) this.minTimeMs = fromMs;
    if (toMs > this.maxTimeMs) this.maxTimeMs = toMs;
    this.samples += count;
  }

  #takeSlab(): number {
    if (this.#slabs === this.#pages.length * PAGE_SLABS) {
      this.#pages.push(new SampleColumns(PAGE_ROWS));
    }
    return this.#slabs++;
  }

  #place(column: HeadColumn, row: number): { page: SampleColumns; at: number } {
    const slab = column.slabs[Math.floor(row / SLAB_ROWS)]!;
    const page = this.#pages[Math.floor(slab / PAGE_SLABS)]!;
    return { page, at: (slab % PAGE_SLABS) * SLAB_ROWS + (row % SLAB_ROWS) };
  }

  #time(column: HeadColumn, row: number): number {
    const { page, at } = this.#place(column, row);
    return page.times[at]!;
  }

  /** The first row in slabs whose time is not below. */
  #rowAt(column: HeadColumn, timeMs: number): number {
    let low = 0;
    let high = column.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#time(column, middle) < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Whether a sample of the column may lie in [fromMs, toMs]. */
export function columnOverlaps(
  column: HeadColumn | undefined,
  fromMs: number,
  toMs: number,
): boolean {
  return column !== undefined && column.minTimeMs <= toMs && column.maxTimeMs >= fromMs;
}
