// Chunks: a column of float64 values or of int64 times as few bytes as this data allows, bit by bit the same
// after decoding. The first byte says how:
//
//   0 constant   one value: 8 bytes
//   1 decimal    scaled to integers, differences, tokens; what is not decimal stands in a list of exceptions
//   2 binary     XOR with the value before, common low zeros shifted out, tokens
//   3 raw        8 bytes each
//
// Measurements are decimal numbers: a counter in hundredths of seconds is an integer once multiplied by 100,
// and its differences are small. The scale is the least power of ten that gives back every value exactly.
import {
  beginTokens,
  encodeTokens,
  nextToken,
  tokenRun,
  tokenValue,
  TOKEN_WORK_BYTES,
  COLUMN_MAX,
} from './tokens';
import { putVarint, takeVarint, unzigzag, varintEnd, zigzag } from './bits';

const CONSTANT: u8 = 0;
const DECIMAL: u8 = 1;
const BINARY: u8 = 2;
const RAW: u8 = 3;

const SCALE_MAX: i32 = 13;
const POWERS: usize = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13,
]);
/** Above this, neighbouring integers are no longer told apart by a float64. */
const EXACT_MAX: f64 = 9007199254740991;

/** Bytes of work area: the tokens' own, two columns, and the list of exceptions. */
export const COLUMN_WORK_BYTES: usize = TOKEN_WORK_BYTES + 64 + <usize>COLUMN_MAX * 8 * 3;

@inline
function power(scale: i32): f64 {
  return load<f64>(POWERS + (<usize>scale << 3));
}

@inline
function scaled(value: f64, scale: i32): f64 {
  return nearest(value * power(scale));
}

/** Whether the value is a decimal number with `scale` digits, and survives the round trip bit by bit. */
@inline
function fits(value: f64, scale: i32): bool {
  const whole = scaled(value, scale);
  return (
    whole / power(scale) == value &&
    abs(whole) <= EXACT_MAX &&
    // -0 == 0, but its sign would be lost.
    reinterpret<u64>(value) != 0x8000000000000000
  );
}

/** Writes differences as tokens, of first or second order, whichever is shorter. `whole` holds n i64. */
function putIntegers(whole: usize, n: u32, target: usize, work: usize, column: usize): usize {
  let firstOrder: u64 = 0;
  let secondOrder: u64 = 0;
  let common: u64 = 0;
  let negative = false;
  let before = load<i64>(whole);
  let step: i64 = 0;
  for (let i: u32 = 1; i < n; i++) {
    const value = load<i64>(whole + (<usize>i << 3));
    const difference = value - before;
    before = value;
    common |= <u64>difference;
    if (difference < 0) negative = true;
    firstOrder += 64 - clz(zigzag(difference));
    if (i > 1) secondOrder += 64 - clz(zigzag(difference - step));
    step = difference;
  }
  const second = n > 2 && secondOrder + (secondOrder >> 3) < firstOrder;
  const first = load<i64>(whole);
  if (second) {
    // flags 128 | 64
    store<u8>(target++, 192);
    target = putVarint(target, zigzag(first));
    step = load<i64>(whole + 8) - first;
    target = putVarint(target, zigzag(step));
    before = load<i64>(whole + 8);
    for (let i: u32 = 2; i < n; i++) {
      const value = load<i64>(whole + (<usize>i << 3));
      const difference = value - before;
      before = value;
      store<u64>(column + (<usize>(i - 2) << 3), zigzag(difference - step));
      step = difference;
    }
    return encodeTokens(column, n - 2, target, work);
  }
  const shift = common == 0 ? 0 : <u32>min<u64>(ctz(common), 63);
  store<u8>(target++, <u8>(shift | (negative ? 64 : 0)));
  target = putVarint(target, zigzag(first));
  before = first;
  for (let i: u32 = 1; i < n; i++) {
    const value = load<i64>(whole + (<usize>i << 3));
    const difference = (value - before) >> <i64>shift;
    before = value;
    store<u64>(column + (<usize>(i - 1) << 3), negative ? zigzag(difference) : <u64>difference);
  }
  return encodeTokens(column, n - 1, target, work);
}

/** Reads n integers back. */
function takeIntegers(source: usize, n: u32, whole: usize, work: usize): void {
  const flags = <u32>load<u8>(source++);
  let current = unzigzag(takeVarint(source));
  source = varintEnd;
  const end = whole + (<usize>n << 3);
  store<i64>(whole, current);
  whole += 8;
  let step: i64 = 0;
  const second = flags == 192;
  if (second) {
    step = unzigzag(takeVarint(source));
    source = varintEnd;
    current += step;
    store<i64>(whole, current);
    whole += 8;
  }
  const shift = <i64>(flags & 63);
  const negative = second || (flags & 64) != 0;
  beginTokens(source, work);
  while (whole < end) {
    nextToken();
    let times = max<u32>(tokenRun, 1);
    let change: i64 = 0;
    if (tokenRun == 0) change = negative ? unzigzag(tokenValue) : <i64>tokenValue;
    if (second) step += change;
    else step = change << shift;
    while (times-- != 0 && whole < end) {
      current += step;
      store<i64>(whole, current);
      whole += 8;
    }
  }
}

/** Reads n integers back and writes each as float64 divided by `divisor`. */
function takeIntegersAsValues(source: usize, n: u32, divisor: f64, values: usize, work: usize): void {
  const flags = <u32>load<u8>(source++);
  let current = unzigzag(takeVarint(source));
  source = varintEnd;
  const end = values + (<usize>n << 3);
  let value = <f64>current / divisor;
  store<f64>(values, value);
  values += 8;
  if (flags == 192) {
    let step = unzigzag(takeVarint(source));
    source = varintEnd;
    current += step;
    store<f64>(values, <f64>current / divisor);
    values += 8;
    beginTokens(source, work);
    while (values < end) {
      nextToken();
      let times: u32 = 1;
      if (tokenRun != 0) times = tokenRun;
      else step += unzigzag(tokenValue);
      while (times-- != 0 && values < end) {
        current += step;
        store<f64>(values, <f64>current / divisor);
        values += 8;
      }
    }
    return;
  }
  const shift = <i64>(flags & 63);
  const negative = (flags & 64) != 0;
  beginTokens(source, work);
  while (values < end) {
    nextToken();
    if (tokenRun != 0) {
      const stop = min(end, values + (<usize>tokenRun << 3));
      while (values < stop) {
        store<f64>(values, value);
        values += 8;
      }
    } else {
      const difference = negative ? unzigzag(tokenValue) : <i64>tokenValue;
      current += difference << shift;
      value = <f64>current / divisor;
      store<f64>(values, value);
      values += 8;
    }
  }
}

/**
 * Encodes `n` float64 (1 to COLUMN_MAX) at `values` to `target`; returns the address behind. Writes at most
 * 300 + 20 n bytes. Decoders read up to 8 bytes behind a chunk.
 */
export function encodeValues(values: usize, n: u32, target: usize, work: usize): usize {
  const first = load<u64>(values);
  let same: u32 = 1;
  while (same < n && load<u64>(values + (<usize>same << 3)) == first) same++;
  if (same == n) {
    store<u8>(target, CONSTANT);
    store<u64>(target + 1, first);
    return target + 9;
  }
  const column = work + TOKEN_WORK_BYTES + 64;
  const whole = column + <usize>COLUMN_MAX * 8;
  const exceptions = whole + <usize>COLUMN_MAX * 8;

  let scale: i32 = 0;
  let odd: u32 = 0;
  const oddMax = n >> 4;
  for (let i: u32 = 0; i < n; i++) {
    const value = load<f64>(values + (<usize>i << 3));
    if (fits(value, scale)) continue;
    let finer = scale + 1;
    while (finer <= SCALE_MAX && !fits(value, finer)) finer++;
    if (finer <= SCALE_MAX) {
      scale = finer;
      continue;
    }
    store<u32>(exceptions + (<usize>odd << 2), i);
    if (++odd > oddMax) break;
  }
  if (odd <= oddMax) {
    // A finer scale may have pushed earlier values over the exact range: check them all at the final one.
    odd = 0;
    let last: i64 = 0;
    let started = false;
    for (let i: u32 = 0; i < n; i++) {
      const value = load<f64>(values + (<usize>i << 3));
      if (fits(value, scale)) {
        last = <i64>scaled(value, scale);
        if (!started) {
          for (let j: u32 = 0; j < i; j++) store<i64>(whole + (<usize>j << 3), last);
          started = true;
        }
      } else {
        store<u32>(exceptions + (<usize>odd << 2), i);
        if (++odd > oddMax) break;
      }
      store<i64>(whole + (<usize>i << 3), last);
    }
  }
  if (odd <= oddMax) {
    store<u8>(target, DECIMAL);
    store<u8>(target + 1, <u8>scale);
    let at = putVarint(target + 2, odd);
    let before: u32 = 0;
    for (let i: u32 = 0; i < odd; i++) {
      const index = load<u32>(exceptions + (<usize>i << 2));
      at = putVarint(at, index - before);
      store<u64>(at, load<u64>(values + (<usize>index << 3)));
      at += 8;
      before = index;
    }
    return putIntegers(whole, n, at, work, column);
  }
  return encodeBinary(values, n, target, work, column);
}

function encodeBinary(values: usize, n: u32, target: usize, work: usize, column: usize): usize {
  let common: u64 = 0;
  let before = load<u64>(values);
  for (let i: u32 = 1; i < n; i++) {
    const bits = load<u64>(values + (<usize>i << 3));
    common |= bits ^ before;
    before = bits;
  }
  const shift = ctz(common);
  before = load<u64>(values);
  for (let i: u32 = 1; i < n; i++) {
    const bits = load<u64>(values + (<usize>i << 3));
    store<u64>(column + (<usize>(i - 1) << 3), (bits ^ before) >> shift);
    before = bits;
  }
  store<u8>(target, BINARY);
  store<u8>(target + 1, <u8>shift);
  store<u64>(target + 2, load<u64>(values));
  const end = encodeTokens(column, n - 1, target + 10, work);
  if (end - target <= 1 + (<usize>n << 3)) return end;
  store<u8>(target, RAW);
  memory.copy(target + 1, values, <usize>n << 3);
  return target + 1 + (<usize>n << 3);
}

/** Decodes the `n` values of a chunk; false when its kind is unknown or it has too many exceptions. */
export function decodeValues(source: usize, n: u32, values: usize, work: usize): bool {
  const kind = load<u8>(source);
  if (kind == DECIMAL) {
    const scale = min<i32>(load<u8>(source + 1), SCALE_MAX);
    const odd = <u32>takeVarint(source + 2);
    if (odd > n) return false;
    const list = varintEnd;
    let at = list;
    for (let i: u32 = 0; i < odd; i++) {
      takeVarint(at);
      at = varintEnd + 8;
    }
    takeIntegersAsValues(at, n, power(scale), values, work);
    at = list;
    let index: u32 = 0;
    for (let i: u32 = 0; i < odd; i++) {
      index += <u32>takeVarint(at);
      if (index < n) store<u64>(values + (<usize>index << 3), load<u64>(varintEnd));
      at = varintEnd + 8;
    }
    return true;
  }
  if (kind == CONSTANT) {
    const bits = load<u64>(source + 1);
    for (let i: u32 = 0; i < n; i++) store<u64>(values + (<usize>i << 3), bits);
    return true;
  }
  if (kind == BINARY) {
    const shift = <u64>(load<u8>(source + 1) & 63);
    let bits = load<u64>(source + 2);
    const end = values + (<usize>n << 3);
    store<u64>(values, bits);
    values += 8;
    beginTokens(source + 10, work);
    while (values < end) {
      nextToken();
      if (tokenRun != 0) {
        const stop = min(end, values + (<usize>tokenRun << 3));
        while (values < stop) {
          store<u64>(values, bits);
          values += 8;
        }
      } else {
        bits ^= tokenValue << shift;
        store<u64>(values, bits);
        values += 8;
      }
    }
    return true;
  }
  if (kind == RAW) {
    memory.copy(values, source + 1, <usize>n << 3);
    return true;
  }
  return false;
}

/** Beyond this, differences of differences could overflow: such times are stored as they are. */
const TIME_MAX: i64 = 1 << 60;

/** As `encodeValues`, for `n` int64 times in milliseconds. */
export function encodeTimes(times: usize, n: u32, target: usize, work: usize): usize {
  let plain = true;
  for (let i: u32 = 0; i < n; i++) {
    const time = load<i64>(times + (<usize>i << 3));
    if (time > TIME_MAX || time < -TIME_MAX) plain = false;
  }
  if (plain) {
    store<u8>(target, DECIMAL);
    return putIntegers(times, n, target + 1, work, work + TOKEN_WORK_BYTES + 64);
  }
  store<u8>(target, RAW);
  memory.copy(target + 1, times, <usize>n << 3);
  return target + 1 + (<usize>n << 3);
}

/** Decodes `n` int64 times; false when the chunk's kind is unknown. */
export function decodeTimes(source: usize, n: u32, times: usize, work: usize): bool {
  const kind = load<u8>(source);
  if (kind == DECIMAL) takeIntegers(source + 1, n, times, work);
  else if (kind == RAW) memory.copy(times, source + 1, <usize>n << 3);
  return kind == DECIMAL || kind == RAW;
}

/**
 * Encodes the times of a chunk, which are whole float64 and ascend, as int64 counted from the first one: what
 * sources with one rhythm have in common are the differences.
 */
export function encodeChunkTimes(times: usize, n: u32, target: usize, work: usize): usize {
  const whole = work + TOKEN_WORK_BYTES + 64 + <usize>COLUMN_MAX * 8;
  const first = <i64>load<f64>(times);
  for (let i: u32 = 0; i < n; i++) {
    store<i64>(whole + (<usize>i << 3), <i64>load<f64>(times + (<usize>i << 3)) - first);
  }
  return encodeTimes(whole, n, target, work);
}

/** The counterpart of `encodeChunkTimes`. */
export function decodeChunkTimes(
  source: usize,
  n: u32,
  first: f64,
  times: usize,
  work: usize,
): bool {
  if (!decodeTimes(source, n, times, work)) return false;
  for (let i: u32 = 0; i < n; i++) {
    const at = times + (<usize>i << 3);
    store<f64>(at, first + <f64>load<i64>(at));
  }
  return true;
}

/** Whether each of the float64 times is as far from the one before as the second is from the first. */
export function isRegular(times: usize, n: u32): bool {
  if (n < 3) return true;
  const step = load<f64>(times + 8) - load<f64>(times);
  for (let i: u32 = 2; i < n; i++) {
    const at = times + (<usize>i << 3);
    if (load<f64>(at) - load<f64>(at - 8) != step) return false;
  }
  return true;
}
