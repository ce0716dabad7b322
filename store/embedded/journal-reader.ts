import type { DataFile, Files } from '../../platform/files.ts';
import { StoreFailure } from '../store.ts';
import { MalformedBytes } from './bytes.ts';
import { fileName } from './filenames.ts';
import {
  RECORD_HEADER_BYTES,
  RECORD_PAYLOAD_MAX,
  SEGMENT_HEADER_BYTES,
  readCutsRecord,
  readRecord,
  readSegmentHeader,
  recordLength,
} from './journal-format.ts';
import type { Cut, FoundRecord } from './journal-format.ts';

/** Two of the longest records: wherever a record begins, it fits after one read. */
const WINDOW_BYTES: number = 2 * (RECORD_HEADER_BYTES + RECORD_PAYLOAD_MAX);

/** Bytes that may be checksummed in the search for the next good record of one segment. */
const SEARCH_BYTES_MAX: number = 256 * 1024 * 1024;

/** What a damaged stretch of a segment looked like. */
export interface Damage {
  readonly offset: number;
  readonly bytes: number;
}

export interface SegmentContent {
  readonly bytes: number;
  /** Where the last good record ends. */
  readonly goodEnd: number;
  /** Bytes without meaning that a good record follows, in order. */
  readonly damage: readonly Damage[];
}

/**
 * Reads a segment record by record through a window of bounded size. Where a record is bad it looks for the
 * next good one: a checksum that covers its place makes a false find as good as impossible. Bytes from
 * `endMax` on were never acknowledged and are not looked at.
 *
 * Fails with `newer-format` when a newer program wrote the segment.
 */
export async function readSegment(
  files: Files,
  directory: string,
  segment: number,
  options: { readonly endMax: number; readonly onProgress?: (bytes: number) => void },
  visit: (record: FoundRecord, isBehindDamage: boolean) => void | Promise<void>,
): Promise<SegmentContent> {
  const path = `${directory}/${fileName('journal', segment)}`;
  const file = await files.open(path, 'read');
  try {
    // Written by a process that may have been killed before its sync: durable first, then believed.
    await file.dataSync();
    const size = await file.size();
    const window = new Window(file, Math.min(size, options.endMax));
    const verdict = readSegmentHeader(await window.at(0, SEGMENT_HEADER_BYTES), segment);
    if (typeof verdict === 'object') throw newerFormat(path, verdict.newerVersion);
    const damage: Damage[] = [];
    let at = SEGMENT_HEADER_BYTES;
    let goodEnd = verdict === 'good' ? SEGMENT_HEADER_BYTES : 0;
    let searchLeft = SEARCH_BYTES_MAX;
    while (at < window.end && searchLeft > 0) {
      const found = await recordAt(window, at, segment);
      if (!found.record) {
        searchLeft -= found.searched;
        at++;
        continue;
      }
      const isBehindDamage = at > goodEnd;
      if (isBehindDamage) damage.push({ offset: goodEnd, bytes: at - goodEnd });
      at += found.searched;
      goodEnd = at;
      await visit(found.record, isBehindDamage);
      options.onProgress?.(at);
    }
    return { bytes: size, goodEnd, damage };
  } finally {
    await file.close();
  }
}

/** The cuts that a segment carries in its first record, if it has any. */
export async function readCuts(
  files: Files,
  directory: string,
  segment: number,
): Promise<readonly Cut[]> {
  const file = await files.open(`${directory}/${fileName('journal', segment)}`, 'read');
  try {
    const window = new Window(file, await file.size());
    const { record } = await recordAt(window, SEGMENT_HEADER_BYTES, segment);
    return record?.type === 'cuts' ? readCutsRecord(record.payload) : [];
  } catch (thrown) {
    if (thrown instanceof MalformedBytes) return [];
    throw thrown;
  } finally {
    await file.close();
  }
}

export function newerFormat(path: string, version: number): StoreFailure {
  return new StoreFailure(
    'newer-format',
    `${path} was written by a newer version (format ${version}): run that version, or use another data directory`,
  );
}

async function recordAt(
  window: Window,
  offset: number,
  segment: number,
): Promise<{ readonly record: FoundRecord | undefined; readonly searched: number }> {
  const header = await window.at(offset, RECORD_HEADER_BYTES);
  const length = recordLength(header, 0);
  if (length === undefined || offset + length > window.end) {
    return { record: undefined, searched: 1 };
  }
  const bytes = await window.at(offset, length);
  return { record: readRecord(bytes, 0, { segment, base: offset }), searched: length };
}

/** A part of a file in memory, moved forward as it is read. */
class Window {
  readonly end: number;
  readonly #file: DataFile;
  readonly #bytes: Uint8Array;
  #start = 0;
  #length = 0;

  constructor(file: DataFile, end: number) {
    this.#file = file;
    this.end = end;
    this.#bytes = new Uint8Array(Math.min(end, WINDOW_BYTES));
  }

  /** Bytes from an offset: as many as asked for, fewer at the end of the file. Valid until the next call. */
  async at(offset: number, count: number): Promise<Uint8Array> {
    const wanted = Math.max(0, Math.min(count, this.end - offset));
    if (offset < this.#start || offset + wanted > this.#start + this.#length) {
      const room = Math.max(0, Math.min(this.#bytes.length, this.end - offset));
      this.#length = await this.#file.readAt(offset, this.#bytes.subarray(0, room));
      this.#start = offset;
    }
    const from = offset - this.#start;
    return this.#bytes.subarray(from, Math.min(from + wanted, this.#length));
  }
}
