// The head: the newest samples of every series. Values go into a small slab of plain float64; a full slab is
// sealed into an encoded chunk. Times live in timelines, which series share.
//
// A sealed chunk of values:
//
//   0   older      u32   address of the chunk before, 0 if none
//   4   timeline   u32
//   8   first      u32   sequence number of its first sample in that timeline
//   12  count      u32
//   16  bytes      u32   of data
//   20  data
import { decodeTimes, decodeValues, encodeValues } from './columns';
import { allocate, allocateSlab, release, releaseSlab, SLAB } from './memory';
import { seriesAt, seriesCount } from './series';
import {
  beginTimesSweep,
  createTimeline,
  endTimesSweep,
  needTimes,
  openTime,
  pushTime,
  timelineCount,
  timelineLast,
  timelineNewest,
  timelineOpenFirst,
  TIMES_CHUNK_HEADER,
} from './timelines';
import { codecWork, outputWork, timesWork } from './workspace';

const CHUNK_HEADER: usize = 20;

export const APPENDED: i32 = 0;
/** Not later than the newest: the caller must look for the right place, or for a duplicate. */
export const LATE: i32 = 1;
export const NO_MEMORY: i32 = 2;

// The timeline of the sample before, in the same request: what is sent together was read together.
let hint: usize = 0;

export function beginRequest(): void {
  hint = 0;
}

/** Appends one sample. */
export function append(series: usize, time: i64, bits: u64): i32 {
  if (time <= load<i64>(series, 32)) return LATE;
  let slab = <usize>load<u32>(series, 16);
  let count = load<u32>(series, 12);
  const size = load<u32>(series, 20);
  if (count == size) {
    if (size == SLAB) {
      if (!seal(series)) return NO_MEMORY;
      count = 0;
    } else {
      if (!widen(series, slab, count)) return NO_MEMORY;
    }
    slab = <usize>load<u32>(series, 16);
  }
  const timeline = <usize>load<u32>(series, 4);
  const sequence = load<u32>(series, 8) + count;
  if (timeline == 0 || !onTime(timeline, sequence, time)) {
    if (!rejoin(series, time)) return NO_MEMORY;
    count = load<u32>(series, 12);
    slab = <usize>load<u32>(series, 16);
  }
  store<u64>(slab + (<usize>count << 3), bits);
  store<i64>(series, time, 32);
  store<u32>(series, load<u32>(series, 48) + 1, 48);
  store<u32>(series, count + 1, 12);
  hint = <usize>load<u32>(series, 4);
  return APPENDED;
}

/** Whether this sequence number of the timeline has, or can now be given, this time. */
@inline
function onTime(timeline: usize, sequence: u32, time: i64): bool {
  const known = timelineCount(timeline);
  if (sequence < known) {
    return sequence >= timelineOpenFirst(timeline) && openTime(timeline, sequence) == time;
  }
  return sequence == known && time > timelineLast(timeline) && pushTime(timeline, time);
}

function widen(series: usize, slab: usize, count: u32): bool {
  // 4, 16, all: a series that is seen once costs 32 bytes, a steady one has its full slab after 16 samples.
  const size = count == 0 ? <u32>4 : count == 4 ? <u32>16 : SLAB;
  const wider = size == SLAB ? allocateSlab() : allocate(<usize>size << 3);
  if (wider == 0) return false;
  memory.copy(wider, slab, <usize>count << 3);
  beginMove(series);
  store<u32>(series, <u32>wider, 16);
  store<u32>(series, size, 20);
  endMove(series);
  if (slab != 0) release(slab, <usize>count << 3);
  return true;
}

// Readers on other threads read `version` before and after and try again when it is odd or has changed.
@inline
function beginMove(series: usize): void {
  atomic.add<u32>(series, 1);
}
@inline
function endMove(series: usize): void {
  atomic.add<u32>(series, 1);
}

/** Encodes the slab's values into a chunk and empties the slab. */
function seal(series: usize): bool {
  const count = load<u32>(series, 12);
  if (count == 0) return true;
  const slab = <usize>load<u32>(series, 16);
  const bytes = encodeValues(slab, count, outputWork, codecWork) - outputWork;
  const chunk = allocate(CHUNK_HEADER + bytes + 8);
  if (chunk == 0) return false;
  store<u32>(chunk, load<u32>(series, 24));
  store<u32>(chunk, load<u32>(series, 4), 4);
  store<u32>(chunk, load<u32>(series, 8), 8);
  store<u32>(chunk, count, 12);
  store<u32>(chunk, <u32>bytes, 16);
  memory.copy(chunk + CHUNK_HEADER, outputWork, bytes);
  const timeline = <usize>load<u32>(series, 4);
  store<u32>(timeline, load<u32>(timeline, 16) + 1, 16);
  beginMove(series);
  store<u32>(series, <u32>chunk, 24);
  store<u32>(series, load<u32>(series, 8) + count, 8);
  store<u32>(series, 0, 12);
  endMove(series);
  return true;
}

/** A change of timeline with fewer open values than this takes them along instead of sealing a tiny chunk. */
const CARRY_MAX: u32 = 16;

/**
 * The series does not go on in its timeline: moves it to the one of the sample before, if that ends with this
 * time, or to a new one.
 */
function rejoin(series: usize, time: i64): bool {
  const old = <usize>load<u32>(series, 4);
  const count = load<u32>(series, 12);
  const first = load<u32>(series, 8);
  const carried = old != 0 && count != 0 && count < CARRY_MAX && first >= timelineOpenFirst(old);
  if (hint != 0 && hint != old && timelineLast(hint) == time) {
    const last = timelineCount(hint) - 1;
    if (count == 0 || (carried && sameTimes(old, first, hint, last - count, count))) {
      move(series, hint, last - count);
      return true;
    }
    if (!carried) {
      if (!seal(series)) return false;
      move(series, hint, last);
      return true;
    }
  }
  if (!carried && old != 0) {
    if (!seal(series)) return false;
    const last = timelineLast(old);
    if (last == time || last < time) {
      // It missed some readings, and its timeline went on: join it again where it stands now.
      if (last < time && !pushTime(old, time)) return false;
      move(series, old, timelineCount(old) - 1);
      return true;
    }
  }
  const timeline = createTimeline();
  if (timeline == 0) return false;
  if (carried) {
    for (let i: u32 = 0; i < count; i++) {
      if (!pushTime(timeline, openTime(old, first + i))) return false;
    }
  }
  if (!pushTime(timeline, time)) return false;
  move(series, timeline, 0);
  return true;
}

function sameTimes(a: usize, aFirst: u32, b: usize, bFirst: u32, count: u32): bool {
  // An unsigned first below zero is a huge number, and so is not in the slab either.
  if (bFirst < timelineOpenFirst(b) || bFirst >= timelineCount(b)) return false;
  for (let i: u32 = 0; i < count; i++) {
    if (openTime(a, aFirst + i) != openTime(b, bFirst + i)) return false;
  }
  return true;
}

function move(series: usize, timeline: usize, first: u32): void {
  const old = <usize>load<u32>(series, 4);
  if (old != timeline) {
    if (old != 0) store<u32>(old, load<u32>(old, 16) - 1, 16);
    store<u32>(timeline, load<u32>(timeline, 16) + 1, 16);
  }
  beginMove(series);
  store<u32>(series, <u32>timeline, 4);
  store<u32>(series, first, 8);
  endMove(series);
}

// The chunk of times that was decoded last: neighbouring series ask for the same one.
let decoded: usize = 0;

/** Copies `count` times from sequence number `first` on. */
function copyTimes(timeline: usize, first: u32, count: u32, target: usize): void {
  const openFirst = timelineOpenFirst(timeline);
  const end = first + count;
  const fromOpen = max(first, openFirst);
  for (let i = fromOpen; i < end; i++) {
    store<i64>(target + (<usize>(i - first) << 3), openTime(timeline, i));
  }
  let chunk = timelineNewest(timeline);
  while (chunk != 0) {
    const chunkFirst = load<u32>(chunk, 4);
    const chunkEnd = chunkFirst + load<u32>(chunk, 8);
    if (chunkFirst < end && chunkEnd > first) {
      if (decoded != chunk) {
        decodeTimes(chunk + TIMES_CHUNK_HEADER, load<u32>(chunk, 8), timesWork, codecWork);
        decoded = chunk;
      }
      const from = max(chunkFirst, first);
      const to = min(chunkEnd, end);
      memory.copy(
        target + (<usize>(from - first) << 3),
        timesWork + (<usize>(from - chunkFirst) << 3),
        <usize>(to - from) << 3,
      );
    }
    if (chunkFirst <= first) return;
    chunk = <usize>load<u32>(chunk);
  }
}

/**
 * Copies all samples of a series, oldest first, to columns with room for at least `load(samples)` each; returns
 * how many. Whole slabs and chunks only: the caller cuts the range.
 */
export function readSeries(id: u32, times: usize, values: usize): u32 {
  const series = seriesAt(id);
  const total = load<u32>(series, 48);
  const open = load<u32>(series, 12);
  let at = total - open;
  if (open != 0) {
    memory.copy(values + (<usize>at << 3), <usize>load<u32>(series, 16), <usize>open << 3);
    copyTimes(<usize>load<u32>(series, 4), load<u32>(series, 8), open, times + (<usize>at << 3));
  }
  let chunk = <usize>load<u32>(series, 24);
  while (chunk != 0 && at != 0) {
    const count = load<u32>(chunk, 12);
    at -= count;
    decodeValues(chunk + CHUNK_HEADER, count, values + (<usize>at << 3), codecWork);
    copyTimes(<usize>load<u32>(chunk, 4), load<u32>(chunk, 8), count, times + (<usize>at << 3));
    chunk = <usize>load<u32>(chunk);
  }
  return total;
}

export function samplesOf(id: u32): u32 {
  return load<u32>(seriesAt(id), 48);
}

export function lastTimeOf(id: u32): i64 {
  return load<i64>(seriesAt(id), 32);
}

/** The time of a chunk's last sample. */
function chunkLast(chunk: usize): i64 {
  const count = load<u32>(chunk, 12);
  copyTimes(<usize>load<u32>(chunk, 4), load<u32>(chunk, 8) + count - 1, 1, outputWork);
  return load<i64>(outputWork);
}

/**
 * Gives back what lies wholly before `cutoff`, for it stands in a block by now. A chunk that straddles it
 * stays, so readers must cut there themselves. Writes the ids of series that are left without a sample, at
 * most `emptyMax`, and returns how many.
 */
export function dropBefore(cutoff: i64, empty: usize, emptyMax: u32): u32 {
  let emptied: u32 = 0;
  beginTimesSweep();
  for (let id: u32 = 0; id < seriesCount; id++) {
    const series = seriesAt(id);
    if (load<u32>(series, 48) == 0) continue;
    const open = load<u32>(series, 12);
    if (open != 0 && load<i64>(series, 32) < cutoff) dropOpen(series);
    let kept = load<u32>(series, 12);
    if (kept != 0) needTimes(<usize>load<u32>(series, 4), load<u32>(series, 8));
    let link = series + 24;
    let chunk = <usize>load<u32>(link);
    while (chunk != 0 && chunkLast(chunk) >= cutoff) {
      kept += load<u32>(chunk, 12);
      needTimes(<usize>load<u32>(chunk, 4), load<u32>(chunk, 8));
      link = chunk;
      chunk = <usize>load<u32>(chunk);
    }
    store<u32>(link, 0);
    releaseChunks(chunk);
    store<u32>(series, kept, 48);
    if (kept == 0 && emptied < emptyMax) {
      const timeline = <usize>load<u32>(series, 4);
      if (timeline != 0) store<u32>(timeline, load<u32>(timeline, 16) - 1, 16);
      store<u32>(series, 0, 4);
      store<u32>(empty + (<usize>emptied << 2), id);
      emptied++;
    } else if (kept == 0 && load<u32>(series, 4) != 0) {
      needTimes(<usize>load<u32>(series, 4), load<u32>(series, 8));
    }
  }
  endTimesSweep();
  decoded = 0;
  return emptied;
}

/** The slab of a series that has been silent: its values are in a block. */
function dropOpen(series: usize): void {
  const count = load<u32>(series, 12);
  const slab = <usize>load<u32>(series, 16);
  const size = load<u32>(series, 20);
  beginMove(series);
  store<u32>(series, load<u32>(series, 8) + count, 8);
  store<u32>(series, 0, 12);
  store<u32>(series, 0, 16);
  store<u32>(series, 0, 20);
  endMove(series);
  if (size == SLAB) releaseSlab(slab);
  else if (slab != 0) release(slab, <usize>size << 3);
}

function releaseChunks(chunk: usize): void {
  while (chunk != 0) {
    const older = <usize>load<u32>(chunk);
    const timeline = <usize>load<u32>(chunk, 4);
    store<u32>(timeline, load<u32>(timeline, 16) - 1, 16);
    release(chunk, CHUNK_HEADER + <usize>load<u32>(chunk, 16) + 8);
    chunk = older;
  }
}
