import { ByteReader, ByteWriter, MalformedBytes } from './bytes.ts';
import type { SampleColumns } from './columns.ts';

/**
 * A chunk: up to 512 samples of one series, compressed, every bit of every value kept. Bytes in
 * `docs/formats/block.md`.
 *
 * Times are written as changes of the interval, which is 0 at every tick of a steady source; runs of zeros
 * are counted. Most values that machines report are decimal numbers of few digits, so a chunk tries to
 * write each value as an integer times a power of ten, and then the changes of these integers (or the
 * changes of the changes, for counters that rise steadily). What is not such a number (NaN with its
 * payload, infinities, -0, one odd float among integers) goes raw into a list of exceptions. Columns of
 * true binary floats fall back to the exclusive-or with the value before, less its zero bytes.
 */
export const CHUNK_SAMPLES_MAX = 512;

/**
 * The largest magnitude of a time in milliseconds (the year 37648). It keeps a change of an interval, and
 * its zigzag form, an exact float.
 */
export const TIME_LIMIT: number = 2 ** 50;

/** The same bound for values scaled to integers. */
const INTEGER_LIMIT = 2 ** 50;

const SCALE_MAX = 12;
const POWERS: readonly number[] = Array.from({ length: SCALE_MAX + 1 }, (_, scale) => 10 ** scale);

const MODE_DELTA = 1;
const MODE_DELTA_OF_DELTA = 2;
const MODE_XOR = 3;

const integers = new Float64Array(CHUNK_SAMPLES_MAX);
const exceptions = new Uint16Array(CHUNK_SAMPLES_MAX);

/** Writes rows [start, end) as one chunk. Times must ascend; at least one row, at most 512. */
export function encodeChunk(
  samples: SampleColumns,
  start: number,
  end: number,
  out: ByteWriter,
): void {
  out.varint(end - start);
  encodeTimes(samples.times, start, end, out);
  const decimal = toIntegers(samples, start, end);
  if (decimal) encodeDecimal(samples, start, end, decimal, out);
  else encodeXor(samples.words, start, end, out);
}

/** Appends the samples of a chunk to `target`. Throws `MalformedBytes` on bytes that are no chunk. */
export function decodeChunk(source: ByteReader, target: SampleColumns): void {
  const count = source.varint();
  if (count < 1 || count > CHUNK_SAMPLES_MAX) throw new MalformedBytes('a chunk has a bad count');
  target.reserve(count);
  const row = target.length;
  decodeTimes(source, target.times, row, row + count);
  const mode = source.u8();
  if (mode === MODE_XOR) decodeXor(source, target.words, row, row + count);
  else if (mode === MODE_DELTA || mode === MODE_DELTA_OF_DELTA) {
    decodeDecimal(source, target, row, row + count, mode);
  } else throw new MalformedBytes(`a chunk has the unknown value mode ${mode}`);
  target.length += count;
}

/** Integers of which many are 0: a 0 is followed by how many more zeros come. */
class ZeroRuns {
  readonly #out: ByteWriter;
  #zeros = 0;

  constructor(out: ByteWriter) {
    this.#out = out;
  }

  put(value: number): void {
    if (value === 0) {
      this.#zeros++;
      return;
    }
    this.end();
    this.#out.zigzag(value);
  }

  end(): void {
    if (this.#zeros === 0) return;
    this.#out.u8(0);
    this.#out.varint(this.#zeros - 1);
    this.#zeros = 0;
  }
}

function encodeTimes(times: Float64Array, start: number, end: number, out: ByteWriter): void {
  out.zigzag(times[start]!);
  if (end - start === 1) return;
  let interval = times[start + 1]! - times[start]!;
  out.varint(interval);
  const runs = new ZeroRuns(out);
  for (let row = start + 2; row < end; row++) {
    const next = times[row]! - times[row - 1]!;
    runs.put(next - interval);
    interval = next;
  }
  runs.end();
}

function decodeTimes(source: ByteReader, times: Float64Array, start: number, end: number): void {
  let time = source.zigzag();
  times[start] = time;
  if (end - start === 1) return;
  let interval = source.varint();
  time += interval;
  times[start + 1] = time;
  for (let row = start + 2; row < end;) {
    const change = source.zigzag();
    let repeats = 1;
    if (change === 0) repeats = source.varint() + 1;
    else interval += change;
    if (repeats > end - row) throw new MalformedBytes('a run of times is too long');
    for (; repeats > 0; repeats--) {
      time += interval;
      times[row++] = time;
    }
  }
}

interface Decimal {
  readonly scale: number;
  readonly exceptionCount: number;
}

/** Fills `integers` and `exceptions`, or answers undefined when too few values are short decimals. */
function toIntegers(samples: SampleColumns, start: number, end: number): Decimal | undefined {
  const { values } = samples;
  const exceptionsMax = (end - start) >> 3;
  let scale = 0;
  let odd = 0;
  for (let row = start; row < end; row++) {
    const value = values[row]!;
    let wanted = scale;
    while (wanted <= SCALE_MAX && !isInteger(value, POWERS[wanted]!)) wanted++;
    if (wanted <= SCALE_MAX) scale = wanted;
    // The staleness marker alone must not spoil a chunk, however short.
    else if (value === value && ++odd > exceptionsMax) return undefined;
  }
  const power = POWERS[scale]!;
  let exceptionCount = 0;
  let last = 0;
  for (let row = start; row < end; row++) {
    const value = values[row]!;
    if (isInteger(value, power)) last = Math.round(value * power);
    else {
      if (value === value && exceptionCount >= exceptionsMax) return undefined;
      exceptions[exceptionCount++] = row - start;
    }
    // An exception repeats its neighbour: a change of 0 costs least.
    integers[row - start] = last;
  }
  if (exceptionCount > exceptionsMax + 1) return undefined;
  return { scale, exceptionCount };
}

function isInteger(value: number, power: number): boolean {
  const scaled = Math.round(value * power);
  // The last condition finds -0; NaN and the infinities fail the others.
  return (
    scaled / power === value &&
    scaled <= INTEGER_LIMIT &&
    scaled >= -INTEGER_LIMIT &&
    (scaled !== 0 || Object.is(value, 0))
  );
}

function encodeDecimal(
  samples: SampleColumns,
  start: number,
  end: number,
  { scale, exceptionCount }: Decimal,
  out: ByteWriter,
): void {
  const count = end - start;
  let deltaCost = 0;
  let secondCost = 0;
  for (let i = 2; i < count; i++) {
    const delta = integers[i]! - integers[i - 1]!;
    deltaCost += Math.log2(1 + Math.abs(delta));
    secondCost += Math.log2(1 + Math.abs(delta - (integers[i - 1]! - integers[i - 2]!)));
  }
  const second = secondCost < deltaCost;
  out.u8(second ? MODE_DELTA_OF_DELTA : MODE_DELTA);
  out.u8(scale);
  out.zigzag(integers[0]!);
  const runs = new ZeroRuns(out);
  let before = 0;
  for (let i = 1; i < count; i++) {
    const delta = integers[i]! - integers[i - 1]!;
    runs.put(second ? delta - before : delta);
    before = delta;
  }
  runs.end();
  out.varint(exceptionCount);
  let at = 0;
  for (let i = 0; i < exceptionCount; i++) {
    const index = exceptions[i]!;
    out.varint(index - at);
    at = index;
    out.u32(samples.words[(start + index) * 2]!);
    out.u32(samples.words[(start + index) * 2 + 1]!);
  }
}

function decodeDecimal(
  source: ByteReader,
  target: SampleColumns,
  start: number,
  end: number,
  mode: number,
): void {
  const { values, words } = target;
  const power = POWERS[source.u8()];
  if (power === undefined) throw new MalformedBytes('a chunk has a bad scale');
  let integer = source.zigzag();
  let delta = 0;
  values[start] = integer / power;
  for (let row = start + 1; row < end;) {
    const coded = source.zigzag();
    const repeats = coded === 0 ? source.varint() + 1 : 1;
    if (repeats > end - row) throw new MalformedBytes('a run of values is too long');
    if (mode === MODE_DELTA) delta = coded;
    else delta += coded;
    for (let i = 0; i < repeats; i++) {
      integer += delta;
      values[row++] = integer / power;
    }
  }
  const exceptionCount = source.varint();
  if (exceptionCount > end - start) throw new MalformedBytes('a chunk has too many exceptions');
  let row = start;
  for (let i = 0; i < exceptionCount; i++) {
    row += source.varint();
    if (row >= end) throw new MalformedBytes('an exception is beyond its chunk');
    words[row * 2] = source.u32();
    words[row * 2 + 1] = source.u32();
  }
}

const xorBytes = new Uint8Array(8);

function encodeXor(words: Uint32Array, start: number, end: number, out: ByteWriter): void {
  out.u8(MODE_XOR);
  let low = 0;
  let high = 0;
  let zeros = 0;
  const endRun = (): void => {
    if (zeros === 0) return;
    out.u8(0);
    out.varint(zeros - 1);
    zeros = 0;
  };
  for (let row = start; row < end; row++) {
    const xorLow = words[row * 2]! ^ low;
    const xorHigh = words[row * 2 + 1]! ^ high;
    low = words[row * 2]!;
    high = words[row * 2 + 1]!;
    if (xorLow === 0 && xorHigh === 0) {
      zeros++;
      continue;
    }
    endRun();
    for (let i = 0; i < 4; i++) xorBytes[i] = xorHigh >>> (24 - i * 8);
    for (let i = 0; i < 4; i++) xorBytes[i + 4] = xorLow >>> (24 - i * 8);
    let from = 0;
    let to = 8;
    while (xorBytes[from] === 0) from++;
    while (xorBytes[to - 1] === 0) to--;
    out.u8((from << 4) | (to - from));
    out.raw(xorBytes.subarray(from, to));
  }
  endRun();
}

function decodeXor(source: ByteReader, words: Uint32Array, start: number, end: number): void {
  let low = 0;
  let high = 0;
  for (let row = start; row < end;) {
    const control = source.u8();
    let repeats = 1;
    if (control === 0) {
      repeats = source.varint() + 1;
      if (repeats > end - row) throw new MalformedBytes('a run of values is too long');
    } else {
      const from = control >> 4;
      const length = control & 15;
      if (length === 0 || from + length > 8) throw new MalformedBytes('a value has a bad length');
      for (let i = from; i < from + length; i++) {
        const byte = source.u8();
        if (i < 4) high ^= byte << (24 - i * 8);
        else low ^= byte << (56 - i * 8);
      }
    }
    for (; repeats > 0; repeats--) {
      words[row * 2] = low;
      words[row * 2 + 1] = high;
      row++;
    }
  }
}
