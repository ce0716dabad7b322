// Entropy coding of a column of unsigned integers, most of them small and many of them zero.
//
// A column becomes tokens: a run of zeros, or one number. A token's symbol is the length of its binary form
// (of the run's length, or of the number); the bits below the leading one follow as they are. Symbols are
// Huffman coded with a table of their own for each of two contexts, "after a number" and "after a run or at
// the start": after a run comes a number for certain, so its symbols need fewer bits.
//
//   symbol 0..63    a number of 1..64 bits
//   symbol 64..75   a run of 2^k .. 2^(k+1)-1 zeros, k = symbol - 64
//
// The tables are written as the range of symbols in use and four bits of code length for each; codes are
// canonical, so the lengths say everything.
import { beginBits, endBits, peekBits, putBits, putLongBits } from './bits';

/** A column longer than this would need longer runs than there are symbols. */
export const COLUMN_MAX: u32 = 4096;

const SYMBOLS: u32 = 76;
const RUN: u32 = 64;
const CODE_BITS_MAX: u32 = 10;
const NONE: u32 = 127;

// The work area, for each context: counts, code lengths, codes, and the decoder's table.
const COUNTS: usize = 0; // u32 × 128 × 2
const LENGTHS: usize = 1024; // u8 × 128 × 2
const CODES: usize = 1280; // u16 × 128 × 2
const NODES: usize = 1792; // u32 weights × 160, i32 parents × 160, u32 leaves × 80
const TABLES: usize = 3392; // u16 × 1024 × 2
/** Bytes of work area that coding and decoding need. */
export const TOKEN_WORK_BYTES: usize = 7488;

@inline
function bitLength(value: u64): u32 {
  return 64 - <u32>clz(value);
}

@inline
function count(work: usize, context: u32, symbol: u32): void {
  const at = work + COUNTS + (<usize>((context << 7) + symbol) << 2);
  store<u32>(at, load<u32>(at) + 1);
}

/** Code lengths of at most ten bits for the counted symbols of one context. */
function assignLengths(work: usize, context: u32): void {
  const counts = work + COUNTS + (<usize>context << 9);
  const lengths = work + LENGTHS + (<usize>context << 7);
  const weights = work + NODES;
  const parents = weights + 640;
  const leaves = parents + 640;
  while (true) {
    memory.fill(lengths, 0, 128);
    let used: u32 = 0;
    for (let symbol: u32 = 0; symbol < SYMBOLS; symbol++) {
      const weight = load<u32>(counts + (<usize>symbol << 2));
      if (weight == 0) continue;
      store<u32>(weights + (<usize>used << 2), weight);
      store<u32>(leaves + (<usize>used << 2), symbol);
      used++;
    }
    if (used == 0) return;
    if (used == 1) {
      store<u8>(lengths + load<u32>(leaves), 1);
      return;
    }
    const total: u32 = 2 * used - 1;
    for (let i: u32 = 0; i < total; i++) store<i32>(parents + (<usize>i << 2), -1);
    for (let made: u32 = used; made < total; made++) {
      let least = -1;
      let second = -1;
      for (let i: u32 = 0; i < made; i++) {
        if (load<i32>(parents + (<usize>i << 2)) >= 0) continue;
        const weight = load<u32>(weights + (<usize>i << 2));
        if (least < 0 || weight < load<u32>(weights + (<usize>least << 2))) {
          second = least;
          least = <i32>i;
        } else if (second < 0 || weight < load<u32>(weights + (<usize>second << 2))) {
          second = <i32>i;
        }
      }
      store<u32>(
        weights + (<usize>made << 2),
        load<u32>(weights + (<usize>least << 2)) + load<u32>(weights + (<usize>second << 2)),
      );
      store<i32>(parents + (<usize>least << 2), <i32>made);
      store<i32>(parents + (<usize>second << 2), <i32>made);
    }
    let longest: u32 = 0;
    for (let i: u32 = 0; i < used; i++) {
      let length: u32 = 0;
      let node = load<i32>(parents + (<usize>i << 2));
      while (node >= 0) {
        length++;
        node = load<i32>(parents + (<usize>node << 2));
      }
      if (length > longest) longest = length;
      store<u8>(lengths + load<u32>(leaves + (<usize>i << 2)), <u8>length);
    }
    if (longest <= CODE_BITS_MAX) return;
    // Too deep: flatten the counts and try again. It ends, for in the end all counts are one.
    for (let symbol: u32 = 0; symbol < SYMBOLS; symbol++) {
      const at = counts + (<usize>symbol << 2);
      const weight = load<u32>(at);
      if (weight != 0) store<u32>(at, (weight + 3) >> 2);
    }
  }
}

function reversed(code: u32, bits: u32): u32 {
  let result: u32 = 0;
  for (let i: u32 = 0; i < bits; i++) {
    result = (result << 1) | (code & 1);
    code >>= 1;
  }
  return result;
}

/** Canonical codes, bit-reversed because the stream is read from its low end. */
function assignCodes(work: usize, context: u32): void {
  const lengths = work + LENGTHS + (<usize>context << 7);
  const codes = work + CODES + (<usize>context << 8);
  // How many codes of each length there are; then the next code of each length.
  const next = work + NODES;
  memory.fill(next, 0, 64);
  for (let symbol: u32 = 0; symbol < SYMBOLS; symbol++) {
    const at = next + (<usize>load<u8>(lengths + symbol) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  let code: u32 = 0;
  store<u32>(next, 0);
  for (let bits: usize = 1; bits <= <usize>CODE_BITS_MAX; bits++) {
    const count = load<u32>(next + (bits << 2));
    store<u32>(next + (bits << 2), code);
    code = (code + count) << 1;
  }
  for (let symbol: u32 = 0; symbol < SYMBOLS; symbol++) {
    const bits = <u32>load<u8>(lengths + symbol);
    if (bits == 0) continue;
    const at = next + (<usize>bits << 2);
    store<u16>(codes + (<usize>symbol << 1), <u16>reversed(load<u32>(at), bits));
    store<u32>(at, load<u32>(at) + 1);
  }
}

function putLengths(work: usize, context: u32): void {
  const lengths = work + LENGTHS + (<usize>context << 7);
  for (let part: u32 = 0; part < 2; part++) {
    const from: u32 = part == 0 ? 0 : RUN;
    const to: u32 = part == 0 ? RUN : SYMBOLS;
    let first: u32 = NONE;
    let last: u32 = 0;
    for (let symbol = from; symbol < to; symbol++) {
      if (load<u8>(lengths + symbol) == 0) continue;
      if (first == NONE) first = symbol;
      last = symbol;
    }
    if (first == NONE) {
      putBits(NONE, 7);
      continue;
    }
    putBits(<u64>(first - from), 7);
    putBits(<u64>(last - first), 6);
    for (let symbol = first; symbol <= last; symbol++) {
      putBits(<u64>load<u8>(lengths + symbol), 4);
    }
  }
}

@inline
function putSymbol(work: usize, context: u32, symbol: u32): void {
  putBits(
    <u64>load<u16>(work + CODES + (<usize>((context << 7) + symbol) << 1)),
    <u32>load<u8>(work + LENGTHS + <usize>((context << 7) + symbol)),
  );
}

/**
 * Codes the `n` (at most COLUMN_MAX) u64 at `column` to `target`; returns the address behind. Writes up to
 * 200 + 10 n bytes.
 */
export function encodeTokens(column: usize, n: u32, target: usize, work: usize): usize {
  memory.fill(work + COUNTS, 0, 1024);
  let run: u32 = 0;
  let context: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const value = load<u64>(column + (<usize>i << 3));
    if (value == 0) {
      run++;
      continue;
    }
    if (run != 0) {
      count(work, context, RUN + bitLength(run) - 1);
      run = 0;
      context = 0;
    }
    count(work, context, bitLength(value) - 1);
    context = 1;
  }
  if (run != 0) count(work, context, RUN + bitLength(run) - 1);
  assignLengths(work, 0);
  assignLengths(work, 1);
  assignCodes(work, 0);
  assignCodes(work, 1);

  beginBits(target);
  putLengths(work, 0);
  putLengths(work, 1);
  run = 0;
  context = 0;
  for (let i: u32 = 0; i < n; i++) {
    const value = load<u64>(column + (<usize>i << 3));
    if (value == 0) {
      run++;
      continue;
    }
    if (run != 0) {
      const bits = bitLength(run) - 1;
      putSymbol(work, context, RUN + bits);
      putBits(<u64>(run - (1 << bits)), bits);
      run = 0;
      context = 0;
    }
    const bits = bitLength(value) - 1;
    putSymbol(work, context, bits);
    putLongBits(value & ((<u64>1 << bits) - 1), bits);
    context = 1;
  }
  if (run != 0) {
    const bits = bitLength(run) - 1;
    putSymbol(work, context, RUN + bits);
    putBits(<u64>(run - (1 << bits)), bits);
  }
  return endBits();
}

let tableBits: usize = 0;

/** Reads the lengths of one context and fills its table; returns the longest code's bits. */
function takeTable(source: usize, work: usize, context: u32): u32 {
  const lengths = work + LENGTHS + (<usize>context << 7);
  memory.fill(lengths, 0, 128);
  let longest: u32 = 0;
  for (let part: u32 = 0; part < 2; part++) {
    const from: u32 = part == 0 ? 0 : RUN;
    let bits = peekBits(source, tableBits);
    const first = <u32>(bits & 127);
    tableBits += 7;
    if (first == NONE) continue;
    const span = <u32>((bits >> 7) & 63);
    tableBits += 6;
    for (let i: u32 = 0; i <= span; i++) {
      const length = <u32>(peekBits(source, tableBits) & 15);
      tableBits += 4;
      // A damaged table must not write outside its area.
      store<u8>(lengths + ((from + first + i) & 127), <u8>min(length, CODE_BITS_MAX));
      if (length > longest) longest = length;
    }
  }
  longest = min(longest, CODE_BITS_MAX);
  assignCodes(work, context);
  const table = work + TABLES + (<usize>context << 11);
  memory.fill(table, 0, 2048);
  const codes = work + CODES + (<usize>context << 8);
  for (let symbol: u32 = 0; symbol < SYMBOLS; symbol++) {
    const length = <u32>load<u8>(lengths + symbol);
    if (length == 0) continue;
    const entry = <u16>(symbol | (length << 8));
    const code = <u32>load<u16>(codes + (<usize>symbol << 1));
    for (let slot = code; slot < <u32>1 << longest; slot += <u32>1 << length) {
      store<u16>(table + (<usize>slot << 1), entry);
    }
  }
  return longest;
}

/** A reader of tokens: what `nextToken` leaves. */
export let tokenRun: u32 = 0;
export let tokenValue: u64 = 0;

let stream: usize = 0;
let at: usize = 0;
let table: usize = 0;
let mask: u64 = 0;
let tableStart: usize = 0;
let maskStart: u64 = 0;
let maskAfter: u64 = 0;

export function beginTokens(source: usize, work: usize): void {
  tableBits = 0;
  maskStart = (<u64>1 << takeTable(source, work, 0)) - 1;
  maskAfter = (<u64>1 << takeTable(source, work, 1)) - 1;
  stream = source;
  at = tableBits;
  tableStart = work + TABLES;
  table = tableStart;
  mask = maskStart;
}

/** Reads one token: a run (tokenRun > 0, its length) or a number (tokenRun == 0, tokenValue). */
@inline
export function nextToken(): void {
  let bits = peekBits(stream, at);
  const entry = <u32>load<u16>(table + (<usize>(bits & mask) << 1));
  const length = entry >> 8;
  const symbol = entry & 127;
  if (symbol < RUN) {
    at += length;
    if (length + symbol > 57) {
      bits = peekBits(stream, at);
      const low = bits & 0xffffffff;
      const high = peekBits(stream, at + 32) & 0xffffffff;
      bits = low | (high << 32);
    } else {
      bits >>= <u64>length;
    }
    at += symbol;
    tokenValue = (bits & ((<u64>1 << symbol) - 1)) | (<u64>1 << symbol);
    tokenRun = 0;
    table = tableStart + 2048;
    mask = maskAfter;
  } else {
    bits >>= <u64>length;
    const extra = symbol - RUN;
    tokenRun = (<u32>bits & ((1 << extra) - 1)) | (<u32>1 << extra);
    at += <usize>(length + extra);
    table = tableStart;
    mask = maskStart;
  }
}
