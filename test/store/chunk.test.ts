import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteReader, ByteWriter, MalformedBytes } from '../../store/embedded/bytes.ts';
import {
  CHUNK_SAMPLES_MAX,
  TIME_LIMIT,
  decodeChunk,
  encodeChunk,
} from '../../store/embedded/chunk.ts';
import { SampleColumns } from '../../store/embedded/columns.ts';

interface Sample {
  readonly timeMs: number;
  readonly bits: bigint;
}

function columnsOf(samples: readonly Sample[]): SampleColumns {
  const columns = new SampleColumns();
  for (const { timeMs, bits } of samples) {
    columns.push(timeMs, Number(bits & 0xffffffffn), Number(bits >> 32n));
  }
  return columns;
}

function samplesOf({ times, words, length }: SampleColumns): Sample[] {
  return Array.from({ length }, (_, row) => ({
    timeMs: times[row]!,
    bits: (BigInt(words[row * 2 + 1]!) << 32n) | BigInt(words[row * 2]!),
  }));
}

function coded(samples: readonly Sample[]): Uint8Array {
  const out = new ByteWriter();
  encodeChunk(columnsOf(samples), 0, samples.length, out);
  return out.view().slice();
}

function decoded(samples: readonly Sample[]): Sample[] {
  const source = new ByteReader(coded(samples));
  const target = new SampleColumns();
  decodeChunk(source, target);
  expect(source.left).toBe(0);
  return samplesOf(target);
}

function bitsOf(value: number): bigint {
  return new BigUint64Array(new Float64Array([value]).buffer)[0]!;
}

const anyBits = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const decimalBits = fc
  .tuple(fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }), fc.integer({ min: 0, max: 12 }))
  .map(([integer, scale]) => bitsOf(integer / 10 ** scale));
const oddBits = fc.constantFrom(
  ...[
    0,
    -0,
    Infinity,
    -Infinity,
    Number.NaN,
    5e-324,
    Number.MAX_VALUE,
    2 ** 50,
    2 ** 50 + 1,
    2 ** 53,
  ].map(bitsOf),
  0x7ff0000000000002n,
  0x7ff8000000000002n,
  0xfff0000000000001n,
);

function sampleLists(bits: fc.Arbitrary<bigint>): fc.Arbitrary<Sample[]> {
  const times = fc.uniqueArray(
    fc.oneof(
      fc.integer({ min: 0, max: 5000 }),
      fc.integer({ min: -TIME_LIMIT, max: TIME_LIMIT }),
      fc.integer({ min: 1_700_000_000_000, max: 1_700_000_600_000 }),
    ),
    { minLength: 1, maxLength: 60 },
  );
  return times.chain((list) => {
    const sorted = [...list].sort((a, b) => a - b);
    return fc
      .array(bits, { minLength: sorted.length, maxLength: sorted.length })
      .map((all) => sorted.map((timeMs, i) => ({ timeMs, bits: all[i]! })));
  });
}

describe('a chunk', () => {
  test.each([
    ['any bits', anyBits],
    ['decimal numbers', decimalBits],
    ['odd numbers', oddBits],
    ['all of them', fc.oneof({ weight: 8, arbitrary: decimalBits }, oddBits, anyBits)],
  ] as const)('gives back %s', (_, bits) => {
    fc.assert(
      fc.property(sampleLists(bits), (samples) => {
        expect(decoded(samples)).toEqual(samples);
      }),
      { numRuns: 500 },
    );
  });

  test('gives back the outermost times and integers', () => {
    const lists = [
      [-TIME_LIMIT, TIME_LIMIT],
      [-TIME_LIMIT, 1 - TIME_LIMIT, TIME_LIMIT],
      [-TIME_LIMIT, TIME_LIMIT - 1, TIME_LIMIT],
    ];
    for (const times of lists) {
      const samples = times.map((timeMs) => ({ timeMs, bits: 1n }));
      expect(decoded(samples)).toEqual(samples);
    }
    const swing = [2 ** 50, -(2 ** 50), 2 ** 50, -(2 ** 50), 0, 2 ** 50].map((value, i) => ({
      timeMs: i,
      bits: bitsOf(value),
    }));
    expect(decoded(swing)).toEqual(swing);
  });

  test('of a steady counter takes less than a byte a sample', () => {
    const samples = Array.from({ length: CHUNK_SAMPLES_MAX }, (_, i) => ({
      timeMs: 1_700_000_000_000 + i * 1000,
      bits: bitsOf(12_345_678 + i * 250),
    }));
    expect(decoded(samples)).toEqual(samples);
    expect(coded(samples).length).toBeLessThan(64);
  });

  test('of a counter with a marker of staleness stays short', () => {
    const samples = Array.from({ length: CHUNK_SAMPLES_MAX }, (_, i) => ({
      timeMs: 1_700_000_000_000 + i * 1000,
      bits: i === 300 ? 0x7ff0000000000002n : bitsOf(Math.floor(i * 3.7) / 100),
    }));
    expect(decoded(samples)).toEqual(samples);
    expect(coded(samples).length).toBeLessThan(2 * CHUNK_SAMPLES_MAX);
  });

  test('of any bytes ends or is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const target = new SampleColumns();
        try {
          decodeChunk(new ByteReader(bytes), target);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(MalformedBytes);
        }
        expect(target.length).toBeLessThanOrEqual(CHUNK_SAMPLES_MAX);
      }),
      { numRuns: 3000 },
    );
  });

  test('that was cut short is refused', () => {
    fc.assert(
      fc.property(sampleLists(fc.oneof(decimalBits, anyBits)), fc.nat(), (samples, cut) => {
        const bytes = coded(samples);
        const shorter = bytes.subarray(0, cut % bytes.length);
        expect(() => decodeChunk(new ByteReader(shorter), new SampleColumns())).toThrow(
          MalformedBytes,
        );
      }),
    );
  });
});
