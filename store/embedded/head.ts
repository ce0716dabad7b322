import { StoreFailure } from '../store.ts';
import { SampleColumns } from './columns.ts';
import { KernelArea } from './kernel-area.ts';
import type { Kernel } from './kernel-module.ts';
import type { Series } from './series.ts';

/**
 * The head: samples that are in the journal but not yet in a block.
 *
 *   in order   in the kernel, compressed, found by the series' number there
 *   late       sorted columns of the series, rarely there
 *
 * It has two generations: the head that takes samples, and the frozen one that is being written to blocks. A
 * series has a number in the kernel while it took a sample in one of the last two.
 */
export interface HeadSample {
  readonly low: number;
  readonly high: number;
}

/** Parts of the head. */
export const HEAD = 1;
export const FROZEN = 2;
export const BOTH = 3;

export class Head {
  readonly kernel: Kernel;
  /** On the monotonic clock. */
  startedAt: number;
  readonly #series: (Series | undefined)[] = [];
  readonly #times: KernelArea;
  readonly #values: KernelArea;
  readonly #ids: KernelArea;
  readonly #lateSeries: Set<Series> = new Set();
  #lateSamples = 0;
  #lateMin = Infinity;
  #frozenLate: {
    readonly series: ReadonlySet<Series>;
    readonly samples: number;
    readonly min: number;
  } = NOTHING_LATE;
  #live = 0;
  #forgotten = 0;

  constructor(kernel: Kernel, startedAt: number, hashSeed: bigint) {
    const { calls } = kernel;
    this.kernel = kernel;
    this.startedAt = startedAt;
    calls.beginWorkspace(calls.allocate(calls.WORKSPACE_BYTES.value));
    calls.beginHead();
    calls.beginSeries(hashSeed);
    calls.beginTimelines();
    this.#times = new KernelArea(kernel, 4096);
    this.#values = new KernelArea(kernel, 4096);
    this.#ids = new KernelArea(kernel, 4096);
  }

  get samples(): number {
    return this.kernel.calls.headSamples.value + this.#lateSamples;
  }

  get frozenSamples(): number {
    return this.kernel.calls.frozenSamples.value + this.#frozenLate.samples;
  }

  get minTimeMs(): number {
    const { headMin, frozenMin } = this.kernel.calls;
    return Math.min(headMin.value, frozenMin.value, this.#lateMin, this.#frozenLate.min);
  }

  /** Late samples are older than others of their series, so they do not count here. */
  get maxTimeMs(): number {
    const { headMax, frozenMax } = this.kernel.calls;
    return Math.max(headMax.value, frozenMax.value);
  }

  /** Series that took a sample in this generation or the one before. */
  get liveSeries(): number {
    return this.#live;
  }

  /** Changes when a number may have been given to another series. */
  get forgotten(): number {
    return this.#forgotten;
  }

  seriesOf(id: number): Series {
    return this.#series[id]!;
  }

  /** Gives the series a number. False when memory is exhausted. */
  enter(series: Series): boolean {
    if (series.headId >= 0) return true;
    const { calls } = this.kernel;
    const id = calls.createSeries();
    if (id < 0) return false;
    if (series.maxTimeMs > -Infinity) calls.raiseNewest(id, series.maxTimeMs);
    series.headId = id;
    this.#series[id] = series;
    this.#live++;
    return true;
  }

  /** No sample of the series, wherever it is kept, is newer. */
  newestOf(series: Series): number {
    if (series.headId < 0) return series.maxTimeMs;
    return Math.max(series.maxTimeMs, this.kernel.calls.newestOf(series.headId));
  }

  /** Takes the numbers of series that have no sample here. */
  forget(series: readonly Series[]): void {
    const leaving = series.filter(({ headId }) => headId >= 0);
    if (leaving.length === 0) return;
    this.#ids.reserve(leaving.length * 4);
    leaving.forEach((one, i) => {
      this.#ids.u32[i] = one.headId;
      one.maxTimeMs = this.newestOf(one);
      this.#series[one.headId] = undefined;
      one.headId = -1;
    });
    this.kernel.calls.forgetSeries(this.#ids.at, leaving.length);
    this.#live -= leaving.length;
    this.#forgotten++;
  }

  /** Merges sorted samples, none of which may be here yet, among the late ones. */
  insertLate(series: Series, samples: SampleColumns): void {
    series.late ??= new SampleColumns(samples.length);
    series.late.merge(samples);
    this.#lateSeries.add(series);
    this.#lateSamples += samples.length;
    this.#lateMin = Math.min(this.#lateMin, samples.times[0]!);
    series.maxTimeMs = Math.max(series.maxTimeMs, samples.lastTime);
  }

  /** The value stored for exactly this time. */
  find(series: Series, timeMs: number): HeadSample | undefined {
    const late = findIn(series.late, timeMs) ?? findIn(series.frozenLate, timeMs);
    if (late || series.headId < 0) return late;
    if (!this.kernel.calls.mayHold(series.headId, timeMs, timeMs)) return undefined;
    const { start, end } = this.#read(series.headId, BOTH, timeMs);
    const row = lowerBound(this.#times.f64, timeMs, start, end);
    if (row === end || this.#times.f64[row] !== timeMs) return undefined;
    return { low: this.#values.u32[row * 2]!, high: this.#values.u32[row * 2 + 1]! };
  }

  /** Whether a sample of the series may lie in [fromMs, toMs]. */
  mayHold(series: Series, fromMs: number, toMs: number): boolean {
    if (overlaps(series.late, fromMs, toMs) || overlaps(series.frozenLate, fromMs, toMs))
      return true;
    return series.headId >= 0 && this.kernel.calls.mayHold(series.headId, fromMs, toMs) !== 0;
  }

  /** Merges the series' samples with times in [fromMs, toMs] into sorted columns. */
  copy(series: Series, part: number, fromMs: number, toMs: number, target: SampleColumns): void {
    if (series.headId >= 0) {
      const { start, end } = this.#read(series.headId, part, fromMs);
      const first = lowerBound(this.#times.f64, fromMs, start, end);
      const last = lowerBound(this.#times.f64, toMs + 1, first, end);
      if (last > first) {
        const found = new SampleColumns(0);
        found.times = this.#times.f64.slice(first, last);
        // Between arrays of one type, slice copies memory: bits stay.
        found.values = this.#values.f64.slice(first, last);
        found.words = new Uint32Array(found.values.buffer);
        found.length = last - first;
        target.merge(found);
      }
    }
    if (part & FROZEN) mergeRange(target, series.frozenLate, fromMs, toMs);
    if (part & HEAD) mergeRange(target, series.late, fromMs, toMs);
  }

  /** The series with samples in the frozen part. */
  frozenSeries(): Series[] {
    const { calls } = this.kernel;
    const found = new Set(this.#frozenLate.series);
    let sum = 0;
    for (const series of this.#series) {
      const samples = series ? calls.samplesIn(series.headId, FROZEN) : 0;
      if (series && samples > 0) found.add(series);
      sum += samples;
    }
    if (sum !== calls.frozenSamples.value) {
      throw new StoreFailure(
        'overloaded',
        'the memory for samples is exhausted: raise it, or send fewer series',
      );
    }
    return [...found];
  }

  /** Sets all samples aside for writing and begins anew. */
  freeze(startedAt: number): void {
    const { calls } = this.kernel;
    calls.freezeHead();
    this.startedAt = startedAt;
    for (const series of this.#lateSeries) {
      series.frozenLate = series.late;
      series.late = undefined;
    }
    this.#frozenLate = {
      series: new Set(this.#lateSeries),
      samples: this.#lateSamples,
      min: this.#lateMin,
    };
    this.#lateSeries.clear();
    this.#lateSamples = 0;
    this.#lateMin = Infinity;
  }

  /** Takes the numbers of series that fell silent; gives these series. */
  forgetIdle(): readonly Series[] {
    const { calls } = this.kernel;
    const max = calls.seriesCount.value;
    this.#ids.reserve(max * 4);
    const count = calls.idleSeries(this.#ids.at, max);
    const idle = Array.from(this.#ids.u32.subarray(0, count), (id) => this.#series[id]!);
    this.forget(idle);
    return idle;
  }

  /** The frozen samples stand in blocks by now. */
  dropFrozen(): void {
    this.kernel.calls.dropFrozen();
    for (const series of this.#frozenLate.series) series.frozenLate = undefined;
    this.#frozenLate = NOTHING_LATE;
  }

  #read(id: number, part: number, fromMs: number): { start: number; end: number } {
    const { calls } = this.kernel;
    const room = calls.samplesIn(id, part) * 8;
    this.#times.reserve(room);
    this.#values.reserve(room);
    const end = calls.readSamples(id, part, fromMs, this.#times.at, this.#values.at);
    return { start: calls.readFrom.value, end };
  }
}

const NOTHING_LATE = { series: new Set<Series>(), samples: 0, min: Infinity };

function lowerBound(ascending: Float64Array, wanted: number, from: number, to: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function findIn(columns: SampleColumns | undefined, timeMs: number): HeadSample | undefined {
  if (!columns) return undefined;
  const row = columns.rowAt(timeMs);
  if (row === columns.length || columns.times[row] !== timeMs) return undefined;
  return { low: columns.words[row * 2]!, high: columns.words[row * 2 + 1]! };
}

function overlaps(columns: SampleColumns | undefined, fromMs: number, toMs: number): boolean {
  return columns !== undefined && columns.times[0]! <= toMs && columns.lastTime >= fromMs;
}

function mergeRange(
  target: SampleColumns,
  columns: SampleColumns | undefined,
  fromMs: number,
  toMs: number,
): void {
  if (columns) target.merge(columns, columns.rowAt(fromMs), columns.rowAt(toMs + 1));
}
