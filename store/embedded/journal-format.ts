import type { Labels } from '../../model/labels.ts';
import { isSortedLabels, labelsFromSorted } from '../../model/labels.ts';
import { ByteReader, ByteWriter, MalformedBytes } from './bytes.ts';
import { crc32c, placedCrc } from './crc32c.ts';

/**
 * The bytes of a journal segment; drawn in `docs/formats/journal.md`.
 *
 *   header | record | record | …          record = mark, type, length, checksum, payload
 *
 * A segment stands alone: it defines each series before the first sample of it, so that whole segments can
 * be removed without a checkpoint and damage in one does not reach into the next. The checksum of a record
 * covers its place (segment and offset), its type and its length.
 */
export const JOURNAL_VERSION = 2;
export const SEGMENT_HEADER_BYTES = 16;
export const RECORD_HEADER_BYTES = 10;
/** A longer record is damage. Writers split far below. */
export const RECORD_PAYLOAD_MAX: number = 4 * 1024 * 1024;
/** Where writers begin a new record. */
export const RECORD_PAYLOAD_SPLIT: number = 256 * 1024;

const MAGIC: readonly number[] = [0x4e, 0x45, 0x50, 0x48, 0x4a, 0x52, 0x4e];
const RECORD_MARK = 0xa5;

/** `samples` begins a chapter, `more-samples` continues one; `kernel/journal.ts` reads and writes both. */
export type RecordType = 'series' | 'samples' | 'cuts' | 'more-samples';
const TYPE_CODES: Readonly<Record<RecordType, number>> = {
  series: 1,
  samples: 2,
  cuts: 3,
  'more-samples': 4,
};
const TYPES: readonly (RecordType | undefined)[] = [
  undefined,
  'series',
  'samples',
  'cuts',
  'more-samples',
];

export function writeSegmentHeader(out: ByteWriter, segment: number): void {
  const start = out.length;
  for (const byte of MAGIC) out.u8(byte);
  out.u8(JOURNAL_VERSION);
  out.u32(segment);
  out.u32(crc32c(out.view(start)));
}

export type HeaderVerdict = 'good' | 'damaged' | { readonly newerVersion: number };

export function readSegmentHeader(bytes: Uint8Array, segment: number): HeaderVerdict {
  if (bytes.length < SEGMENT_HEADER_BYTES) return 'damaged';
  const source = new ByteReader(bytes, 8);
  const number = source.u32();
  if (source.u32() !== crc32c(bytes, 0, 12)) return 'damaged';
  if (number !== segment || MAGIC.some((byte, i) => bytes[i] !== byte)) return 'damaged';
  const version = bytes[7]!;
  // The checksum holds, so this is not a flipped bit: a newer program wrote it.
  return version > JOURNAL_VERSION ? { newerVersion: version } : 'good';
}

/** Writes one record; `offset` is where it will stand in its segment. */
export function writeRecord(
  out: ByteWriter,
  where: { readonly file: number; readonly offset: number },
  type: RecordType,
  payload: Uint8Array,
): void {
  const start = out.length;
  out.u8(RECORD_MARK);
  out.u8(TYPE_CODES[type]);
  out.u32(payload.length);
  out.u32(recordCrc(where, out.view(start, start + 6), payload));
  out.raw(payload);
}

export interface FoundRecord {
  readonly type: RecordType;
  readonly payload: Uint8Array;
  /** Where the next one begins, in the bytes given. */
  readonly end: number;
}

/** What can be said of a record without its payload: its length if the header is plausible. */
export function recordLength(bytes: Uint8Array, at: number): number | undefined {
  if (at + RECORD_HEADER_BYTES > bytes.length) return undefined;
  if (bytes[at] !== RECORD_MARK || !TYPES[bytes[at + 1]!]) return undefined;
  const length = new ByteReader(bytes, at + 2).u32();
  return length > RECORD_PAYLOAD_MAX ? undefined : RECORD_HEADER_BYTES + length;
}

/** The record that begins at `at` of `bytes`, which begin at `base` of the segment; undefined if none does. */
export function readRecord(
  bytes: Uint8Array,
  at: number,
  where: { readonly segment: number; readonly base: number },
): FoundRecord | undefined {
  const length = recordLength(bytes, at);
  if (length === undefined || at + length > bytes.length) return undefined;
  const payload = bytes.subarray(at + RECORD_HEADER_BYTES, at + length);
  const crc = recordCrc(
    { file: where.segment, offset: where.base + at },
    bytes.subarray(at, at + 6),
    payload,
  );
  if (new ByteReader(bytes, at + 6).u32() !== crc) return undefined;
  return { type: TYPES[bytes[at + 1]!]!, payload, end: at + length };
}

function recordCrc(
  where: { readonly file: number; readonly offset: number },
  header: Uint8Array,
  payload: Uint8Array,
): number {
  return crc32c(payload, 0, payload.length, placedCrc(where, header));
}

export interface SeriesDefinition {
  /** The number by which samples of the segment name it, until it is defined anew. */
  readonly journalId: number;
  readonly labels: Labels;
}

export function writeSeries(out: ByteWriter, series: SeriesDefinition): void {
  out.varint(series.journalId);
  out.varint(series.labels.length / 2);
  for (const text of series.labels) out.text(text);
}

export function readSeriesRecord(payload: Uint8Array): readonly SeriesDefinition[] {
  const source = new ByteReader(payload);
  const found: SeriesDefinition[] = [];
  while (source.left > 0) {
    const journalId = source.varint();
    const flat: string[] = [];
    for (let pairs = source.count(2); pairs > 0; pairs--) flat.push(source.text(), source.text());
    if (!isSortedLabels(flat)) throw new MalformedBytes('labels are not sorted');
    found.push({ journalId, labels: labelsFromSorted(flat) });
  }
  return found;
}

/** A segment whose bytes from `validBytes` on were never acknowledged and must not be read. */
export interface Cut {
  readonly segment: number;
  readonly validBytes: number;
}

export function writeCuts(out: ByteWriter, cuts: Iterable<Cut>): void {
  for (const { segment, validBytes } of cuts) {
    out.varint(segment);
    out.varint(validBytes);
  }
}

export function readCutsRecord(payload: Uint8Array): readonly Cut[] {
  const source = new ByteReader(payload);
  const cuts: Cut[] = [];
  while (source.left > 0) cuts.push({ segment: source.varint(), validBytes: source.varint() });
  return cuts;
}
