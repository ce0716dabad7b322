import { messageOf } from '../../model/failure.ts';
import type { Labels } from '../../model/labels.ts';
import type { Clock } from '../../platform/clock.ts';
import { FileFailure } from '../../platform/files.ts';
import type { DataFile, Files } from '../../platform/files.ts';
import type { Log } from '../../platform/log.ts';
import { StoreFailure } from '../store.ts';
import { ByteWriter } from './bytes.ts';
import { fileName } from './filenames.ts';
import {
  RECORD_PAYLOAD_SPLIT,
  writeCuts,
  writeRecord,
  writeSegmentHeader,
  writeSeries,
} from './journal-format.ts';
import type { RecordType } from './journal-format.ts';

/**
 * The journal: what makes an acknowledgement true. Definitions and samples are gathered and made durable by
 * `commit`, one append and one sync however many callers wait.
 *
 * Values are written as changes since the value before, within a chapter. Damage costs the rest of a chapter,
 * so chapters are short: small groups, which fill a page of the disk anyway, have one each.
 *
 * After a failed write or sync nothing more is asked of that file: its pages may be lost although a second
 * sync would say otherwise. The segment is frozen at its last good byte and the next commit begins a fresh
 * one, whose first record carries that cut. Rows of the failed commit may still be on the disk; the cut
 * keeps a replay from reading them, so that what was refused cannot come back over what was stored later.
 */
export class Journal {
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #directory: string;
  readonly #segmentBytesMax: number;
  readonly #sizes: Map<number, number>;
  readonly #damaged: ReadonlySet<number>;
  readonly #cuts: Map<number, number>;
  readonly #out = new ByteWriter(64 * 1024);
  readonly #definitions = new ByteWriter(4096);
  #file: DataFile | undefined;
  #segment: number;
  #offset = 0;
  #chapter: number;
  #chapterBytes = 0;
  #chapterIsOver = true;
  #chapterIsEmpty = true;
  #forgotten = -1;
  #failures = 0;
  #lastFailure: { readonly failure: StoreFailure; readonly at: number } | undefined;

  constructor(options: {
    readonly files: Files;
    readonly clock: Clock;
    readonly log: Log;
    readonly directory: string;
    readonly segmentBytesMax: number;
    /** Segment to bytes, of those that a replay found. */
    readonly sizes: ReadonlyMap<number, number>;
    /** Of these, the ones with damage: they are kept aside instead of being removed. */
    readonly damaged: ReadonlySet<number>;
    readonly cuts: ReadonlyMap<number, number>;
    /** The highest numbers ever seen. */
    readonly lastSegment: number;
    readonly lastChapter: number;
  }) {
    this.#files = options.files;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#directory = options.directory;
    this.#segmentBytesMax = options.segmentBytesMax;
    this.#sizes = new Map(options.sizes);
    this.#damaged = options.damaged;
    this.#cuts = new Map(options.cuts);
    this.#segment = options.lastSegment;
    this.#chapter = options.lastChapter;
  }

  /** Of all segments on the disk. */
  get bytes(): number {
    let sum = 0;
    for (const size of this.#sizes.values()) sum += size;
    return sum;
  }

  /** Commits that failed since one succeeded. */
  get failures(): number {
    return this.#failures;
  }

  /** Makes a segment ready to be written to. Rejects with a `StoreFailure` when there can be none. */
  async prepare(): Promise<void> {
    if (this.#file && this.#offset >= this.#segmentBytesMax) await this.rotate();
    if (this.#file) return;
    const last = this.#lastFailure;
    // One fresh attempt at once; while failures repeat, one a second, and the rest fail without cost.
    if (last && this.#failures > 1 && this.#clock.monotonic() - last.at < RETRY_MS) {
      throw last.failure;
    }
    if (this.#cuts.size >= CUTS_MAX) {
      throw new StoreFailure(
        'disk-failed',
        `${CUTS_MAX} journal segments in ${this.#directory} could neither be written nor removed: restart once the disk is sound`,
      );
    }
    await this.#begin();
  }

  /**
   * Where the samples of the next commit will stand. Only after `prepare`. `forgotten` changes when a number
   * may have passed from one series to another: what came before must not be continued then.
   */
  beginGroup(forgotten: number): { readonly segment: number; readonly chapter: number } {
    if (this.#chapterIsOver || forgotten !== this.#forgotten) {
      this.#chapter++;
      this.#chapterBytes = 0;
      this.#chapterIsOver = false;
      this.#chapterIsEmpty = true;
    }
    this.#forgotten = forgotten;
    return { segment: this.#segment, chapter: this.#chapter };
  }

  /** Gathers the definition of a series, before the first sample of it. */
  define(journalId: number, labels: Labels): void {
    writeSeries(this.#definitions, { journalId, labels });
    if (this.#definitions.length >= RECORD_PAYLOAD_SPLIT) this.#endDefinitions();
  }

  /** Gathers samples in the kernel's form. */
  samples(payload: Uint8Array): void {
    if (payload.length === 0) return;
    this.#endDefinitions();
    this.#record(this.#chapterIsEmpty ? 'samples' : 'more-samples', payload);
    this.#chapterIsEmpty = false;
    this.#chapterBytes += payload.length;
  }

  /** Makes all that was gathered durable, or rejects with a `StoreFailure`: then none of it will be read. */
  async commit(): Promise<void> {
    const file = this.#file!;
    try {
      await file.append(this.#out.view());
      await file.dataSync();
    } catch (thrown) {
      throw await this.#freeze(thrown);
    }
    this.#offset += this.#out.length;
    this.#sizes.set(this.#segment, this.#offset);
    const isSmall = this.#out.length < SMALL_GROUP_BYTES;
    if (isSmall || this.#chapterBytes >= CHAPTER_BYTES) this.#chapterIsOver = true;
    this.#out.clear();
    if (this.#failures > 0) {
      this.#log.info('the journal takes samples again', { segment: this.#segment });
    }
    this.#failures = 0;
    this.#lastFailure = undefined;
  }

  /**
   * Ends the segment that is being written. All that was committed is in segments below the number
   * returned, and what follows will be in that one or later.
   */
  async rotate(): Promise<number> {
    const file = this.#file;
    this.#file = undefined;
    try {
      await file?.close();
    } catch (thrown) {
      // Every byte was synced; the descriptor is the operating system's problem now.
      this.#log.warn('a journal segment could not be closed', { error: messageOf(thrown) });
    }
    return this.#segment + 1;
  }

  /** Removes the segments below a number; all their samples must be durable in blocks. */
  async removeBelow(segment: number): Promise<void> {
    const gone = [...this.#sizes.keys()].filter((number) => number < segment);
    for (const number of gone) {
      const path = this.#path(number);
      if (this.#damaged.has(number)) await this.#files.rename(path, `${path}.damaged`);
      else await this.#files.remove(path);
      this.#sizes.delete(number);
    }
    await this.#files.syncDirectory(this.#directory);
    // A cut outlives its segment until the removal is durable.
    for (const number of this.#cuts.keys()) {
      if (!this.#sizes.has(number)) this.#cuts.delete(number);
    }
  }

  async close(): Promise<void> {
    await this.rotate();
  }

  async #begin(): Promise<void> {
    const segment = ++this.#segment;
    this.#offset = 0;
    this.#chapterIsOver = true;
    this.#sizes.set(segment, 0);
    try {
      this.#file = await this.#files.open(this.#path(segment), 'create');
      // The name must be durable before anything in the file is acknowledged.
      await this.#files.syncDirectory(this.#directory);
    } catch (thrown) {
      throw await this.#freeze(thrown);
    }
    this.#out.clear();
    writeSegmentHeader(this.#out, segment);
    if (this.#cuts.size === 0) return;
    const payload = new ByteWriter();
    writeCuts(
      payload,
      [...this.#cuts].map(([number, validBytes]) => ({ segment: number, validBytes })),
    );
    this.#record('cuts', payload.view());
  }

  #endDefinitions(): void {
    if (this.#definitions.length === 0) return;
    this.#record('series', this.#definitions.view());
    this.#definitions.clear();
  }

  #record(type: RecordType, payload: Uint8Array): void {
    const where = { file: this.#segment, offset: this.#offset + this.#out.length };
    writeRecord(this.#out, where, type, payload);
  }

  /** Gives the segment up and tells why in the terms of the contract. */
  async #freeze(cause: unknown): Promise<StoreFailure> {
    const segment = this.#segment;
    const file = this.#file;
    this.#file = undefined;
    this.#out.clear();
    this.#definitions.clear();
    this.#chapterIsOver = true;
    this.#failures++;
    const failure = diskFailure(cause, `the journal in ${this.#directory}`);
    this.#lastFailure = { failure, at: this.#clock.monotonic() };
    if (this.#failures <= 2) {
      this.#log.error('the journal could not be written', {
        segment,
        code: failure.code,
        error: messageOf(cause),
      });
    }
    this.#cuts.set(segment, this.#offset);
    try {
      await file?.close();
      const isForeign = cause instanceof FileFailure && cause.code === 'exists';
      if (this.#offset === 0 && !isForeign) {
        // Nothing in it was acknowledged; without its file the cut is not needed either.
        await this.#files.remove(this.#path(segment));
        await this.#files.syncDirectory(this.#directory);
        this.#sizes.delete(segment);
        this.#cuts.delete(segment);
      }
    } catch {
      // The disk is failing, which has been said; the cut stands.
    }
    return failure;
  }

  #path(segment: number): string {
    return `${this.#directory}/${fileName('journal', segment)}`;
  }
}

/** A group below this is a chapter of its own. */
const SMALL_GROUP_BYTES: number = 2 * 1024;
/** A chapter that is longer ends with its group. */
const CHAPTER_BYTES: number = 8 * 1024 * 1024;
const RETRY_MS = 1000;
/** At one attempt a second, more than an hour of a disk that can neither write nor remove. */
const CUTS_MAX = 4096;

/** What the disk did, as the store's contract names it. */
export function diskFailure(cause: unknown, what: string): StoreFailure {
  if (cause instanceof StoreFailure) return cause;
  if (cause instanceof FileFailure && cause.code === 'no-space') {
    return new StoreFailure(
      'disk-full',
      `${what} cannot be written, the disk is full: make room, it resumes by itself`,
      { cause },
    );
  }
  return new StoreFailure(
    'disk-failed',
    `${what} cannot be used: ${messageOf(cause)}; check the disk and its mount`,
    { cause },
  );
}
