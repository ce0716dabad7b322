import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteReader, ByteWriter, MalformedBytes } from '../../store/embedded/bytes.ts';
import { CHUNK_SAMPLES_MAX, ChunkCodec, TIME_LIMIT } from '../../store/embedded/chunk.ts';
import { SampleColumns } from '../../store/embedded/columns.ts';
import { SharedColumns } from '../../store/embedded/shared-columns.ts';
import { freshKernel } from './kernel/kernel-fixture.ts';

const codec = new ChunkCodec(freshKernel());

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

interface Coded {
  readonly bytes: Uint8Array;
  readonly shared: number;
  readonly columns: readonly Uint8Array[];
}

function coded(samples: readonly Sample[], columns = new SharedColumns()): Coded {
  const out = new ByteWriter();
  const shared = codec.encode(columnsOf(samples), 0, samples.length, out, columns.share);
  return { bytes: out.view().slice(), shared, columns: columns.take() };
}

function frameOf(samples: readonly Sample[]): { minTimeMs: number; maxTimeMs: number } {
  return { minTimeMs: samples[0]!.timeMs, maxTimeMs: samples.at(-1)!.timeMs };
}

function decoded(samples: readonly Sample[]): Sample[] {
  const { bytes, shared, columns } = coded(samples);
  const target = new SampleColumns();
  const times = (count: number): Float64Array =>
    codec.decodeTimes(columns[shared - 1]!, count, 0).slice();
  codec.decode(new ByteReader(bytes), frameOf(samples), shared > 0 ? times : undefined, target);
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
    expect(coded(samples).bytes.length).toBeLessThan(40);
  });

  test('of a counter with a marker of staleness stays short', () => {
    const samples = Array.from({ length: CHUNK_SAMPLES_MAX }, (_, i) => ({
      timeMs: 1_700_000_000_000 + i * 1000,
      bits: i === 300 ? 0x7ff0000000000002n : bitsOf(Math.floor(i * 3.7) / 100),
    }));
    expect(decoded(samples)).toEqual(samples);
    expect(coded(samples).bytes.length).toBeLessThan(2 * CHUNK_SAMPLES_MAX);
  });

  test('shares the times of its source, whenever that began', () => {
    const columns = new SharedColumns();
    const wobble = [3, 5, 0, 2, 9, 4, 1, 7];
    const chunkFrom = (base: number): Sample[] =>
      Array.from({ length: 100 }, (_, i) => ({
        timeMs: base + i * 1000 + wobble[(i * i) % 8]!,
        bits: BigInt(i),
      }));
    const numbers = [0, 5_000_000].map((base) => {
      const out = new ByteWriter();
      return codec.encode(columnsOf(chunkFrom(base)), 0, 100, out, columns.share);
    });
    expect(numbers).toEqual([1, 1]);
    expect(columns.take()).toHaveLength(1);
    expect(decoded(chunkFrom(7))).toEqual(chunkFrom(7));
  });

  test('whose times nobody may share has its own', () => {
    const samples = Array.from({ length: 100 }, (_, i) => ({ timeMs: i * i, bits: BigInt(i) }));
    const out = new ByteWriter();
    expect(codec.encode(columnsOf(samples), 0, 100, out, () => 0)).toBe(0);
    const target = new SampleColumns();
    codec.decode(new ByteReader(out.view().slice()), frameOf(samples), undefined, target);
    expect(samplesOf(target)).toEqual(samples);
  });

  test('of any bytes ends or is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const target = new SampleColumns();
        const frame = { minTimeMs: 0, maxTimeMs: 1000 };
        try {
          codec.decode(new ByteReader(bytes), frame, undefined, target);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(MalformedBytes);
        }
        expect(target.length).toBeLessThanOrEqual(CHUNK_SAMPLES_MAX);
      }),
      { numRuns: 3000 },
    );
  });
});
