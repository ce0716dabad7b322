import { isSortedLabels, labelsToText } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { Refusals } from '../../model/refusal.ts';
import type { SampleBatch } from '../../model/sample.ts';
import type { StoredValues } from './block-lookup.ts';
import { TIME_LIMIT } from './chunk.ts';
import { SampleColumns } from './columns.ts';
import type { Contents } from './contents.ts';
import type { HeadSample } from './head.ts';
import type { Journal } from './journal.ts';
import { sortedByTime } from './replay.ts';
import type { Series } from './series.ts';

/** The most text that the labels of one series may have: far below what a journal record holds. */
const LABEL_CHARACTERS_MAX = 512 * 1024;

export interface StagedOutcome {
  stored: number;
  repeated: number;
  readonly refusals: Refusals;
}

/** The series that each row of a batch names, as far as they exist, and which rows are late. */
export interface ResolvedBatch {
  readonly batch: SampleBatch;
  readonly series: readonly (Series | undefined)[];
  /** Rows not newer than their series: they may be stored already. */
  readonly lateRows: readonly number[];
}

/**
 * The rows of one group between acceptance and durability. Nothing in `Contents` changes before `apply`; the
 * few marks on series are taken back by `discard`.
 *
 * The path of an ordinary row, newer than all of its series and named by the label object that was used
 * before, does no string work: the series after the last one is tried first, then the object's identity.
 */
export class Staging {
  readonly #contents: Contents;
  readonly #seriesMax: number;
  readonly #rows = new SampleColumns(1024);
  #series: Series[] = [];
  /** The row staged before for the same series, or -1. */
  #previous = new Int32Array(1024);
  /** Made only for series that got a late row in this group. */
  readonly #byTime = new Map<Series, Map<number, number>>();
  #newLive = 0;

  constructor(contents: Contents, seriesMax: number) {
    this.#contents = contents;
    this.#seriesMax = seriesMax;
  }

  get length(): number {
    return this.#rows.length;
  }

  /** Finds series without making any. */
  resolve(batch: SampleBatch): ResolvedBatch {
    const { labels, times } = batch;
    const { catalogue } = this.#contents;
    const found: (Series | undefined)[] = [];
    const lateRows: number[] = [];
    let before: Series | undefined;
    for (let row = 0; row < labels.length; row++) {
      const set = labels[row]!;
      let series: Series | undefined;
      if (before && before.seenAs === set) series = before;
      else {
        const follower = before?.follower;
        if (follower && follower.seenAs === set && !follower.removed) series = follower;
        else {
          series = catalogue.recall(set) ?? catalogue.find(set);
          if (series) series.seenAs = set;
          if (before) before.follower = series;
        }
      }
      before = series;
      found.push(series);
      if (series && !(times[row]! > series.maxTimeMs)) lateRows.push(row);
    }
    return { batch, series: found, lateRows };
  }

  /** Judges each row and keeps the good ones. */
  stage(
    resolved: ResolvedBatch,
    options: { readonly oldestMs: number; readonly inBlocks: StoredValues },
  ): StagedOutcome {
    const { batch, series: found } = resolved;
    const { labels, times, values } = batch;
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
    const outcome: StagedOutcome = { stored: 0, repeated: 0, refusals: new Refusals() };
    for (let row = 0; row < labels.length; row++) {
      const timeMs = times[row]!;
      if (!(timeMs >= options.oldestMs) || timeMs > TIME_LIMIT || !Number.isInteger(timeMs)) {
        refuseTime(outcome.refusals, labels[row]!, timeMs, options.oldestMs);
        continue;
      }
      let series = found[row];
      if (!series || series.removed || !this.#hasRoom(series)) {
        series = this.#admit(labels[row]!, outcome.refusals);
        if (!series) continue;
      }
      const low = words[row * 2]!;
      const high = words[row * 2 + 1]!;
      if (timeMs <= series.maxTimeMs || timeMs <= series.stagedMaxMs) {
        const stored =
          this.#stagedValue(series, timeMs) ??
          this.#contents.findInMemory(series, timeMs) ??
          options.inBlocks.find(series, timeMs);
        if (stored) {
          if (isSameValue(stored, low, high)) outcome.repeated++;
          else refuseConflict(outcome.refusals, labels[row]!, timeMs);
          continue;
        }
      }
      this.#keep(series, timeMs, low, high);
      outcome.stored++;
    }
    return outcome;
  }

  writeTo(journal: Journal): void {
    const { times, words, length } = this.#rows;
    for (let row = 0; row < length; row++) {
      journal.put(this.#series[row]!, times[row]!, words[row * 2]!, words[row * 2 + 1]!);
    }
  }

  /** Makes all rows readable; they are durable now. */
  apply(): void {
    const { head } = this.#contents;
    const { times, words, length } = this.#rows;
    const late = new Map<Series, SampleColumns>();
    for (let row = 0; row < length; row++) {
      const series = this.#series[row]!;
      const timeMs = times[row]!;
      if (series.liveGeneration !== head.generation) this.#contents.touch(series);
      const column = series.column ?? head.columnOf(series);
      if (timeMs > column.lastMs) {
        head.append(column, timeMs, words[row * 2]!, words[row * 2 + 1]!);
      } else {
        let rows = late.get(series);
        if (!rows) late.set(series, (rows = new SampleColumns(8)));
        rows.push(timeMs, words[row * 2]!, words[row * 2 + 1]!);
      }
      if (timeMs > series.maxTimeMs) series.maxTimeMs = timeMs;
    }
    for (const [series, rows] of late) head.insertLate(head.columnOf(series), sortedByTime(rows));
    this.#clear();
  }

  /** Forgets all rows: they could not be made durable. */
  discard(): void {
    const series = new Set(this.#series);
    this.#clear();
    for (const one of series) this.#contents.abandon(one);
  }

  /** Live series are limited; one that is live already, in store or in this group, always has room. */
  #hasRoom(series: Series): boolean {
    return (
      series.stagedRow >= 0 ||
      this.#contents.isLive(series) ||
      this.#contents.liveSeries + this.#newLive < this.#seriesMax
    );
  }

  #admit(labels: Labels, refusals: Refusals): Series | undefined {
    const { catalogue } = this.#contents;
    const known = catalogue.recall(labels) ?? catalogue.find(labels);
    if (known && this.#hasRoom(known)) return known;
    if (known || this.#contents.liveSeries + this.#newLive >= this.#seriesMax) {
      const limit = this.#seriesMax;
      refusals.add(
        'series-limit',
        () => `${labelsToText(labels)} would be a series more than the limit of ${limit}`,
      );
      return undefined;
    }
    return refuseLabels(refusals, labels) ? undefined : catalogue.obtain(labels);
  }

  #keep(series: Series, timeMs: number, low: number, high: number): void {
    const row = this.#rows.length;
    if (row === this.#previous.length) {
      const larger = new Int32Array(row * 2);
      larger.set(this.#previous);
      this.#previous = larger;
    }
    if (series.stagedRow < 0 && !this.#contents.isLive(series)) this.#newLive++;
    this.#rows.push(timeMs, low, high);
    this.#series.push(series);
    this.#previous[row] = series.stagedRow;
    series.stagedRow = row;
    if (timeMs > series.stagedMaxMs) series.stagedMaxMs = timeMs;
    if (this.#byTime.size > 0) this.#byTime.get(series)?.set(timeMs, row);
  }

  #stagedValue(series: Series, timeMs: number): HeadSample | undefined {
    if (series.stagedRow < 0) return undefined;
    let byTime = this.#byTime.get(series);
    if (!byTime) {
      byTime = new Map();
      for (let row = series.stagedRow; row >= 0; row = this.#previous[row]!) {
        byTime.set(this.#rows.times[row]!, row);
      }
      this.#byTime.set(series, byTime);
    }
    const row = byTime.get(timeMs);
    if (row === undefined) return undefined;
    return { low: this.#rows.words[row * 2]!, high: this.#rows.words[row * 2 + 1]! };
  }

  #clear(): void {
    for (const series of this.#series) {
      series.stagedRow = -1;
      series.stagedMaxMs = -Infinity;
    }
    this.#series = [];
    this.#rows.clear();
    this.#byTime.clear();
    this.#newLive = 0;
  }
}

const QUIET_BIT = 0x80000;
const EXPONENT = 0x7ff00000;

/** Bit for bit, but for the quiet bit of a NaN, which an engine may set in passing. */
function isSameValue(stored: HeadSample, low: number, high: number): boolean {
  if (stored.low !== low) return false;
  if (stored.high === high) return true;
  const isNaN = (high & EXPONENT) === EXPONENT && (low !== 0 || (high & 0xfffff) !== 0);
  return (
    isNaN && ((stored.high ^ high) & ~QUIET_BIT) === 0 && (low !== 0 || (high & 0x7ffff) !== 0)
  );
}

function refuseTime(refusals: Refusals, labels: Labels, timeMs: number, oldestMs: number): void {
  if (Number.isInteger(timeMs) && timeMs < oldestMs) {
    refusals.add(
      'too-old',
      () => `${labelsToText(labels)} at ${timeMs} ms: before ${oldestMs} ms, where retention ends`,
    );
    return;
  }
  refusals.add(
    'bad-timestamp',
    () => `${labelsToText(labels)} at ${timeMs}: not a whole number of milliseconds up to 2^50`,
  );
}

function refuseConflict(refusals: Refusals, labels: Labels, timeMs: number): void {
  refusals.add(
    'timestamp-conflict',
    () => `${labelsToText(labels)} has another value at ${timeMs} ms already`,
  );
}

/** What the files could not keep as it is. Callers check labels long before; this is the last door. */
function refuseLabels(refusals: Refusals, labels: Labels): boolean {
  let characters = 0;
  for (const text of labels) {
    characters += text.length;
    if (!text.isWellFormed()) {
      refusals.add('bad-label-value', () => `${JSON.stringify(text)} is not Unicode text`);
      return true;
    }
  }
  if (characters > LABEL_CHARACTERS_MAX) {
    refusals.add(
      'label-value-too-long',
      () => `a label set of ${characters} characters (limit ${LABEL_CHARACTERS_MAX})`,
    );
    return true;
  }
  if (labels.length % 2 !== 0 || !isSortedLabels(labels)) {
    refusals.add(
      'bad-label-name',
      () => `${labelsToText(labels)} is not sorted, or has empty parts`,
    );
    return true;
  }
  return false;
}
