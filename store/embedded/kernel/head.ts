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
export const NO_MEMORY: i32 = 2;

// The timeline of the sample before, in the same request: what is sent together was read together.
let hint: usize = 0;

export function beginRequest(): void {
  hint = 0;
}

/** Counts frozen heads: each sample belongs to the head of one generation. */
export let generation: u32 = 1;
/** In the head: samples, and their oldest and newest time. */
export let headSamples: u32 = 0;
export let headMin: f64 = Infinity;
export let headMax: f64 = -Infinity;
export let frozenSamples: u32 = 0;
export let frozenMin: f64 = Infinity;
export let frozenMax: f64 = -Infinity;

export function beginHead(): void {
  generation = 1;
  headSamples = 0;
  frozenSamples = 0;
  headMin = Infinity;
  headMax = -Infinity;
  frozenMin = Infinity;
  frozenMax = -Infinity;
  decoded = 0;
  hint = 0;
}

/** Sets all samples aside. Each series follows when it is touched next. No frozen ones may be left. */
export function freezeHead(): void {
  generation++;
  frozenSamples = headSamples;
  frozenMin = headMin;
  frozenMax = headMax;
  headSamples = 0;
  headMin = Infinity;
  headMax = -Infinity;
}

/** Brings a series into the present generation. False when memory is exhausted. */
@inline
function settle(series: usize): bool {
  return load<u32>(series, 108) == generation || follow(series);
}

function follow(series: usize): bool {
  const samples = load<u32>(series, 48);
  if (samples != 0) {
    if (!seal(series)) return false;
    store<u32>(series, load<u32>(series, 24), 88);
    store<u32>(series, 0, 24);
    store<u32>(series, samples, 92);
    store<u32>(series, 0, 48);
    store<i64>(series, load<i64>(series, 64), 72);
    store<i64>(series, newestTime(<usize>load<u32>(series, 88)), 80);
  } else if (load<u32>(series, 16) != 0) {
    // A whole head without a sample: it need not keep its slab.
    dropOpen(series);
  }
  store<u32>(series, generation, 108);
  return true;
}

/** Gives back what was frozen: it stands in blocks. Every series with frozen samples must have been read. */
export function dropFrozen(): void {
  beginTimesSweep();
  for (let id: u32 = 0; id < seriesCount; id++) {
    const series = seriesAt(id);
    const chunk = <usize>load<u32>(series, 88);
    if (chunk != 0) {
      store<u32>(series, 0, 88);
      store<u32>(series, 0, 92);
      releaseChunks(chunk);
    }
    const timeline = <usize>load<u32>(series, 4);
    if (timeline != 0) needTimes(timeline, load<u32>(series, 8));
    let kept = <usize>load<u32>(series, 24);
    while (kept != 0) {
      needTimes(<usize>load<u32>(kept, 4), load<u32>(kept, 8));
      kept = <usize>load<u32>(kept);
    }
  }
  endTimesSweep();
  decoded = 0;
  hint = 0;
  frozenSamples = 0;
  frozenMin = Infinity;
  frozenMax = -Infinity;
}

/** Writes the ids of series that took no sample in this generation nor in the one before. */
export function idleSeries(ids: usize, idsMax: u32): u32 {
  let count: u32 = 0;
  for (let id: u32 = 0; id < seriesCount && count < idsMax; id++) {
    const series = seriesAt(id);
    if (load<u32>(series, 112) == 0 || load<u32>(series, 112) + 1 >= generation) continue;
    if (load<u32>(series, 48) != 0 || load<u32>(series, 92) != 0 || !settle(series)) continue;
    leaveTimeline(series);
    store<u32>(ids + (<usize>count << 2), id);
    count++;
  }
  return count;
}

/** A series that is about to be forgotten. */
export function leaveTimeline(series: usize): void {
  const slab = <usize>load<u32>(series, 16);
  if (slab != 0) dropOpen(series);
  const timeline = <usize>load<u32>(series, 4);
  if (timeline != 0) store<u32>(timeline, load<u32>(timeline, 16) - 1, 16);
  store<u32>(series, 0, 4);
}

/** Appends one sample, which must be later than all of the series. */
export function append(series: usize, time: i64, bits: u64): i32 {
  if (!settle(series)) return NO_MEMORY;
  const outcome = put(series, time, bits);
  if (outcome != APPENDED) return outcome;
  if (load<u32>(series, 48) == 1) store<i64>(series, time, 64);
  store<u32>(series, generation, 112);
  headSamples++;
  headMin = min(headMin, <f64>time);
  headMax = max(headMax, <f64>time);
  return APPENDED;
}

function put(series: usize, time: i64, bits: u64): i32 {
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

/** Where in the columns the last `readSamples` begins. */
export let readFrom: u32 = 0;

/**
 * Copies samples of a series to the end of columns with room for all of them, oldest first, times as float64;
 * returns where they end. Reads back to the chunk in which `from` lies: the caller cuts. The parts: 1 head,
 * 2 frozen, 3 both.
 */
export function readSamples(id: u32, part: u32, from: f64, times: usize, values: usize): u32 {
  const series = seriesAt(id);
  readFrom = 0;
  if (!settle(series)) return 0;
  const head = part & 1 ? load<u32>(series, 48) : 0;
  const frozen = part & 2 ? load<u32>(series, 92) : 0;
  const total = head + frozen;
  let at = total;
  let done = false;
  if (head != 0) {
    const open = load<u32>(series, 12);
    if (open != 0) {
      at -= open;
      memory.copy(values + (<usize>at << 3), <usize>load<u32>(series, 16), <usize>open << 3);
      copyTimes(<usize>load<u32>(series, 4), load<u32>(series, 8), open, times + (<usize>at << 3));
      done = <f64>load<i64>(times + (<usize>at << 3)) <= from;
    }
    if (!done) at = readChunks(<usize>load<u32>(series, 24), at, from, times, values);
    done = at != frozen || (at < total && <f64>load<i64>(times + (<usize>at << 3)) <= from);
  }
  if (frozen != 0 && !done) at = readChunks(<usize>load<u32>(series, 88), at, from, times, values);
  for (let i = at; i < total; i++) {
    const place = times + (<usize>i << 3);
    store<f64>(place, <f64>load<i64>(place));
  }
  readFrom = at;
  return total;
}

/** Copies chunks, newest first, in front of row `at`; returns the first row. */
function readChunks(chunk: usize, at: u32, from: f64, times: usize, values: usize): u32 {
  while (chunk != 0 && at != 0) {
    const count = load<u32>(chunk, 12);
    at -= count;
    decodeValues(chunk + CHUNK_HEADER, count, values + (<usize>at << 3), codecWork);
    copyTimes(<usize>load<u32>(chunk, 4), load<u32>(chunk, 8), count, times + (<usize>at << 3));
    if (<f64>load<i64>(times + (<usize>at << 3)) <= from) break;
    chunk = <usize>load<u32>(chunk);
  }
  return at;
}

/** Whether the series may have a sample in the range. */
export function mayHold(id: u32, from: f64, to: f64): bool {
  const series = seriesAt(id);
  if (!settle(series)) return true;
  if (load<u32>(series, 92) != 0) {
    if (<f64>load<i64>(series, 72) <= to && <f64>load<i64>(series, 80) >= from) return true;
  }
  if (load<u32>(series, 48) == 0) return false;
  return <f64>load<i64>(series, 64) <= to && <f64>load<i64>(series, 32) >= from;
}

/** Samples in these parts; room that `readSamples` needs. */
export function samplesIn(id: u32, part: u32): u32 {
  const series = seriesAt(id);
  if (!settle(series)) return 0;
  return (part & 1 ? load<u32>(series, 48) : 0) + (part & 2 ? load<u32>(series, 92) : 0);
}

/** The newest time of the series, staged ones included; -Infinity without any. */
export function newestOf(id: u32): f64 {
  const last = load<i64>(seriesAt(id), 32);
  return last == i64.MIN_VALUE ? -Infinity : <f64>last;
}

/** Samples up to this time are late, for they may be in a block. */
export function raiseNewest(id: u32, time: f64): void {
  const series = seriesAt(id);
  if (time > newestOf(id)) store<i64>(series, <i64>time, 32);
}

/** Copies all samples of a series, head and frozen, with times as int64; returns how many. */
export function readSeries(id: u32, times: usize, values: usize): u32 {
  const total = readSamples(id, 3, -Infinity, times, values);
  for (let i: u32 = 0; i < total; i++) {
    const place = times + (<usize>i << 3);
    store<i64>(place, <i64>load<f64>(place));
  }
  return total;
}

export function samplesOf(id: u32): u32 {
  return samplesIn(id, 3);
}

/** The time of a chunk's last sample. */
function newestTime(chunk: usize): i64 {
  const count = load<u32>(chunk, 12);
  copyTimes(<usize>load<u32>(chunk, 4), load<u32>(chunk, 8) + count - 1, 1, outputWork);
  return load<i64>(outputWork);
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
