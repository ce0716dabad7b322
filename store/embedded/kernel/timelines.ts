// A timeline: the times at which one source was read, shared by all series that are sent together. A host with
// three hundred series needs one column of times instead of three hundred, in memory and on the disk, and
// jitter costs next to nothing.
//
//   0   count      u32   times so far; the sequence number of the next
//   4   openFirst  u32   sequence number of the first time in the slab
//   8   slab       u32   address of up to SLAB int64
//   12  newest     u32   address of the newest sealed chunk, 0 if none
//   16  users      u32   series and chunks that refer to this
//   20  all        u32   address of the timeline made before this one: the list of all
//   24  last       i64   the newest time
//   32  needed     u32   lowest sequence number that a chunk or slab refers to (while sweeping)
//
// A sealed chunk of times:
//
//   0   older      u32   address of the chunk before, 0 if none
//   4   first      u32   sequence number of its first time
//   8   count      u32
//   12  bytes      u32   of data
//   16  data
import { allocate, release } from './memory';
import { encodeTimes } from './columns';
import { codecWork, outputWork } from './workspace';

/** Times in a slab; a power of two. */
export const TIMES_SLAB: u32 = 128;
const TIMELINE_BYTES: usize = 64;

let all: usize = 0;

export function beginTimelines(): void {
  all = 0;
}
export const TIMES_CHUNK_HEADER: usize = 16;

@inline
export function timelineCount(timeline: usize): u32 {
  return load<u32>(timeline);
}
@inline
export function timelineLast(timeline: usize): i64 {
  return load<i64>(timeline, 24);
}
@inline
export function timelineOpenFirst(timeline: usize): u32 {
  return load<u32>(timeline, 4);
}
@inline
export function timelineNewest(timeline: usize): usize {
  return <usize>load<u32>(timeline, 12);
}

/** The time with this sequence number, which must be in the slab. */
@inline
export function openTime(timeline: usize, sequence: u32): i64 {
  return load<i64>(<usize>load<u32>(timeline, 8) + (<usize>(sequence - load<u32>(timeline, 4)) << 3));
}

/** 0 when memory is exhausted. */
export function createTimeline(): usize {
  const timeline = allocate(TIMELINE_BYTES);
  if (timeline == 0) return 0;
  const slab = allocate(<usize>TIMES_SLAB << 3);
  if (slab == 0) {
    release(timeline, TIMELINE_BYTES);
    return 0;
  }
  memory.fill(timeline, 0, TIMELINE_BYTES);
  store<u32>(timeline, <u32>slab, 8);
  store<i64>(timeline, i64.MIN_VALUE, 24);
  store<u32>(timeline, <u32>all, 20);
  all = timeline;
  return timeline;
}

/** Adds a time, which must be later than the last. False when memory is exhausted. */
export function pushTime(timeline: usize, time: i64): bool {
  const count = load<u32>(timeline);
  let first = load<u32>(timeline, 4);
  if (count - first == TIMES_SLAB) {
    // The second half stays, so that series which lag behind a little still find their times in the slab.
    if (!sealTimes(timeline, TIMES_SLAB >> 1)) return false;
    first = load<u32>(timeline, 4);
  }
  store<i64>(<usize>load<u32>(timeline, 8) + (<usize>(count - first) << 3), time);
  store<i64>(timeline, time, 24);
  store<u32>(timeline, count + 1);
  return true;
}

function sealTimes(timeline: usize, count: u32): bool {
  const slab = <usize>load<u32>(timeline, 8);
  const first = load<u32>(timeline, 4);
  const end = encodeTimes(slab, count, outputWork, codecWork);
  const bytes = end - outputWork;
  const chunk = allocate(TIMES_CHUNK_HEADER + bytes + 8);
  if (chunk == 0) return false;
  store<u32>(chunk, load<u32>(timeline, 12));
  store<u32>(chunk, first, 4);
  store<u32>(chunk, count, 8);
  store<u32>(chunk, <u32>bytes, 12);
  memory.copy(chunk + TIMES_CHUNK_HEADER, outputWork, bytes);
  store<u32>(timeline, <u32>chunk, 12);
  const kept = load<u32>(timeline) - first - count;
  memory.copy(slab, slab + (<usize>count << 3), <usize>kept << 3);
  store<u32>(timeline, first + count, 4);
  return true;
}

/** Sweeping: nothing is needed until `needTimes` says so. */
export function beginTimesSweep(): void {
  for (let t = all; t != 0; t = <usize>load<u32>(t, 20)) store<u32>(t, 0xffffffff, 32);
}

@inline
export function needTimes(timeline: usize, first: u32): void {
  if (first < load<u32>(timeline, 32)) store<u32>(timeline, first, 32);
}

/** Gives back chunks of times that nobody needs, and timelines without a user. */
export function endTimesSweep(): void {
  let link: usize = 0;
  let timeline = all;
  while (timeline != 0) {
    const next = <usize>load<u32>(timeline, 20);
    const unused = load<u32>(timeline, 16) == 0;
    dropTimes(timeline, unused ? 0xffffffff : load<u32>(timeline, 32));
    if (unused) {
      if (link == 0) all = next;
      else store<u32>(link, <u32>next, 20);
      release(<usize>load<u32>(timeline, 8), <usize>TIMES_SLAB << 3);
      release(timeline, TIMELINE_BYTES);
    } else {
      link = timeline;
    }
    timeline = next;
  }
}

function dropTimes(timeline: usize, needed: u32): void {
  let link = timeline + 12;
  let chunk = <usize>load<u32>(link);
  while (chunk != 0 && load<u32>(chunk, 4) + load<u32>(chunk, 8) > needed) {
    link = chunk;
    chunk = <usize>load<u32>(chunk);
  }
  store<u32>(link, 0);
  while (chunk != 0) {
    const older = <usize>load<u32>(chunk);
    release(chunk, TIMES_CHUNK_HEADER + <usize>load<u32>(chunk, 12) + 8);
    chunk = older;
  }
}
