import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COLUMN_MAX } from '../../../store/embedded/kernel-module.ts';
import { decodedBits, encodedBytes, freshKernel } from './kernel-fixture.ts';
import { decodeTimes, decodeValues } from './reference-columns.ts';

const kernel = freshKernel();

function bitsOf(values: readonly number[]): BigUint64Array {
  return new BigUint64Array(Float64Array.from(values).buffer);
}

function expectRoundTrip(bits: BigUint64Array): void {
  const encoded = encodedBytes(kernel, 'encodeValues', bits);
  expect(decodedBits(kernel, 'decodeValues', encoded, bits.length)).toEqual(bits);
  expect(decodeValues(encoded, bits.length)).toEqual(bits);
}

const STALE = 0x7ff0000000000002n;
const anyBits = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const oddBits = fc.constantFrom(
  STALE,
  0x8000000000000000n,
  0x7ff0000000000000n,
  0x7ff8000000000000n,
);
const counter = fc
  .tuple(
    fc.integer({ min: 0, max: 2 ** 40 }),
    fc.array(fc.nat(300), { minLength: 1, maxLength: 400 }),
    fc.nat(9),
  )
  .map(([start, steps, digits]) => {
    let value = start;
    return steps.map((step) => (value += step % 3 === 0 ? 0 : step) / 10 ** digits);
  });

describe('columns of values', () => {
  it('gives back any bits at all', () => {
    fc.assert(
      fc.property(fc.array(anyBits, { minLength: 1, maxLength: 300 }), (bits) =>
        expectRoundTrip(BigUint64Array.from(bits)),
      ),
    );
  });

  it('gives back numbers of every kind, signs of zero and infinities among them', () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { minLength: 1, maxLength: 300 }), (values) =>
        expectRoundTrip(bitsOf(values)),
      ),
    );
  });

  it('gives back counters with decimals, and ends of series in the midst of them', () => {
    fc.assert(
      fc.property(
        counter,
        fc.array(fc.tuple(fc.nat(), oddBits), { maxLength: 20 }),
        (values, odd) => {
          const bits = bitsOf(values);
          for (const [place, special] of odd) bits[place % bits.length] = special;
          expectRoundTrip(bits);
        },
      ),
    );
  });

  it('gives back columns of every length up to the limit', () => {
    expect.hasAssertions();
    for (const length of [1, 2, 3, 120, 600, COLUMN_MAX]) {
      const shapes: ((i: number) => number)[] = [
        () => 7,
        (i) => i / 100,
        (i) => Math.sin(i),
        (i) => (i === length - 1 ? 1 : 0),
      ];
      for (const shape of shapes) {
        const bits = bitsOf(Array.from({ length }, (_, i) => shape(i)));
        const encoded = encodedBytes(kernel, 'encodeValues', bits);
        expect(decodedBits(kernel, 'decodeValues', encoded, length)).toEqual(bits);
      }
    }
  });

  it('needs little for what measurements look like', () => {
    const bytesFor = (values: readonly number[]): number =>
      encodedBytes(kernel, 'encodeValues', bitsOf(values)).length / values.length;
    const ticks = Array.from({ length: 600 }, (_, i) => i);
    expect(bytesFor(ticks.map(() => 67_108_864))).toBeLessThan(0.02);
    expect(bytesFor(ticks.map((i) => 5_000_000 + i * 1000))).toBeLessThan(0.05);
    expect(bytesFor(ticks.map((i) => Math.floor(i / 10) / 100))).toBeLessThan(0.12);
    expect(bytesFor(ticks.map((i) => Math.fround(Math.sin(i))))).toBeLessThan(8.1);
  });

  it('never leaves its target, whatever a damaged chunk says', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.integer({ min: 1, max: 500 }),
        (bytes, count) => {
          const { calls, memory } = kernel;
          const target = calls.allocate(count * 8 + 256);
          const work = calls.allocate(calls.COLUMN_WORK_BYTES.value);
          const source = calls.allocate(bytes.length + 16_384);
          const all = new Uint8Array(memory.buffer);
          all.fill(0, source, source + bytes.length + 16_384);
          all.set(bytes, source);
          all.fill(0xaa, target + count * 8, target + count * 8 + 256);
          try {
            calls.decodeValues(source, count, target, work);
          } catch (thrown) {
            // Following a wild offset past the end of memory traps, which is an answer, too.
            expect(String(thrown)).toMatch(/RuntimeError/);
          }
          expect(
            all.subarray(target + count * 8, target + count * 8 + 256).every((b) => b === 0xaa),
          ).toBe(true);
          calls.release(source, bytes.length + 16_384);
          calls.release(work, calls.COLUMN_WORK_BYTES.value);
          calls.release(target, count * 8 + 256);
        },
      ),
    );
  });
});

describe('columns of times', () => {
  const anyTime = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const expectTimes = (times: BigInt64Array): void => {
    const encoded = encodedBytes(kernel, 'encodeTimes', times);
    const decoded = decodedBits(kernel, 'decodeTimes', encoded, times.length);
    expect(new BigInt64Array(decoded.buffer)).toEqual(times);
    expect(decodeTimes(encoded, times.length)).toEqual(times);
  };

  it('gives back any times', () => {
    fc.assert(
      fc.property(fc.array(anyTime, { minLength: 1, maxLength: 300 }), (times) =>
        expectTimes(BigInt64Array.from(times)),
      ),
    );
  });

  it('gives back a steady beat with jitter, and a steady one for next to nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 600 }), (jitter) =>
        expectTimes(
          BigInt64Array.from(jitter, (late, i) => BigInt(1_735_689_600_000 + i * 1000 + late)),
        ),
      ),
    );
    const steady = BigInt64Array.from({ length: 600 }, (_, i) =>
      BigInt(1_735_689_600_000 + i * 1000),
    );
    expect(encodedBytes(kernel, 'encodeTimes', steady).length).toBeLessThan(32);
  });
});
