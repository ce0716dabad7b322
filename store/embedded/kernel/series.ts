// Series of the head: a record of fixed size for each, and a hash table from raw label bytes to records.
//
//   0   version    u32   odd while the writer moves values (see `head.ts`)
//   4   timeline   u32   address
//   8   openFirst  u32   sequence number, in the timeline, of the slab's first value
//   12  openCount  u32
//   16  slab       u32   address of the newest values, 0 if none
//   20  slabSize   u32   values that fit into it
//   24  newest     u32   address of the newest sealed chunk, 0 if none
//   28  chapter    u32   the chapter of the journal in which `chain` is valid
//   32  last       i64   newest time
//   40  chain      u64   bits of the value written to the journal last
//   48  samples    u32   in the head
//   52  key        u32   address of the label bytes it was found by last
//   56  keyBytes   u32
//   60  next       u32   id + 1 of the series that came after it in the request before
//   64  first      i64   time of the oldest sample in the head
//   72  frozenFirst i64  oldest and newest time of the frozen samples
//   80  frozenLast i64
//   88  frozen     u32   address of the newest frozen chunk, 0 if none
//   92  frozenSamples u32
//   96  token      u32   the admission under which the series was let in last
//   100 defined    u32   the journal segment that has its labels
//   104 staged     u32   offset + 1 of its newest row that is being committed, 0 if none
//   108 generation u32   of the head that its samples belong to; see `settle`
//   112 active     u32   the generation in which it last took a sample; 0: forgotten
import { generation } from './head';
import { allocate, release } from './memory';

export const SERIES_LOG: u32 = 7;
const PAGE_LOG: u32 = 10;
/** Series that one directory page of addresses can hold: 4 M. */
const PAGES_MAX: u32 = 4096;

let pages: usize = 0;
/** Series made so far; ids count from 0. */
export let seriesCount: u32 = 0;

let table: usize = 0;
let tableMask: u32 = 0;
/** Keys that lead to series. */
export let tableUsed: u32 = 0;
let seed: u64 = 0;

const ENTRY: usize = 16; // u32 hash, u32 id + 1, u32 address of key, u32 length of key

/** `hashSeed` is secret and random, so that nobody outside can aim at one bucket. */
export function beginSeries(hashSeed: u64): bool {
  seed = hashSeed;
  seriesCount = 0;
  freeIds = 0;
  previous = 0;
  tableUsed = 0;
  pages = allocate(<usize>PAGES_MAX << 2);
  if (pages == 0) return false;
  memory.fill(pages, 0, <usize>PAGES_MAX << 2);
  tableMask = 4095;
  table = allocate(4096 * ENTRY);
  if (table == 0) return false;
  memory.fill(table, 0, 4096 * ENTRY);
  return true;
}

@inline
export function seriesAt(id: u32): usize {
  return <usize>load<u32>(pages + (<usize>(id >> PAGE_LOG) << 2)) + (<usize>(id & 1023) << SERIES_LOG);
}

export function seriesDirectory(): usize {
  return pages;
}

// Ids of forgotten series, linked through the first word of their records.
let freeIds: u32 = 0;

/** The id of a new, empty series; -1 when memory or ids are exhausted. */
export function createSeries(): i32 {
  if (freeIds != 0) {
    const id = freeIds - 1;
    const series = seriesAt(id);
    freeIds = load<u32>(series);
    reset(series);
    return <i32>id;
  }
  const page = seriesCount >> PAGE_LOG;
  if (page >= PAGES_MAX) return -1;
  const slot = pages + (<usize>page << 2);
  if (load<u32>(slot) == 0) {
    const bytes = <usize>1 << (PAGE_LOG + SERIES_LOG);
    const records = allocate(bytes);
    if (records == 0) return -1;
    memory.fill(records, 0, bytes);
    store<u32>(slot, <u32>records);
  }
  const id = seriesCount++;
  reset(seriesAt(id));
  return <i32>id;
}

function reset(series: usize): void {
  memory.fill(series, 0, <usize>1 << SERIES_LOG);
  store<i64>(series, i64.MIN_VALUE, 32);
  store<u32>(series, generation, 108);
  store<u32>(series, generation, 112);
}

/** In `timeline`, for a series that is being forgotten. */
const FORGOTTEN: u32 = 0xffffffff;

/**
 * Forgets the `count` series (u32 ids), which must be empty: their ids and keys are given to others. One pass
 * over the table, so forget many at once.
 */
export function forgetSeries(ids: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(seriesAt(load<u32>(ids + (<usize>i << 2))), FORGOTTEN, 4);
  }
  const size = tableMask + 1;
  // Entries are taken out and put back in, for a hole would hide those behind it. Beginning behind an empty
  // slot, each goes back to where it was or nearer to its hash, never over one not yet seen.
  let start: u32 = 0;
  while (load<u32>(table + <usize>start * ENTRY, 4) != 0) start++;
  for (let i: u32 = 1; i <= size; i++) {
    const entry = table + <usize>((start + i) & tableMask) * ENTRY;
    const id = load<u32>(entry, 4);
    if (id == 0) continue;
    const key = load<u32>(entry, 8);
    const length = load<u32>(entry, 12);
    store<u32>(entry, 0, 4);
    if (load<u32>(seriesAt(id - 1), 4) == FORGOTTEN) {
      release(<usize>key, <usize>length + 16);
      tableUsed--;
    } else {
      insert(load<u32>(entry), id, key, length);
    }
  }
  for (let i: u32 = 0; i < count; i++) {
    const id = load<u32>(ids + (<usize>i << 2));
    const series = seriesAt(id);
    reset(series);
    store<u32>(series, 0, 112);
    store<u32>(series, freeIds);
    freeIds = id + 1;
  }
  previous = 0;
}

@inline
function mix(a: u64, b: u64): u64 {
  a = (a ^ b) * 0x9fb21c651e98df25;
  return a ^ (a >> 32);
}

/** Reads up to 15 bytes behind the key, which do not count. */
function hashKey(key: usize, length: usize): u32 {
  let a = seed ^ <u64>length;
  let b = ~seed;
  const end = key + length;
  while (key + 16 <= end) {
    a = mix(a, load<u64>(key));
    b = mix(b, load<u64>(key, 8));
    key += 16;
  }
  if (key + 8 <= end) {
    a = mix(a, load<u64>(key));
    key += 8;
  }
  if (key < end) b = mix(b, load<u64>(key) & ((<u64>1 << (<u64>(end - key) << 3)) - 1));
  return <u32>(mix(a, b) >> 16);
}

@inline
function equalBytes(a: usize, b: usize, length: usize): bool {
  const end = a + length;
  while (a + 16 <= end) {
    if (!v128.all_true<i8>(i8x16.eq(v128.load(a), v128.load(b)))) return false;
    a += 16;
    b += 16;
  }
  while (a < end) {
    if (load<u8>(a++) != load<u8>(b++)) return false;
  }
  return true;
}

let previous: usize = 0;

/** Forgets which series came last: a new request begins. */
export function beginOrder(): void {
  previous = 0;
}

/** The length of the key that `expectedSeries` recognised. */
export let expectedBytes: usize = 0;

/**
 * The series that came after the previous one the last time, if the message at `key` begins with its labels;
 * else -1. Senders keep their order, so this is nearly always right, and saves walking the labels and the hash.
 */
@inline
export function expectedSeries(key: usize, end: usize): i32 {
  if (previous == 0) return -1;
  const expected = load<u32>(previous, 60);
  if (expected == 0) return -1;
  const series = seriesAt(expected - 1);
  const bytes = <usize>load<u32>(series, 56);
  if (key + bytes >= end || load<u8>(key + bytes) == 10) return -1;
  if (!equalBytes(<usize>load<u32>(series, 52), key, bytes)) return -1;
  previous = series;
  expectedBytes = bytes;
  return <i32>(expected - 1);
}

/** Sets the admission that series are compared with. */
export function setToken(id: u32, token: u32): void {
  store<u32>(seriesAt(id), token, 96);
}

/** As `findSeries`, and remembers the order. */
export function findNext(key: usize, length: usize): i32 {
  const id = findSeries(key, length);
  if (id < 0) return id;
  const series = seriesAt(<u32>id);
  store<u32>(series, foundKey, 52);
  store<u32>(series, <u32>length, 56);
  if (previous != 0) store<u32>(previous, <u32>id + 1, 60);
  previous = series;
  return id;
}

let foundKey: u32 = 0;

/** The series that this key was bound to, or -1. */
export function findSeries(key: usize, length: usize): i32 {
  const hash = hashKey(key, length);
  let slot = hash & tableMask;
  while (true) {
    const entry = table + <usize>slot * ENTRY;
    const id = load<u32>(entry, 4);
    if (id == 0) return -1;
    if (
      load<u32>(entry) == hash &&
      <usize>load<u32>(entry, 12) == length &&
      equalBytes(<usize>load<u32>(entry, 8), key, length)
    ) {
      foundKey = load<u32>(entry, 8);
      return <i32>(id - 1);
    }
    slot = (slot + 1) & tableMask;
  }
}

/**
 * Binds a key to a series. Several keys may lead to one series: the same labels, written in another order by
 * another sender. False when memory is exhausted.
 */
export function bindKey(key: usize, length: usize, id: u32): bool {
  if (tableUsed * 4 >= tableMask * 3 && !growTable()) return false;
  const copy = allocate(length + 16);
  if (copy == 0) return false;
  memory.copy(copy, key, length);
  insert(hashKey(copy, length), id + 1, <u32>copy, <u32>length);
  tableUsed++;
  return true;
}

function insert(hash: u32, idPlusOne: u32, key: u32, length: u32): void {
  let slot = hash & tableMask;
  while (load<u32>(table + <usize>slot * ENTRY, 4) != 0) slot = (slot + 1) & tableMask;
  const entry = table + <usize>slot * ENTRY;
  store<u32>(entry, hash);
  store<u32>(entry, idPlusOne, 4);
  store<u32>(entry, key, 8);
  store<u32>(entry, length, 12);
}

function growTable(): bool {
  const old = table;
  const size = tableMask + 1;
  const larger = allocate(<usize>size * 2 * ENTRY);
  if (larger == 0) return false;
  memory.fill(larger, 0, <usize>size * 2 * ENTRY);
  table = larger;
  tableMask = size * 2 - 1;
  for (let i: u32 = 0; i < size; i++) {
    const entry = old + <usize>i * ENTRY;
    if (load<u32>(entry, 4) == 0) continue;
    insert(load<u32>(entry), load<u32>(entry, 4), load<u32>(entry, 8), load<u32>(entry, 12));
  }
  // The old table is not released: its piece is of a class that nothing else asks for.
  return true;
}
