// Remote write 1.0 (protobuf, after decompression) straight into the head and the journal:
//
//   WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3 }
//   TimeSeries   { repeated Label labels = 1; repeated Sample samples = 2; exemplars = 3; histograms = 4 }
//   Sample       { double value = 1; int64 timestamp = 2 }
//
// A series whose label bytes were seen before costs a hash and a comparison. What needs thought goes into two
// lists for the slow side: series that are not known (as places in the request), and samples that are late.
// Fields may stand in any order and unknown ones are skipped; a series whose labels are not in one piece at
// its beginning is left to the slow side.
import { APPENDED, append, beginRequest } from './head';
import { journalRoom, putJournal } from './journal';
import { beginOrder, expectedBytes, expectedSeries, findNext, seriesAt } from './series';

/** The request is damaged: the slow side parses it again and finds the words. */
export const DAMAGED: i32 = -1;
/** A list, the journal's buffer or memory is full: `stoppedAt` says where to go on. */
export const STOPPED: i32 = 1;
export const DONE: i32 = 0;

export let stoppedAt: usize = 0;
/** Entries in the lists. A missed series: u32 address, u32 length of its TimeSeries message. */
export let missed: u32 = 0;
/** A late sample: u32 id, u32 unused, i64 time, u64 bits. */
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
 * Goes through `length` bytes at `request`, of which those before `from` are done. Samples up to
 * `latestTime` of known series are appended; 16 bytes behind the request must be readable.
 */
export function scanWriteRequest(
  request: usize,
  length: usize,
  from: usize,
  missList: usize,
  missMax: u32,
  lateList: usize,
  lateMax: u32,
  latestTime: i64,
): i32 {
  const end = request + length;
  cursor = from;
  broken = false;
  missed = 0;
  late = 0;
  accepted = 0;
  if (from == request) {
    beginRequest();
    beginOrder();
  }
  while (cursor < end) {
    const start = cursor;
    const tag = <u32>varint(end);
    if (tag != 10) {
      skip(tag & 7, end);
      if (broken) return DAMAGED;
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
      journalRoom() < samplesMax * 22
    ) {
      stoppedAt = start;
      return STOPPED;
    }
    const outcome = scanSeries(message, messageEnd, lateList, latestTime);
    if (outcome == DAMAGED) return DAMAGED;
    if (outcome == STOPPED) {
      const entry = missList + (<usize>missed << 3);
      store<u32>(entry, <u32>message);
      store<u32>(entry, <u32>size, 4);
      missed++;
    }
    cursor = messageEnd;
  }
  return DONE;
}

/** One TimeSeries. STOPPED: nothing of it was taken, the slow side must look. */
function scanSeries(message: usize, end: usize, lateList: usize, latestTime: i64): i32 {
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
  // Several samples are looked at twice: nothing is taken from a message that turns out to be damaged.
  const one = cursor + 18 == end && load<u8>(cursor) == 18;
  if (!one && !onlySamples(cursor, end, latestTime)) return broken ? DAMAGED : STOPPED;
  const series = seriesAt(<u32>id);
  while (cursor < end) {
    takeSample(end);
    if (one && (broken || cursor != end || sampleTime > latestTime)) {
      return broken ? DAMAGED : STOPPED;
    }
    const outcome = append(series, sampleTime, sampleBits);
    if (outcome == APPENDED) {
      putJournal(series, <u32>id, sampleTime, sampleBits);
      accepted++;
    } else {
      // Late, or no memory: the slow side decides.
      const entry = lateList + <usize>late * 24;
      store<u32>(entry, <u32>id);
      store<u32>(entry, <u32>outcome, 4);
      store<i64>(entry, sampleTime, 8);
      store<u64>(entry, sampleBits, 16);
      late++;
    }
  }
  return DONE;
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

/** Whether the rest of a series is well-formed samples and none is from the future; leaves the cursor. */
function onlySamples(from: usize, end: usize, latestTime: i64): bool {
  while (cursor < end) {
    if (load<u8>(cursor) != 18) return false;
    takeSample(end);
    if (broken || sampleTime > latestTime) return false;
  }
  cursor = from;
  return true;
}
