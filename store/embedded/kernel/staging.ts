// Samples between acceptance and durability: in the journal's buffer, not in the head yet. Everything that
// accepting one changed can be taken back, for a body that turns out to be damaged or a disk that fails.
//
//   0   id        u32   highest bit: late, for the slow side to place
//   4   previous  u32   offset + 1 of the row before of the same series
//   8   time      i64
//   16  bits      u64
//   24  last      i64   what stood in the series before: newest time,
//   32  chain     u64   value written to the journal last,
//   40  chapter   u32   in this chapter,
//   44  defined   u32   and the segment that had its labels
import { append, APPENDED, beginRequest, generation } from './head';
import { journalRoom, putJournal, SAMPLE_BYTES_MAX } from './journal';
import { seriesAt } from './series';

export const ROW_BYTES: usize = 48;
const LATE_BIT: u32 = 0x80000000;

let base: usize = 0;
let at: usize = 0;
let limit: usize = 0;
let segment: u32 = 0;

/** Rows of series whose labels the segment does not have yet. */
export let undefinedRows: u32 = 0;

/** Begins without rows. Samples will be written to a segment with this number. */
export function beginStaging(buffer: usize, bytes: usize, segmentNumber: u32): void {
  base = buffer;
  at = buffer;
  limit = buffer + bytes;
  segment = segmentNumber;
  undefinedRows = 0;
}

/** Goes on in a larger buffer. */
export function moveStaging(buffer: usize, bytes: usize): void {
  memory.copy(buffer, base, at - base);
  at = buffer + (at - base);
  base = buffer;
  limit = buffer + bytes;
}

@inline
export function stagingRoom(): usize {
  return limit - at;
}

/** Bytes of rows: a mark for `unstage`. */
export function stagedBytes(): usize {
  return at - base;
}

/** There must be room for the row, and in the journal for SAMPLE_BYTES_MAX. */
@inline
export function stage(series: usize, id: u32, time: i64, bits: u64): void {
  keep(series, id, time, bits);
  store<i64>(series, time, 32);
  putJournal(series, id & ~LATE_BIT, time, bits);
}

@inline
function keep(series: usize, id: u32, time: i64, bits: u64): void {
  store<u32>(at, id);
  store<u32>(at, load<u32>(series, 104), 4);
  store<i64>(at, time, 8);
  store<u64>(at, bits, 16);
  store<i64>(at, load<i64>(series, 32), 24);
  store<u64>(at, load<u64>(series, 40), 32);
  store<u32>(at, load<u32>(series, 28), 40);
  const defined = load<u32>(series, 100);
  store<u32>(at, defined, 44);
  if (defined != segment) {
    store<u32>(series, segment, 100);
    undefinedRows++;
  }
  store<u32>(series, <u32>(at - base) + 1, 104);
  at += ROW_BYTES;
}

/** Stages a late sample: journalled, and left to the slow side. False when there is no room. */
export function stageLate(id: u32, time: f64, low: u32, high: u32): bool {
  if (stagingRoom() < ROW_BYTES || journalRoom() < SAMPLE_BYTES_MAX) return false;
  const series = seriesAt(id);
  const bits = <u64>low | (<u64>high << 32);
  keep(series, id | LATE_BIT, <i64>time, bits);
  putJournal(series, id, <i64>time, bits);
  return true;
}

/**
 * Stages `count` rows of columns (u32 ids, f64 times, u64 values) from row `from` on, of which none may be late;
 * returns the first that is not staged: the end, a late one, or one for which there is no room.
 */
export function stageRows(ids: usize, times: usize, values: usize, from: u32, count: u32): u32 {
  for (let row = from; row < count; row++) {
    if (stagingRoom() < ROW_BYTES || journalRoom() < SAMPLE_BYTES_MAX) return row;
    const id = load<u32>(ids + (<usize>row << 2));
    const series = seriesAt(id);
    const time = <i64>load<f64>(times + (<usize>row << 3));
    if (time <= load<i64>(series, 32)) return row;
    stage(series, id, time, load<u64>(values + (<usize>row << 3)));
  }
  return count;
}

/** The offset + 1 of the newest row of a series, 0 without any. */
export function stagedRowOf(id: u32): u32 {
  return load<u32>(seriesAt(id), 104);
}

/** Writes the ids of series whose labels the segment needs, `undefinedRows` of them. */
export function undefinedSeries(ids: usize): void {
  for (let row = base; row < at; row += ROW_BYTES) {
    if (load<u32>(row, 44) == segment) continue;
    store<u32>(ids, load<u32>(row) & ~LATE_BIT);
    ids += 4;
  }
}

/** Moves all rows but late ones into the head. False when memory is exhausted. */
export function applyStaged(): bool {
  beginRequest();
  for (let row = base; row < at; row += ROW_BYTES) {
    const id = load<u32>(row);
    const series = seriesAt(id & ~LATE_BIT);
    store<u32>(series, 0, 104);
    store<u32>(series, generation, 112);
    if ((id & LATE_BIT) != 0) continue;
    if (append(series, load<i64>(row, 8), load<u64>(row, 16)) != APPENDED) return false;
  }
  at = base;
  undefinedRows = 0;
  return true;
}

/** Takes back the rows beyond a mark, newest first. */
export function unstage(bytes: usize): void {
  while (at > base + bytes) {
    at -= ROW_BYTES;
    const series = seriesAt(load<u32>(at) & ~LATE_BIT);
    store<u32>(series, load<u32>(at, 4), 104);
    store<i64>(series, load<i64>(at, 24), 32);
    store<u64>(series, load<u64>(at, 32), 40);
    store<u32>(series, load<u32>(at, 40), 28);
    const defined = load<u32>(at, 44);
    store<u32>(series, defined, 100);
    if (defined != segment) undefinedRows--;
  }
}
