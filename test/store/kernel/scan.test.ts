import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freshHead, place, samplesOf } from './kernel-fixture.ts';

const MISS_MAX = 64;
const LATE_MAX = 4096;
const JOURNAL_BYTES = 1 << 20;
const STAGING_BYTES = 1 << 20;
const ENDLESS = 2 ** 62;
const TOKEN = 7;

interface Sample {
  readonly time: bigint;
  readonly bits: bigint;
}

function varint(value: bigint): number[] {
  const out: number[] = [];
  let left = BigInt.asUintN(64, value);
  for (; left > 127n; left >>= 7n) out.push(Number(left & 127n) | 128);
  return [...out, Number(left)];
}

const field = (number: number, bytes: readonly number[]): number[] => [
  (number << 3) | 2,
  ...varint(BigInt(bytes.length)),
  ...bytes,
];

function labelsBytes(name: string): number[] {
  const text = (value: string): number[] => [...new TextEncoder().encode(value)];
  return ['__name__', 'instance'].flatMap((label) =>
    field(1, [...field(1, text(label)), ...field(2, text(label === '__name__' ? name : 'host'))]),
  );
}

/** Leaves out what is zero, as protobuf's writers do; `swap` puts the time first. */
function sampleBytes({ time, bits }: Sample, swap = false): number[] {
  const word = new Uint8Array(BigUint64Array.of(bits).buffer);
  const value = bits === 0n ? [] : [9, ...word];
  const timestamp = time === 0n ? [] : [16, ...varint(time)];
  return field(2, swap ? [...timestamp, ...value] : [...value, ...timestamp]);
}

const seriesBytes = (name: string, samples: readonly Sample[], swap = false): number[] =>
  field(1, [...labelsBytes(name), ...samples.flatMap((sample) => sampleBytes(sample, swap))]);

/** A head that knows the series named, and scans requests. */
function reader(names: readonly string[]) {
  const kernel = freshHead();
  const { calls } = kernel;
  const ids = new Map<string, number>();
  for (const name of names) {
    const key = Uint8Array.from(labelsBytes(name));
    const id = calls.createSeries();
    calls.bindKey(place(kernel, key), key.length, id);
    calls.setToken(id, TOKEN);
    ids.set(name, id);
  }
  const missList = calls.allocate(8 * MISS_MAX);
  const lateList = calls.allocate(24 * LATE_MAX);
  const journal = calls.allocate(JOURNAL_BYTES);
  const staging = calls.allocate(STAGING_BYTES);
  const scan = (bytes: readonly number[], latest = ENDLESS, token = TOKEN): number => {
    const request = place(kernel, Uint8Array.from(bytes));
    calls.beginJournal(journal, JOURNAL_BYTES, 1);
    calls.beginStaging(staging, STAGING_BYTES, 1);
    const verdict = calls.scanWriteRequest(
      request,
      bytes.length,
      request,
      missList,
      MISS_MAX,
      lateList,
      LATE_MAX,
      -ENDLESS,
      latest,
      token,
    );
    if (verdict < 0) calls.unstage(0);
    calls.applyStaged();
    return verdict;
  };
  const taken = (name: string): Sample[] =>
    samplesOf(kernel, ids.get(name)!).map(([time, bits]) => ({ time, bits }));
  return { calls, scan, taken };
}

const bits = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const rising = fc
  .array(fc.tuple(fc.bigInt({ min: 1n, max: 2n ** 40n }), bits), { minLength: 1, maxLength: 20 })
  .map((steps) => {
    let time = -1n;
    return steps.map(([step, value]): Sample => ({ time: (time += step), bits: value }));
  });

describe('scanning a write request', () => {
  it('takes every sample of the series it knows, whatever form they have', () => {
    fc.assert(
      fc.property(
        fc.array(rising, { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        (columns, swap) => {
          const names = columns.map((_, i) => `metric_${i}`);
          const { scan, taken, calls } = reader(names);
          const metadata = field(3, [8, 1, ...field(2, [97, 98])]);
          const bytes = columns.flatMap((samples, i) => [
            ...seriesBytes(names[i]!, samples, swap),
            ...(i === 0 ? metadata : []),
          ]);
          expect(scan(bytes)).toBe(0);
          columns.forEach((samples, i) => expect(taken(names[i]!)).toEqual(samples));
          expect(calls.accepted.value).toBe(columns.flat().length);
          expect([calls.missed.value, calls.late.value]).toEqual([1, 0]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('recognises the order in which series come, and another order all the same', () => {
    const names = ['a', 'bb', 'ccc', 'a_much_longer_name'];
    const { scan, taken } = reader(names);
    const orders = [names, names, names.toReversed(), ['bb'], ['ccc', 'a'], names];
    orders.forEach((order, i) => {
      const time = 1_735_689_600_000n + BigInt(i) * 1000n;
      const request = order.flatMap((name) => seriesBytes(name, [{ time, bits: BigInt(i + 1) }]));
      expect(scan(request)).toBe(0);
    });
    const expected = (name: string): bigint[] =>
      orders.flatMap((order, i) => (order.includes(name) ? [BigInt(i + 1)] : []));
    for (const name of names)
      expect(taken(name).map((sample) => sample.bits)).toEqual(expected(name));
  });

  it('leaves to others what it does not know, what comes late and what is from the future', () => {
    const { scan, taken, calls } = reader(['known']);
    const at = (time: bigint): Sample => ({ time, bits: 7n });
    expect(
      scan([
        ...seriesBytes('unknown', [at(5n)]),
        ...seriesBytes('known', [at(5n), at(4n), at(6n)]),
      ]),
    ).toBe(0);
    expect([calls.missed.value, calls.late.value, calls.accepted.value]).toEqual([1, 1, 2]);
    expect(scan(seriesBytes('known', [at(7n), at(101n)]), 100)).toBe(0);
    expect([calls.missed.value, calls.accepted.value]).toEqual([1, 0]);
    expect(scan(seriesBytes('known', [at(8n)]), 100, TOKEN + 1)).toBe(0);
    expect([calls.missed.value, calls.accepted.value]).toEqual([1, 0]);
    expect(taken('known').map((sample) => sample.time)).toEqual([5n, 6n]);
  });

  it('stops before a list is full, and goes on from there', () => {
    const { scan, calls } = reader([]);
    const request = Array.from({ length: MISS_MAX + 3 }, (_, i) =>
      seriesBytes(`m${i}`, [{ time: 1n, bits: 1n }]),
    );
    expect(scan(request.flat())).toBe(1);
    expect(calls.missed.value).toBe(MISS_MAX);
  });

  it('takes nothing that is not there from bytes of any kind', () => {
    const request = [
      ...seriesBytes('a', [{ time: 1_735_689_600_000n, bits: 1n }]),
      ...seriesBytes('b', [
        { time: 5n, bits: 1n },
        { time: 6n, bits: 2n },
      ]),
    ];
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        fc.nat(),
        (changes, cut) => {
          const { scan, taken } = reader(['a', 'b']);
          const bytes = [...request];
          for (const [place, byte] of changes) bytes[place % bytes.length] = byte;
          scan(bytes.slice(0, 1 + (cut % bytes.length)));
          expect(taken('a').length).toBeLessThanOrEqual(3);
        },
      ),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const { scan, taken } = reader(['a']);
        scan([...bytes]);
        expect(taken('a')).toEqual([]);
      }),
    );
  });
});
