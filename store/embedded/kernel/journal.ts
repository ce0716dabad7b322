// Samples as the journal holds them, written while they enter the head and read back at start.
//
//   0xff  id (4 B)  time (8 B)     the next value belongs to this series and time, the one after it to the
//                                  series with the next id and the same time, and so on
//   low << 4 | count, count bytes  a value: XOR with the value of the same series before it in this chapter
//                                  (0 when there is none), low zero bytes at its low end cut off, count bytes kept
//
// A chain of XORs begins anew with each chapter, so that damage costs the rest of a chapter and no more.
import { append, APPENDED } from './head';
import { seriesAt, seriesCount } from './series';

const RUN: u8 = 0xff;
/** A sample takes at most this: a run's beginning, a header and eight bytes. */
export const SAMPLE_BYTES_MAX: usize = 22;

let at: usize = 0;
let limit: usize = 0;
let chapter: u32 = 0;
let nextId: u32 = 0xffffffff;
let runTime: i64 = 0;

/** Sets the buffer for the samples to come. Another chapter restarts every chain. */
export function beginJournal(buffer: usize, bytes: usize, chapterNumber: u32): void {
  at = buffer;
  limit = buffer + bytes;
  chapter = chapterNumber;
  nextId = 0xffffffff;
}

/** Where the bytes written end. */
export function journalEnd(): usize {
  return at;
}

@inline
export function journalRoom(): usize {
  return limit - at;
}

/** Writes one sample; there must be room for SAMPLE_BYTES_MAX. */
@inline
export function putJournal(series: usize, id: u32, time: i64, bits: u64): void {
  if (id != nextId || time != runTime) {
    store<u8>(at, RUN);
    store<u32>(at, id, 1);
    store<i64>(at, time, 5);
    at += 13;
    runTime = time;
  }
  nextId = id + 1;
  const before = load<u32>(series, 28) == chapter ? load<u64>(series, 40) : 0;
  store<u32>(series, chapter, 28);
  store<u64>(series, bits, 40);
  const change = bits ^ before;
  if (change == 0) {
    store<u8>(at++, 0);
    return;
  }
  const low = <u32>ctz(change) >> 3;
  const count = 8 - low - (<u32>clz(change) >> 3);
  store<u8>(at, <u8>((low << 4) | count));
  store<u64>(at, change >> (<u64>low << 3), 1);
  at += 1 + count;
}

/** What `replayJournal` did: samples appended, samples of unknown series, entries in the list of late ones. */
export let replayed: u32 = 0;
export let unplaced: u32 = 0;
export let replayedLate: u32 = 0;
/** Where it stopped because that list is full; 0 when it is through. */
export let replayedTo: usize = 0;

let replayId: u32 = 0;
let inRun: bool = false;

export function beginReplay(): void {
  inRun = false;
}

/**
 * Appends the samples of one record to the head, from an address of it on. `ids` maps the segment's ids to
 * those of the head (u32 each, `idsCount` of them, 0xffffffff for an unknown series). Samples that are not
 * newer than all of their series go into a list: u32 id, u32 unused, f64 time, u64 bits. False when the record
 * is malformed, or memory exhausted; what came before the fault has been appended.
 */
export function replayJournal(
  from: usize,
  end: usize,
  chapterNumber: u32,
  ids: usize,
  idsCount: u32,
  lateList: usize,
  lateMax: u32,
): bool {
  let record = from;
  replayed = 0;
  unplaced = 0;
  replayedLate = 0;
  replayedTo = 0;
  while (record < end) {
    const header = load<u8>(record);
    if (header == RUN) {
      if (record + 13 > end) return false;
      replayId = load<u32>(record, 1);
      runTime = load<i64>(record, 5);
      record += 13;
      inRun = true;
      continue;
    }
    const count = <u32>header & 15;
    const low = <u32>header >> 4;
    if (!inRun || count + low > 8 || record + 1 + count > end) return false;
    if (replayedLate == lateMax) {
      replayedTo = record;
      return true;
    }
    let change: u64 = 0;
    if (count != 0) {
      change = load<u64>(record, 1);
      if (count < 8) change &= (<u64>1 << (<u64>count << 3)) - 1;
      if (low < 8) change <<= <u64>low << 3;
    }
    record += 1 + count;
    const mapped = replayId < idsCount ? load<u32>(ids + (<usize>replayId << 2)) : 0xffffffff;
    replayId++;
    if (mapped >= seriesCount) {
      unplaced++;
      continue;
    }
    const series = seriesAt(mapped);
    const before = load<u32>(series, 28) == chapterNumber ? load<u64>(series, 40) : 0;
    const bits = before ^ change;
    store<u32>(series, chapterNumber, 28);
    store<u64>(series, bits, 40);
    if (runTime > load<i64>(series, 32)) {
      if (append(series, runTime, bits) != APPENDED) return false;
      replayed++;
    } else {
      const entry = lateList + <usize>replayedLate * 24;
      store<u32>(entry, mapped);
      store<f64>(entry, <f64>runTime, 8);
      store<u64>(entry, bits, 16);
      replayedLate++;
    }
  }
  return true;
}
