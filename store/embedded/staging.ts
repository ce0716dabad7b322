import { assert } from '../../model/assert.ts';
import { labelsToText } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { Refusals } from '../../model/refusal.ts';
import type { SampleBatch } from '../../model/sample.ts';
import type { StoredValues } from './block-lookup.ts';
import { TIME_LIMIT } from './chunk.ts';
import { SampleColumns } from './columns.ts';
import type { Contents } from './contents.ts';
import type { HeadSample } from './head.ts';
import { JournalBuffer } from './journal-buffer.ts';
import type { BufferMark } from './journal-buffer.ts';
import type { Journal } from './journal.ts';
import { KernelArea } from './kernel-area.ts';
import type { Kernel } from './kernel-module.ts';
import { isSameValue, refuseConflict, refuseLabels, refuseTime } from './refusing.ts';
import { sortedByTime } from './replay.ts';
import type { Series } from './series.ts';

export interface StagedOutcome {
  stored: number;
  repeated: number;
  readonly refusals: Refusals;
}

/** A sample not newer than its series: it may be stored already. */
export interface LateRow {
  readonly series: Series;
  readonly timeMs: number;
  readonly low: number;
  readonly high: number;
}

/** How late rows learn what blocks hold. */
export type LookUp = (rows: readonly LateRow[]) => Promise<StoredValues>;

export interface StagingRules {
  readonly oldestMs: number;
  readonly lookUp: LookUp;
}

/** What was staged at a moment, to go back to. */
export interface StagingMark {
  readonly bytes: number;
  readonly journal: BufferMark;
  readonly late: number;
  readonly entered: number;
}

const ROW_BYTES = 48;

/**
 * The rows of one group between acceptance and durability. Rows that are newer than their series lie in the
 * kernel, late ones here; what they will be in the journal is written already. Nothing that can be read changes
 * before `apply`, and all marks on series are taken back by `undo`.
 */
export class Staging {
  readonly kernel: Kernel;
  readonly #contents: Contents;
  readonly #seriesMax: number;
  readonly #rows: KernelArea;
  readonly #buffer: JournalBuffer;
  readonly #ids: KernelArea;
  readonly #times: KernelArea;
  readonly #values: KernelArea;
  #late: LateRow[] = [];
  /** Series that got their number in the head for this group. */
  #entered: Series[] = [];
  /** Of series that got a late row in this group: the staged rows by time, as far as `top`. */
  readonly #byTime = new Map<Series, { top: number; readonly rows: Map<number, number> }>();

  constructor(contents: Contents, seriesMax: number) {
    const { kernel } = contents.head;
    this.kernel = kernel;
    this.#contents = contents;
    this.#seriesMax = seriesMax;
    this.#rows = new KernelArea(kernel, 4096);
    this.#ids = new KernelArea(kernel, 4096);
    this.#times = new KernelArea(kernel, 4096);
    this.#values = new KernelArea(kernel, 4096);
    this.#buffer = new JournalBuffer(kernel);
  }

  /** Begins a group whose samples will stand here in the journal. */
  begin({ segment, chapter }: { readonly segment: number; readonly chapter: number }): void {
    this.kernel.calls.beginStaging(this.#rows.at, this.#rows.length, segment);
    this.#buffer.begin(chapter);
  }

  get length(): number {
    return this.kernel.calls.stagedBytes() / ROW_BYTES;
  }

  mark(): StagingMark {
    return {
      bytes: this.kernel.calls.stagedBytes(),
      journal: this.#buffer.mark(),
      late: this.#late.length,
      entered: this.#entered.length,
    };
  }

  /** Takes back what came after the mark. */
  undo(mark: StagingMark): void {
    this.kernel.calls.unstage(mark.bytes);
    this.#buffer.undo(mark.journal);
    this.#late.length = mark.late;
    this.#byTime.clear();
    this.#contents.abandon(this.#entered.splice(mark.entered));
  }

  /** Judges each row and keeps the good ones. */
  async stage(batch: SampleBatch, rules: StagingRules): Promise<StagedOutcome> {
    const outcome: StagedOutcome = { stored: 0, repeated: 0, refusals: new Refusals() };
    const count = this.#fill(batch, rules.oldestMs, outcome.refusals);
    const late: LateRow[] = [];
    const { calls } = this.kernel;
    for (let from = 0; from < count;) {
      const to = calls.stageRows(this.#ids.at, this.#times.at, this.#values.at, from, count);
      outcome.stored += to - from;
      from = to;
      if (from === count || this.makeRoom(1)) continue;
      const { u32 } = this.#values;
      late.push({
        series: this.#contents.head.seriesOf(this.#ids.u32[from]!),
        timeMs: this.#times.f64[from]!,
        low: u32[from * 2]!,
        high: u32[from * 2 + 1]!,
      });
      from++;
    }
    if (late.length > 0) await this.stageLate(late, rules, outcome);
    return outcome;
  }

  /** Judges late rows and keeps the good ones. */
  async stageLate(
    rows: readonly LateRow[],
    { lookUp }: Pick<StagingRules, 'lookUp'>,
    outcome: StagedOutcome,
  ): Promise<void> {
    const inBlocks = await lookUp(rows);
    const { calls } = this.kernel;
    for (const row of rows) {
      const { series, timeMs, low, high } = row;
      const stored =
        this.#stagedValue(series, timeMs) ??
        this.#contents.head.find(series, timeMs) ??
        inBlocks.find(series, timeMs);
      if (stored) {
        if (isSameValue(stored, low, high)) outcome.repeated++;
        else refuseConflict(outcome.refusals, series.labels, timeMs);
        continue;
      }
      this.makeRoom(1);
      assert(calls.stageLate(series.headId, timeMs, low, high) !== 0, 'room was made for a row');
      this.#late.push(row);
      outcome.stored++;
    }
  }

  /** Makes sure that so many rows fit. False when they did already. */
  makeRoom(rows: number): boolean {
    const used = this.kernel.calls.stagedBytes();
    const needed = rows * ROW_BYTES;
    const isRowRoom = used + needed <= this.#rows.length;
    if (!isRowRoom) {
      this.#rows.reserve(Math.max(used + needed, used * 2), (at, length) =>
        this.kernel.calls.moveStaging(at, length),
      );
    }
    return this.#buffer.makeRoom(rows) || !isRowRoom;
  }

  /** Hands definitions and samples to the journal. */
  writeTo(journal: Journal): void {
    const { calls } = this.kernel;
    const count = calls.undefinedRows.value;
    if (count > 0) {
      this.#ids.reserve(count * 4);
      calls.undefinedSeries(this.#ids.at);
      for (let i = 0; i < count; i++) {
        const id = this.#ids.u32[i]!;
        journal.define(id, this.#contents.head.seriesOf(id).labels);
      }
    }
    for (const payload of this.#buffer.payloads()) journal.samples(payload);
  }

  /** Makes all rows readable; they are durable now. */
  apply(): void {
    assert(this.kernel.calls.applyStaged() !== 0, 'the pressure on memory was watched');
    const late = new Map<Series, SampleColumns>();
    for (const { series, timeMs, low, high } of this.#late) {
      let rows = late.get(series);
      if (!rows) late.set(series, (rows = new SampleColumns(8)));
      rows.push(timeMs, low, high);
    }
    for (const [series, rows] of late) this.#contents.head.insertLate(series, sortedByTime(rows));
    this.#late = [];
    this.#entered = [];
    this.#byTime.clear();
  }

  /** Puts the rows of a batch whose series and times may be into the columns; gives their number. */
  #fill(batch: SampleBatch, oldestMs: number, refusals: Refusals): number {
    const { labels, times, values } = batch;
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
    this.#ids.reserve(labels.length * 4);
    this.#times.reserve(labels.length * 8);
    this.#values.reserve(labels.length * 8);
    const ids = this.#ids.u32;
    const targetTimes = this.#times.f64;
    const targetWords = this.#values.u32;
    let before: Series | undefined;
    let count = 0;
    for (let row = 0; row < labels.length; row++) {
      const set = labels[row]!;
      const timeMs = times[row]!;
      if (!(timeMs >= oldestMs) || timeMs > TIME_LIMIT || !Number.isInteger(timeMs)) {
        refuseTime(refusals, set, timeMs, oldestMs);
        continue;
      }
      const series = this.#seriesOf(set, before, refusals);
      if (!series) continue;
      before = series;
      ids[count] = series.headId;
      targetTimes[count] = timeMs;
      targetWords[count * 2] = words[row * 2]!;
      targetWords[count * 2 + 1] = words[row * 2 + 1]!;
      count++;
    }
    return count;
  }

  /**
   * The live series with these labels. Most come in the order of the batch before and named by the same objects:
   * then this does no string work.
   */
  #seriesOf(set: Labels, before: Series | undefined, refusals: Refusals): Series | undefined {
    if (before?.seenAs === set) return before;
    const follower = before?.follower;
    if (follower && follower.headId >= 0 && follower.seenAs === set) return follower;
    const { catalogue, head } = this.#contents;
    let series = catalogue.recall(set) ?? catalogue.find(set);
    if (!series || series.headId < 0) {
      if (head.liveSeries >= this.#seriesMax) {
        const limit = this.#seriesMax;
        refusals.add(
          'series-limit',
          () => `${labelsToText(set)} would be a series more than the limit of ${limit}`,
        );
        return undefined;
      }
      if (!series && refuseLabels(refusals, set)) return undefined;
      series ??= catalogue.obtain(set);
      assert(head.enter(series), 'the pressure on memory was watched');
      this.#entered.push(series);
    }
    series.seenAs = set;
    if (before) before.follower = series;
    return series;
  }

  /** The value staged for exactly this time. */
  #stagedValue(series: Series, timeMs: number): HeadSample | undefined {
    const { calls } = this.kernel;
    const newest = calls.stagedRowOf(series.headId);
    if (newest === 0) return undefined;
    let known = this.#byTime.get(series);
    if (!known) this.#byTime.set(series, (known = { top: 0, rows: new Map<number, number>() }));
    const { u32 } = this.#rows;
    for (let row = newest; row !== known.top && row !== 0;) {
      const at = (row - 1) / 4;
      known.rows.set((u32[at + 3]! | 0) * 0x1_0000_0000 + u32[at + 2]!, at);
      row = u32[at + 1]!;
    }
    known.top = newest;
    const at = known.rows.get(timeMs);
    return at === undefined ? undefined : { low: u32[at + 4]!, high: u32[at + 5]! };
  }
}
