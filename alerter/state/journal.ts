import { Failure, messageOf } from '../../model/failure.ts';
import type { Clock } from '../../platform/clock.ts';
import { withDeadline } from '../../platform/clock.ts';
import { readAllIfThere, replaceFile } from '../../platform/files.ts';
import type { DataFile, Files } from '../../platform/files.ts';
import type { Log } from '../../platform/log.ts';
import type { Counter, Telemetry } from '../../platform/telemetry.ts';
import { crc32 } from './crc32.ts';
import { applyRecord, checkpoint, emptyState } from './records.ts';
import type { AlerterRecord, AlerterState, OutboxMessage } from './records.ts';

/**
 * The alerter's memory on disk: one append-only file of records.
 *
 *   file    "NEPHALRT" version(u32)  record*
 *   record  length(u32) crc32(u32) JSON                        all little-endian
 *
 * A change of an alert and the message about it must survive together, so both are records here. What is
 * committed at once is synced at once. When the file has grown to several times what it says, it is
 * written anew. A tail torn by a crash is cut off: nobody was told that it was there.
 *
 * A message is durable before it is sent, with one deliberate exception: when the disk fails, or has not
 * answered within the deadline, it is sent all the same, because a page that a crash may repeat is better
 * than none.
 */
const MAGIC = 'NEPHALRT';
const VERSION = 1;
const HEADER_BYTES = 12;
const FILE = 'alerts.journal';
const FILE_BYTES_MAX = 1_073_741_824;
const RECORD_BYTES_MAX = 268_435_456;
/** Below this size the file is not worth writing anew. */
const REWRITE_BYTES_MIN = 4_194_304;
/** Records that wait for a slow disk. */
const WAITING_RECORDS_MAX = 10_000;
/** A disk that does not answer must not keep anybody from being paged. */
const COMMIT_DEADLINE_MS = 5000;

export type JournalFailureCode = 'newer-format' | 'unreadable';

export class JournalFailure extends Failure<JournalFailureCode> {
  override readonly name = 'JournalFailure';
}

type JournalPlatform = {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: Telemetry;
};

export class Journal {
  readonly state: AlerterState;
  readonly #directory: string;
  readonly #platform: JournalPlatform;
  readonly #failures: Counter;
  #file: DataFile | undefined;
  #size = 0;
  #sizeAfterRewrite = 0;
  #waiting: AlerterRecord[] = [];
  /** Messages whose commit has neither succeeded nor failed. */
  readonly #unsettled = new Set<string>();
  #round: Promise<boolean> | undefined;
  #next: Promise<boolean> | undefined;
  #isFailing = false;
  #mustRewrite = false;

  private constructor(directory: string, state: AlerterState, platform: JournalPlatform) {
    this.#directory = directory;
    this.#platform = platform;
    this.state = state;
    this.#failures = platform.telemetry.counter(
      'nephoscope_alerter_journal_failures_total',
      'Commits of alert state that did not reach the disk.',
    );
  }

  /** Reads what is there and writes it anew. Fails when the file is of a later version or cannot be read. */
  static async open(directory: string, platform: JournalPlatform): Promise<Journal> {
    const { files, log } = platform;
    await files.makeDirectory(directory);
    // Else a power cut may take the new directory away with all that was synced in it.
    await files.syncDirectory(parentOf(directory));
    const bytes = await readAllIfThere(files, `${directory}/${FILE}`, FILE_BYTES_MAX);
    const state = emptyState();
    if (bytes) {
      const read = readJournal(bytes, state, `${directory}/${FILE}`);
      if (read.damaged) {
        log.error('the end of the alert journal is unreadable and was left out', {
          path: `${directory}/${FILE}`,
          goodBytes: read.goodBytes,
          fileBytes: bytes.length,
        });
        await replaceFile(files, directory, `${FILE}.damaged`, bytes);
      }
    }
    const journal = new Journal(directory, state, platform);
    await journal.#rewrite();
    return journal;
  }

  /**
   * Applies records to memory at once and makes them durable together with whatever else waits. Resolves
   * with whether they are, after the deadline at the latest; never rejects. When the disk fails, memory
   * goes on.
   */
  async commit(records: readonly AlerterRecord[]): Promise<boolean> {
    const messages = records.flatMap((record) =>
      record.kind === 'message' ? [record.message.id] : [],
    );
    for (const id of messages) this.#unsettled.add(id);
    try {
      return await this.#commit(records);
    } finally {
      for (const id of messages) this.#unsettled.delete(id);
    }
  }

  /** The messages of the outbox that may be sent: those whose commit has settled, oldest first. */
  *sendable(): Generator<OutboxMessage> {
    for (const message of this.state.outbox.values()) {
      if (!this.#unsettled.has(message.id)) yield message;
    }
  }

  async #commit(records: readonly AlerterRecord[]): Promise<boolean> {
    for (const record of records) applyRecord(this.state, record);
    for (const record of records) this.#waiting.push(record);
    if (this.#waiting.length > WAITING_RECORDS_MAX) {
      // Memory has them all; a file made anew from it needs none of them.
      this.#waiting = [];
      this.#mustRewrite = true;
    }
    const { clock } = this.#platform;
    this.#next ??= (this.#round ?? Promise.resolve(true)).then(() => this.#write());
    const written = this.#next;
    try {
      return await withDeadline(clock, COMMIT_DEADLINE_MS, 'the alert journal', () => written);
    } catch (thrown) {
      this.#noteFailure(thrown);
      return false;
    }
  }

  async close(): Promise<void> {
    await (this.#next ?? this.#round);
    await this.#file?.close();
    this.#file = undefined;
  }

  async #write(): Promise<boolean> {
    this.#round = this.#next;
    this.#next = undefined;
    const records = this.#waiting;
    this.#waiting = [];
    try {
      if (
        !this.#file ||
        this.#mustRewrite ||
        this.#size > Math.max(REWRITE_BYTES_MIN, this.#sizeAfterRewrite * 3)
      ) {
        // Memory already has the records, so the new file has them, too.
        await this.#rewrite();
      } else {
        const bytes = encodeRecords(records);
        await this.#file.append(bytes);
        await this.#file.dataSync();
        this.#size += bytes.length;
      }
      if (this.#isFailing) this.#platform.log.info('alert state reaches the disk again');
      this.#isFailing = false;
      return true;
    } catch (thrown) {
      // After a failed write or sync nothing is known about this file: the next commit makes a new one.
      const file = this.#file;
      this.#file = undefined;
      await file?.close().catch(() => undefined);
      this.#noteFailure(thrown);
      return false;
    }
  }

  #noteFailure(thrown: unknown): void {
    this.#failures.add(1);
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#platform.log.error('alert state cannot be written; alerts go on from memory', {
      directory: this.#directory,
      error: messageOf(thrown),
    });
  }

  async #rewrite(): Promise<void> {
    const { files } = this.#platform;
    await this.#file?.close();
    this.#file = undefined;
    const header = new Uint8Array(HEADER_BYTES);
    header.set(new TextEncoder().encode(MAGIC));
    new DataView(header.buffer).setUint32(8, VERSION, true);
    const content = joined([header, encodeRecords(checkpoint(this.state))]);
    await replaceFile(files, this.#directory, FILE, content);
    this.#file = await files.open(`${this.#directory}/${FILE}`, 'append');
    this.#mustRewrite = false;
    this.#size = content.length;
    this.#sizeAfterRewrite = content.length;
  }
}

function parentOf(path: string): string {
  const end = path.replace(/\/+$/, '').lastIndexOf('/');
  if (end < 0) return '.';
  return end === 0 ? '/' : path.slice(0, end);
}

function encodeRecords(records: Iterable<AlerterRecord>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const record of records) {
    const payload = new TextEncoder().encode(JSON.stringify(record, numbersAsJson));
    const frame = new Uint8Array(8);
    const view = new DataView(frame.buffer);
    view.setUint32(0, payload.length, true);
    view.setUint32(4, crc32(payload), true);
    parts.push(frame, payload);
  }
  return joined(parts);
}

/** JSON has no infinities and no NaN, but the value of an alert may be one: it is written as a text. */
function numbersAsJson(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

/** Only in an alert, which has a time beside its value; an annotation's texts stay texts. */
function numbersFromJson(this: unknown, key: string, value: unknown): unknown {
  if (key !== 'value' || typeof value !== 'string') return value;
  const { activeAtMs } = this as { readonly activeAtMs?: unknown };
  return typeof activeAtMs === 'number' ? Number(value) : value;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function readJournal(
  bytes: Uint8Array,
  state: AlerterState,
  path: string,
): { readonly goodBytes: number; readonly damaged: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = new TextDecoder().decode(bytes.subarray(0, MAGIC.length));
  if (bytes.length < HEADER_BYTES || magic !== MAGIC) {
    throw new JournalFailure(
      'unreadable',
      `${path} is no alert journal: move it away to start without the alerts it may have held`,
    );
  }
  const version = view.getUint32(8, true);
  if (version !== VERSION) {
    throw new JournalFailure(
      'newer-format',
      `${path} has format ${version}, this program knows ${VERSION}: use the version that wrote it`,
    );
  }
  let at = HEADER_BYTES;
  while (at < bytes.length) {
    const record = readRecord(bytes, view, at);
    if (!record) return { goodBytes: at, damaged: true };
    applyRecord(state, record.value);
    at = record.end;
  }
  return { goodBytes: at, damaged: false };
}

function readRecord(
  bytes: Uint8Array,
  view: DataView,
  at: number,
): { readonly value: AlerterRecord; readonly end: number } | undefined {
  if (at + 8 > bytes.length) return undefined;
  const length = view.getUint32(at, true);
  const end = at + 8 + length;
  // A power cut may leave zeros, and the checksum of nothing is zero: no record is empty.
  if (length === 0 || length > RECORD_BYTES_MAX || end > bytes.length) return undefined;
  const payload = bytes.subarray(at + 8, end);
  if (crc32(payload) !== view.getUint32(at + 4, true)) return undefined;
  // The checksum says that these are the bytes that this program wrote.
  const text = new TextDecoder('utf-8').decode(payload);
  return { value: JSON.parse(text, numbersFromJson) as AlerterRecord, end };
}
