import { messageOf } from '../../model/failure.ts';
import type { Clock } from '../../platform/clock.ts';
import { FileFailure } from '../../platform/files.ts';
import type { Files } from '../../platform/files.ts';
import type { Log } from '../../platform/log.ts';
import { MalformedBytes } from './bytes.ts';
import type { Catalogue } from './catalogue.ts';
import { SampleColumns } from './columns.ts';
import { fileName } from './filenames.ts';
import type { Head } from './head.ts';
import { readSeriesRecord } from './journal-format.ts';
import type { FoundRecord } from './journal-format.ts';
import { KernelArea } from './kernel-area.ts';
import { readCuts, readSegment } from './journal-reader.ts';
import type { SegmentContent } from './journal-reader.ts';
import type { Series } from './series.ts';

export interface ReplayOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly directory: string;
  readonly catalogue: Catalogue;
  /** Segments to read, ascending, with their bytes. */
  readonly segments: ReadonlyMap<number, number>;
  /** The head to fill. */
  readonly head: Head;
  /** Called between records, with the segment being read: earlier ones are wholly in the head. */
  readonly afterRecord: (segment: number) => Promise<void>;
  readonly progress?: ((step: string, done: number) => void) | undefined;
}

export interface ReplayOutcome {
  readonly samples: number;
  readonly cuts: ReadonlyMap<number, number>;
  /** Segments with damage, to be kept aside when their time comes. */
  readonly damaged: ReadonlySet<number>;
  readonly sizes: ReadonlyMap<number, number>;
  /** Damaged stretches found. */
  readonly corruptions: number;
  /** The highest number of a chapter that the head has seen. */
  readonly lastChapter: number;
}

const PROGRESS_INTERVAL_MS = 500;
const LATE_MAX = 8192;
const LATE_BYTES = 24;
const NO_SERIES = 0xffff_ffff;
/** The kernel has no more. */
const JOURNAL_IDS_MAX: number = 4096 * 1024;

/** Puts what the journal holds back into memory. Never fails because of what the bytes say. */
export async function replayJournal(options: ReplayOptions): Promise<ReplayOutcome> {
  return new Replay(options).run();
}

class Replay {
  readonly #options: ReplayOptions;
  readonly #cuts = new Map<number, number>();
  readonly #damaged = new Set<number>();
  readonly #sizes: Map<number, number>;
  readonly #payload: KernelArea;
  readonly #ids: KernelArea;
  readonly #late: KernelArea;
  /** Ids of the segment that have a series, as a bound. */
  #idsEnd = 0;
  #defined: (Series | undefined)[] = [];
  #definedAnew = true;
  #chapter = 0;
  /** Damage in the chapter: what continues it makes no sense. */
  #chapterIsBroken = true;
  #samples = 0;
  #orphans = 0;
  #malformed = 0;
  #corruptions = 0;
  #toldAt: number;
  #bytesBefore = 0;

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#sizes = new Map(options.segments);
    this.#toldAt = options.clock.monotonic();
    const { kernel } = options.head;
    this.#payload = new KernelArea(kernel, 64 * 1024);
    this.#ids = new KernelArea(kernel, 4096);
    this.#late = new KernelArea(kernel, LATE_MAX * LATE_BYTES);
  }

  async run(): Promise<ReplayOutcome> {
    const { files, directory, segments } = this.#options;
    for (const segment of segments.keys()) {
      // Segments differ in their memory of cuts only when one was lost; the smallest is the safe one.
      for (const cut of await this.#guarded(
        segment,
        () => readCuts(files, directory, segment),
        [],
      )) {
        const known = this.#cuts.get(cut.segment) ?? Infinity;
        this.#cuts.set(cut.segment, Math.min(known, cut.validBytes));
      }
    }
    for (const cut of this.#cuts.keys()) if (!segments.has(cut)) this.#cuts.delete(cut);
    const last = [...segments.keys()].at(-1);
    for (const [segment, bytes] of segments) {
      await this.#guarded(segment, () => this.#segment(segment, segment === last), undefined);
      this.#bytesBefore += bytes;
    }
    return {
      samples: this.#samples,
      cuts: this.#cuts,
      damaged: this.#damaged,
      sizes: this.#sizes,
      corruptions: this.#corruptions,
      lastChapter: this.#chapter,
    };
  }

  /** A segment that the disk does not give back costs its own samples, not the start. */
  async #guarded<T>(segment: number, work: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      const isUnreadable = thrown instanceof FileFailure && thrown.code === 'io-error';
      if (!isUnreadable) throw thrown;
      this.#corruptions++;
      this.#damaged.add(segment);
      this.#options.log.error('a journal segment could not be read; its samples are missing', {
        file: fileName('journal', segment),
        error: messageOf(thrown),
      });
      return otherwise;
    }
  }

  async #segment(segment: number, isLast: boolean): Promise<void> {
    const { files, directory } = this.#options;
    this.#defined = [];
    this.#definedAnew = true;
    this.#chapterIsBroken = true;
    this.#orphans = 0;
    this.#malformed = 0;
    const endMax = this.#cuts.get(segment) ?? Infinity;
    const content = await readSegment(
      files,
      directory,
      segment,
      { endMax, onProgress: (bytes) => this.#tell(this.#bytesBefore + bytes) },
      async (record, isBehindDamage) => {
        this.#chapterIsBroken ||= isBehindDamage;
        this.#apply(record);
        await this.#options.afterRecord(segment);
      },
    );
    await this.#judge(segment, content, isLast);
  }

  #apply(record: FoundRecord): void {
    try {
      if (record.type === 'series') this.#define(record.payload);
      else if (record.type === 'samples') {
        this.#chapter++;
        this.#chapterIsBroken = false;
        this.#applySamples(record.payload);
      } else if (record.type === 'more-samples') {
        // Its values are changes of others that are lost.
        if (this.#chapterIsBroken) this.#malformed++;
        else this.#applySamples(record.payload);
      }
    } catch (thrown) {
      if (!(thrown instanceof MalformedBytes)) throw thrown;
      // The checksum held, so this is a fault of the writer: keep what made sense, and say so.
      this.#malformed++;
    }
  }

  #define(payload: Uint8Array): void {
    for (const { journalId, labels } of readSeriesRecord(payload)) {
      if (journalId >= JOURNAL_IDS_MAX) throw new MalformedBytes('a series has too high a number');
      this.#defined[journalId] = this.#options.catalogue.obtain(labels);
      this.#definedAnew = true;
    }
  }

  #applySamples(payload: Uint8Array): void {
    const { head } = this.#options;
    const { calls } = head.kernel;
    this.#mapIds();
    this.#payload.reserve(payload.length);
    this.#payload.bytes.set(payload);
    const end = this.#payload.at + payload.length;
    calls.beginReplay();
    for (let from = this.#payload.at; from !== 0 && from < end;) {
      const isGood = calls.replayJournal(
        from,
        end,
        this.#chapter,
        this.#ids.at,
        this.#idsEnd,
        this.#late.at,
        LATE_MAX,
      );
      this.#samples += calls.replayed.value;
      this.#orphans += calls.unplaced.value;
      this.#placeLate(calls.replayedLate.value);
      if (!isGood) throw new MalformedBytes('samples make no sense');
      from = calls.replayedTo.value;
    }
  }

  /** The numbers that series have in the head. */
  #mapIds(): void {
    const { head } = this.#options;
    if (!this.#definedAnew) return;
    this.#definedAnew = false;
    this.#idsEnd = this.#defined.length;
    this.#ids.reserve(this.#idsEnd * 4);
    for (let id = 0; id < this.#idsEnd; id++) {
      const series = this.#defined[id];
      this.#ids.u32[id] = series && head.enter(series) ? series.headId : NO_SERIES;
    }
  }

  #placeLate(count: number): void {
    const { head } = this.#options;
    const { u32, f64 } = this.#late;
    const late = new Map<Series, SampleColumns>();
    for (let i = 0; i < count; i++) {
      const series = head.seriesOf(u32[i * 6]!);
      const timeMs = f64[i * 3 + 1]!;
      if (head.find(series, timeMs)) continue;
      let rows = late.get(series);
      if (!rows) late.set(series, (rows = new SampleColumns(8)));
      rows.push(timeMs, u32[i * 6 + 4]!, u32[i * 6 + 5]!);
    }
    for (const [series, rows] of late) {
      const sorted = sortedByTime(rows);
      head.insertLate(series, sorted);
      this.#samples += sorted.length;
    }
  }

  async #judge(segment: number, content: SegmentContent, isLast: boolean): Promise<void> {
    const { log } = this.#options;
    const file = fileName('journal', segment);
    const cut = this.#cuts.get(segment);
    const end = Math.min(content.bytes, cut ?? Infinity);
    const tail = end - content.goodEnd;
    const isTorn = tail > 0 && isLast;
    if (isTorn) await this.#truncate(segment, content);
    const stretches = content.damage.length + (tail > 0 && !isLast ? 1 : 0);
    if (stretches === 0 && this.#orphans === 0 && this.#malformed === 0) return;
    this.#corruptions += Math.max(stretches, 1);
    this.#damaged.add(segment);
    log.error('a journal segment is damaged; what is whole was kept', {
      file,
      stretches,
      bytes: content.damage.reduce((sum, { bytes }) => sum + bytes, isTorn ? 0 : tail),
      firstOffset: content.damage[0]?.offset ?? content.goodEnd,
      samplesWithoutSeries: this.#orphans,
      recordsWithoutSense: this.#malformed,
    });
  }

  /** A crash in the middle of a write leaves this; nothing in it was acknowledged. */
  async #truncate(segment: number, content: SegmentContent): Promise<void> {
    const { files, directory, log } = this.#options;
    const name = fileName('journal', segment);
    log.warn('the journal ends in the middle of a record; the rest was cut off', {
      file: name,
      goodBytes: content.goodEnd,
      bytes: content.bytes - content.goodEnd,
    });
    // Remembered even when the file cannot be changed: then the next segment carries the cut.
    this.#cuts.set(segment, content.goodEnd);
    try {
      const file = await files.open(`${directory}/${name}`, 'append');
      try {
        await file.truncate(content.goodEnd);
        await file.dataSync();
      } finally {
        await file.close();
      }
      this.#sizes.set(segment, content.goodEnd);
    } catch (thrown) {
      log.warn('the journal could not be cut; the next segment will say where it ends', {
        file: name,
        error: messageOf(thrown),
      });
    }
  }

  #tell(bytes: number): void {
    const { clock, progress, segments } = this.#options;
    const now = clock.monotonic();
    if (!progress || now - this.#toldAt < PROGRESS_INTERVAL_MS) return;
    this.#toldAt = now;
    let total = 0;
    for (const size of segments.values()) total += size;
    progress('reading the journal', Math.min(1, bytes / Math.max(1, total)));
  }
}

/** Rows in order of time; of several for one time the first stays. */
export function sortedByTime(rows: SampleColumns): SampleColumns {
  const order = Array.from({ length: rows.length }, (_, row) => row);
  order.sort((a, b) => rows.times[a]! - rows.times[b]! || a - b);
  const sorted = new SampleColumns(rows.length);
  for (const row of order) {
    const timeMs = rows.times[row]!;
    if (timeMs !== sorted.lastTime) {
      sorted.push(timeMs, rows.words[row * 2]!, rows.words[row * 2 + 1]!);
    }
  }
  return sorted;
}
