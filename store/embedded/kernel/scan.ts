// Remote write 1.0 (protobuf, after decompression) straight into staging and the journal:
//
//   WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3 }
//   TimeSeries   { repeated Label labels = 1; repeated Sample samples = 2; exemplars = 3; histograms = 4 }
//   Sample       { double value = 1; int64 timestamp = 2 }
//
// A series whose label bytes were seen before costs a hash and a comparison. What needs thought goes into two
// lists for the slow side: series that are not known (as places in the request), and samples that are late.
// Fields may stand in any order and unknown ones are skipped; a series whose labels are not in one piece at
// its beginning is left to the slow side.
import { journalRoom } from './journal';
import { ROW_BYTES, stage, stagingRoom } from './staging';
import { beginOrder, expectedBytes, expectedSeries, findNext, seriesAt } from './series';

/** The request is damaged: the slow side parses it again and finds the words. */
export const DAMAGED: i32 = -1;
/** A list, the journal's buffer or memory is full: `stoppedAt` says where to go on. */
export const STOPPED: i32 = 1;
export const DONE: i32 = 0;

export let stoppedAt: usize = 0;
/** Samples that the series there may have, when nothing before it was taken. */
export let stoppedFor: u32 = 0;
/** Entries in the lists. A missed field of the request: u32 address, u32 length. */
export let missed: u32 = 0;
/** A late sample: u32 id, u32 unused, f64 time, u64 bits. */
export let late: u32 = 0;
export let accepted: u32 = 0;

let cursor: usize = 0;
let broken: bool = false;

/** A varint that ends before `end`; sets `broken` otherwise. */
@inline
function varint(end: usize): u64 {
  let value: u64 = 0;
  let shift: u64 = 0;
  while (cursor < end) {
    const byte = <u64>load<u8>(cursor++);
    value |= (byte & 127) << shift;
    if (byte < 128) return value;
    shift += 7;
    if (shift > 63) break;
  }
  broken = true;
  return 0;
}

/** Moves the cursor behind a field that nobody asked for. */
function skip(wire: u32, end: usize): void {
  if (wire == 0) varint(end);
  else if (wire == 1) cursor += 8;
  else if (wire == 5) cursor += 4;
  else if (wire == 2) {
    const length = varint(end);
    if (length > <u64>(end - cursor)) broken = true;
    else cursor += <usize>length;
  } else broken = true;
  if (cursor > end) broken = true;
}

/**
 * Goes through `length` bytes at `request`, of which those before `from` are done. Samples from
 * `oldestTime` to `latestTime` of series known under this token are staged; 16 bytes behind the request must be
 * readable.
 */
export function scanWriteRequest(
  request: usize,
  length: usize,
  from: usize,
  missList: usize,
  missMax: u32,
  lateList: usize,
  lateMax: u32,
  oldestTime: f64,
  latestTime: f64,
  token: u32,
): i32 {
  const end = request + length;
  cursor = from;
  broken = false;
  missed = 0;
  late = 0;
  accepted = 0;
  stoppedFor = 0;
  oldest = <i64>oldestTime;
  latest = <i64>latestTime;
  admitted = token;
  if (from == request) beginOrder();
  while (cursor < end) {
    const start = cursor;
    const tag = <u32>varint(end);
    if (broken) return DAMAGED;
    if (tag != 10) {
      if (missed == missMax) {
        stoppedAt = start;
        return STOPPED;
      }
      skip(tag & 7, end);
      if (broken) return DAMAGED;
      if (tag == 26) miss(missList, start);
      continue;
    }
    const size = varint(end);
    if (broken || size > <u64>(end - cursor)) return DAMAGED;
    const message = cursor;
    const messageEnd = cursor + <usize>size;
    // Every sample has at least two bytes, and takes at most 22 in the journal and one entry of the list.
    const samplesMax = <usize>(size >> 1) + 1;
    if (
      missed == missMax ||
      <usize>late + samplesMax > <usize>lateMax ||
      journalRoom() < samplesMax * 22 ||
      stagingRoom() < samplesMax * ROW_BYTES
    ) {
      stoppedAt = start;
      stoppedFor = <u32>samplesMax;
      return STOPPED;
    }
    const outcome = scanSeries(message, messageEnd, lateList);
    if (outcome == DAMAGED) return DAMAGED;
    cursor = messageEnd;
    if (outcome == STOPPED) miss(missList, start);
  }
  return DONE;
}

/** The slow side must look at the field from `start` to the cursor. */
function miss(missList: usize, start: usize): void {
  const entry = missList + (<usize>missed << 3);
  store<u32>(entry, <u32>start);
  store<u32>(entry, <u32>(cursor - start), 4);
  missed++;
}

let oldest: i64 = 0;
let latest: i64 = 0;
let admitted: u32 = 0;

/** One TimeSeries. STOPPED: nothing of it was taken, the slow side must look. */
function scanSeries(message: usize, end: usize, lateList: usize): i32 {
  let id = expectedSeries(message, end);
  if (id >= 0) {
    cursor = message + expectedBytes;
  } else {
    cursor = message;
    while (cursor < end && load<u8>(cursor) == 10) {
      cursor++;
      const size = varint(end);
      if (broken || size > <u64>(end - cursor)) return DAMAGED;
      cursor += <usize>size;
    }
    id = findNext(message, cursor - message);
    if (id < 0) return STOPPED;
  }
  const series = seriesAt(<u32>id);
  if (load<u32>(series, 96) != admitted) return STOPPED;
  // Looked at before anything is taken: nothing is, from a message that turns out to be damaged or odd.
  const one = cursor + 18 == end && load<u8>(cursor) == 18;
  if (one) {
    takeSample(end);
    if (broken || cursor != end) return DAMAGED;
    if (sampleTime < oldest || sampleTime > latest) return STOPPED;
    take(series, <u32>id, lateList);
    return DONE;
  }
  if (!onlySamples(cursor, end)) return broken ? DAMAGED : STOPPED;
  while (cursor < end) {
    takeSample(end);
    take(series, <u32>id, lateList);
  }
  return DONE;
}

@inline
function take(series: usize, id: u32, lateList: usize): void {
  if (sampleTime > load<i64>(series, 32)) {
    stage(series, id, sampleTime, sampleBits);
    accepted++;
    return;
  }
  const entry = lateList + <usize>late * 24;
  store<u32>(entry, id);
  store<f64>(entry, <f64>sampleTime, 8);
  store<u64>(entry, sampleBits, 16);
  late++;
}

let sampleTime: i64 = 0;
let sampleBits: u64 = 0;

/** Reads the sample at the cursor. A field that is left out is zero. */
@inline
function takeSample(end: usize): void {
  // The form that everyone sends: value, then a time of six bytes.
  if (cursor + 18 <= end && (load<u32>(cursor) & 0xffffff) == 0x091012 && load<u8>(cursor, 11) == 16) {
    const time = load<u64>(cursor, 12);
    if ((time & 0x808080808080) == 0x008080808080) {
      sampleBits = load<u64>(cursor, 3);
      sampleTime = <i64>(
        (time & 127) |
        ((time >> 1) & 0x3f80) |
        ((time >> 2) & 0x1fc000) |
        ((time >> 3) & 0xfe00000) |
        ((time >> 4) & 0x7f0000000) |
        ((time >> 5) & 0x3f800000000)
      );
      cursor += 18;
      return;
    }
  }
  cursor++;
  const size = varint(end);
  const stop = cursor + <usize>size;
  sampleTime = 0;
  sampleBits = 0;
  if (broken || size > <u64>(end - cursor)) {
    broken = true;
    return;
  }
  while (cursor < stop) {
    const tag = <u32>varint(stop);
    if (tag == 9) {
      if (cursor + 8 > stop) broken = true;
      else sampleBits = load<u64>(cursor);
      cursor += 8;
    } else if (tag == 16) {
      sampleTime = <i64>varint(stop);
    } else {
      skip(tag & 7, stop);
    }
    if (broken) return;
  }
}

/** Whether the rest of a series is well-formed samples of times that may be; leaves the cursor. */
function onlySamples(from: usize, end: usize): bool {
  while (cursor < end) {
    if (load<u8>(cursor) != 18) return false;
    takeSample(end);
    if (broken || sampleTime < oldest || sampleTime > latest) return false;
  }
  cursor = from;
  return true;
}
