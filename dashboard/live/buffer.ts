import type { LabelRecord } from './event.ts';
import { seriesKey } from './event.ts';
import type { Frame } from './frame.ts';

/** Bounds a page that receives a panel of very many series; what is beyond is counted, not kept. */
export const SERIES_MAX = 2000;

interface Column {
  readonly labels: LabelRecord;
  /** NaN where there is no value. */
  values: Float64Array;
}

/**
 * The points of one query while the clock moves on. A history is laid down first (or later, when its
 * answer comes late); ticks are added at the end; what is older than the window is dropped. Rows live in
 * columns twice as long as needed, so that dropping is a copy once in a while rather than at each tick.
 */
export class LiveBuffer {
  readonly #pointsMax: number;
  #times: Float64Array;
  #columns = new Map<string, Column>();
  /** The keys of the values of the next tick, by position. */
  #order: readonly string[] = [];
  #rows = 0;
  #dropped = 0;

  constructor(pointsMax: number) {
    this.#pointsMax = Math.max(2, pointsMax);
    this.#times = new Float64Array(this.#pointsMax * 2);
  }

  /** How many series were left out because of `SERIES_MAX`. */
  get seriesDropped(): number {
    return this.#dropped;
  }

  get lastTimeMs(): number | undefined {
    return this.#rows === 0 ? undefined : this.#times[this.#rows - 1];
  }

  /** Says which series the values of the following ticks belong to. Series that are gone keep their points. */
  setSeries(series: readonly LabelRecord[]): void {
    this.#dropped = 0;
    this.#order = series.map((labels) => {
      const key = seriesKey(labels);
      if (!this.#columns.has(key)) {
        if (this.#columns.size < SERIES_MAX) this.#columns.set(key, this.#emptyColumn(labels));
        else this.#dropped++;
      }
      return key;
    });
  }

  /**
   * Adds one moment; times must ascend, an earlier one is ignored. More than `gapMs` after the last one
   * an empty row goes between, so that no line is drawn across what nobody saw.
   */
  push(timeMs: number, values: Float64Array, gapMs: number): void {
    const last = this.lastTimeMs;
    if (last !== undefined && timeMs <= last) return;
    if (last !== undefined && timeMs - last > gapMs) this.#addRow(last + 1);
    const row = this.#addRow(timeMs);
    this.#order.forEach((key, i) => {
      const column = this.#columns.get(key);
      if (column) column.values[row] = values[i] ?? NaN;
    });
  }

  /** Lays a history under the ticks: it replaces what was known until its last moment. */
  seed(history: Frame): void {
    const end = history.times.at(-1);
    if (end === undefined) return;
    const later = this.#take((time) => time > end);
    this.#rows = 0;
    for (const column of this.#columns.values()) column.values.fill(NaN);
    for (const one of history.series) {
      if (!this.#columns.has(one.key) && this.#columns.size < SERIES_MAX) {
        this.#columns.set(one.key, this.#emptyColumn(one.labels));
      }
    }
    const skipped = Math.max(0, history.times.length - this.#pointsMax);
    for (let i = skipped; i < history.times.length; i++) {
      const row = this.#addRow(history.times[i]!);
      for (const one of history.series) {
        const column = this.#columns.get(one.key);
        if (column) column.values[row] = one.values[i] ?? NaN;
      }
    }
    for (const { timeMs, values } of later) {
      const row = this.#addRow(timeMs);
      for (const [key, value] of values) this.#columns.get(key)!.values[row] = value;
    }
  }

  /** Drops rows before a moment, and series without any value left that no tick will fill. */
  trim(beforeMs: number): void {
    let first = 0;
    while (first < this.#rows && this.#times[first]! < beforeMs) first++;
    // One row before the edge stays, so that the line reaches it.
    if (first > 1) this.#dropRows(first - 1);
    const expected = new Set(this.#order);
    for (const [key, column] of this.#columns) {
      if (!expected.has(key) && isEmpty(column.values, this.#rows)) this.#columns.delete(key);
    }
  }

  frame(): Frame {
    const times = Array.from(this.#times.subarray(0, this.#rows));
    const series = [...this.#columns].map(([key, { labels, values }]) => ({
      key,
      labels,
      values: drawable(values, this.#rows),
    }));
    return { times, series };
  }

  /** The values of the last moment, by series key. */
  latest(): ReadonlyMap<string, number> {
    const values = new Map<string, number>();
    if (this.#rows === 0) return values;
    for (const [key, column] of this.#columns) {
      const value = column.values[this.#rows - 1]!;
      if (!Number.isNaN(value)) values.set(key, value);
    }
    return values;
  }

  #emptyColumn(labels: LabelRecord): Column {
    return { labels, values: new Float64Array(this.#times.length).fill(NaN) };
  }

  #addRow(timeMs: number): number {
    if (this.#rows === this.#times.length) this.#dropRows(this.#rows - this.#pointsMax);
    const row = this.#rows++;
    this.#times[row] = timeMs;
    for (const column of this.#columns.values()) column.values[row] = NaN;
    return row;
  }

  #dropRows(count: number): void {
    this.#times.copyWithin(0, count, this.#rows);
    for (const column of this.#columns.values()) column.values.copyWithin(0, count, this.#rows);
    this.#rows -= count;
  }

  #take(wanted: (timeMs: number) => boolean): { timeMs: number; values: [string, number][] }[] {
    const rows: { timeMs: number; values: [string, number][] }[] = [];
    for (let row = 0; row < this.#rows; row++) {
      if (!wanted(this.#times[row]!)) continue;
      const values = [...this.#columns].map(([key, column]): [string, number] => [
        key,
        column.values[row]!,
      ]);
      rows.push({ timeMs: this.#times[row]!, values });
    }
    return rows;
  }
}

function isEmpty(values: Float64Array, rows: number): boolean {
  for (let row = 0; row < rows; row++) if (!Number.isNaN(values[row]!)) return false;
  return true;
}

/** What a chart can place: finite numbers. Infinity has no place on a linear axis and becomes a gap. */
function drawable(values: Float64Array, rows: number): (number | null)[] {
  const column: (number | null)[] = [];
  for (let row = 0; row < rows; row++) {
    const value = values[row]!;
    column.push(Number.isFinite(value) ? value : null);
  }
  return column;
}
