import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../../store/embedded/kernel-module.ts';
import { append, bytesAt, freshHead, place, samplesOf } from './kernel-fixture.ts';

const JOURNAL_BYTES = 4 << 20;
const START = 1_735_689_600_000n;

/** One reading of a source: which series it found, and how long after the reading before. */
const reading = fc.record({
  waitMs: fc.integer({ min: 1, max: 5000 }),
  missing: fc.nat(255),
  value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
});
const history = fc.array(reading, { minLength: 1, maxLength: 700 });
const SERIES = 8;

interface Played {
  readonly wanted: Map<number, [bigint, bigint][]>;
  /** Where the journal's bytes begin. */
  readonly journal: number;
}

/** Plays readings of two sources, which take turns, into a head; returns what should be in it. */
function play(
  kernel: Kernel,
  readings: readonly { waitMs: number; missing: number; value: bigint }[],
): Played {
  const { calls } = kernel;
  const wanted: Played['wanted'] = new Map();
  const ids = Array.from({ length: SERIES * 2 }, () => calls.createSeries());
  const journal = calls.allocate(JOURNAL_BYTES);
  calls.beginJournal(journal, JOURNAL_BYTES, 1);
  let time = START;
  readings.forEach(({ waitMs, missing, value }, turn) => {
    time += BigInt(waitMs);
    const rows: [number, bigint][] = [];
    for (let i = 0; i < SERIES; i++) {
      if ((missing & 7) === i && missing > 128) continue;
      const id = ids[(turn % 2) * SERIES + i]!;
      const bits = BigInt.asUintN(64, value + BigInt(i * (turn % 5)));
      rows.push([id, bits]);
      const samples = wanted.get(id) ?? [];
      samples.push([time, bits]);
      wanted.set(id, samples);
    }
    append(kernel, time, rows);
  });
  return { wanted, journal };
}

describe('the head', () => {
  it('gives back every sample of every series, whoever shares its times', () => {
    fc.assert(
      fc.property(history, (readings) => {
        const kernel = freshHead();
        for (const [id, samples] of play(kernel, readings).wanted) {
          expect(samplesOf(kernel, id)).toEqual(samples);
          expect(kernel.calls.newestOf(id)).toBe(Number(samples.at(-1)![0]));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('takes nothing that is not newer, and gives up what is staged without a trace', () => {
    const kernel = freshHead();
    const { calls } = kernel;
    const id = calls.createSeries();
    calls.beginJournal(calls.allocate(JOURNAL_BYTES), JOURNAL_BYTES, 1);
    append(kernel, START, [[id, 1n]]);
    expect(() => append(kernel, START, [[id, 1n]])).toThrow('row 0');
    expect(() => append(kernel, START - 1n, [[id, 1n]])).toThrow('row 0');
    const staging = calls.allocate(4096);
    const row = place(kernel, new Uint8Array(32));
    new Uint32Array(kernel.memory.buffer, row, 1)[0] = id;
    new Float64Array(kernel.memory.buffer, row, 2)[1] = Number(START) + 5;
    calls.beginStaging(staging, 4096, 2);
    expect(calls.stageRows(row, row + 8, row + 16, 0, 1)).toBe(1);
    expect([calls.newestOf(id), calls.undefinedRows.value]).toEqual([Number(START) + 5, 1]);
    calls.unstage(0);
    expect([calls.newestOf(id), calls.undefinedRows.value]).toEqual([Number(START), 0]);
    expect(calls.stagedRowOf(id)).toBe(0);
    append(kernel, START + 1n, [[id, 2n]]);
    expect(samplesOf(kernel, id)).toEqual([
      [START, 1n],
      [START + 1n, 2n],
    ]);
  });

  it('sets samples aside, gives back their memory, and goes on', () => {
    fc.assert(
      fc.property(history, history, (before, after) => {
        const kernel = freshHead();
        const { calls } = kernel;
        const { wanted } = play(kernel, before);
        calls.freezeHead();
        const frozen = [...wanted.values()].flat().length;
        expect([calls.frozenSamples.value, calls.headSamples.value]).toEqual([frozen, 0]);
        let time = START + 100_000_000n;
        const rows = (value: bigint): [number, bigint][] =>
          [...wanted.keys()].map((id) => [id, value]);
        for (const { waitMs, value } of after)
          append(kernel, (time += BigInt(waitMs)), rows(value));
        const later: [bigint, bigint][] = [];
        time = START + 100_000_000n;
        for (const { waitMs, value } of after) later.push([(time += BigInt(waitMs)), value]);
        for (const [id, samples] of wanted) {
          expect(samplesOf(kernel, id)).toEqual([...samples, ...later]);
          expect(calls.samplesIn(id, 2)).toBe(samples.length);
          expect(calls.mayHold(id, Number(samples[0]![0]), Number(samples[0]![0]))).toBe(1);
        }
        calls.dropFrozen();
        for (const id of wanted.keys()) {
          expect(samplesOf(kernel, id)).toEqual(later);
          expect(calls.mayHold(id, -Infinity, Number(START) + 90_000_000)).toBe(0);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('finds series by their keys while others come and go', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(60), fc.boolean()), { maxLength: 400 }), (steps) => {
        const { calls, memory } = freshHead();
        const kernel = { calls, memory };
        const bound = new Map<number, number>();
        const keyOf = (name: number): [number, number] => {
          const bytes = new TextEncoder().encode(`series ${'x'.repeat(name)} ${name}`);
          return [place(kernel, bytes), bytes.length];
        };
        for (const [name, forget] of steps) {
          const [key, length] = keyOf(name);
          expect(calls.findSeries(key, length)).toBe(bound.get(name) ?? -1);
          if (!bound.has(name)) {
            const id = calls.createSeries();
            expect([...bound.values()]).not.toContain(id);
            expect(calls.bindKey(key, length, id)).toBe(1);
            bound.set(name, id);
          } else if (forget) {
            const ids = calls.allocate(4);
            new Uint32Array(memory.buffer, ids, 1)[0] = bound.get(name)!;
            calls.forgetSeries(ids, 1);
            bound.delete(name);
          }
        }
        for (const [name, id] of bound) expect(calls.findSeries(...keyOf(name))).toBe(id);
      }),
      { numRuns: 60 },
    );
  });

  it('uses no more memory after a hundred rounds of coming and going', () => {
    const kernel = freshHead();
    const { calls } = kernel;
    const journal = calls.allocate(JOURNAL_BYTES);
    const idle = calls.allocate(4 * 64);
    const round = (n: number): void => {
      const ids: number[] = [];
      calls.beginJournal(journal, JOURNAL_BYTES, n);
      for (let i = 0; i < 20; i++) {
        const bytes = new TextEncoder().encode(`round ${n} series ${i}`);
        const key = place(kernel, bytes);
        const id = calls.createSeries();
        calls.bindKey(key, bytes.length, id);
        calls.release(key, bytes.length + 64);
        ids.push(id);
      }
      for (let t = 0; t < 300; t++) {
        append(
          kernel,
          START + BigInt(n * 1000 + t),
          ids.map((id) => [id, BigInt(t)]),
        );
      }
      calls.freezeHead();
      expect(calls.idleSeries(idle, 64)).toBe(0);
      for (const id of ids) expect(calls.samplesIn(id, 2)).toBe(300);
      calls.dropFrozen();
      calls.freezeHead();
      expect(calls.idleSeries(idle, 64)).toBe(20);
      calls.forgetSeries(idle, 20);
      expect(calls.idleSeries(idle, 64)).toBe(0);
      calls.dropFrozen();
    };
    round(0);
    const before = calls.bytesUsed.value;
    for (let n = 1; n < 100; n++) round(n);
    expect(calls.bytesUsed.value).toBe(before);
  });
});

describe('the journal', () => {
  it('replays into another head what the first one took', () => {
    fc.assert(
      fc.property(history, (readings) => {
        const first = freshHead();
        const { wanted, journal } = play(first, readings);
        const used = bytesAt(first, journal, first.calls.journalEnd() - journal).slice();
        const second = freshHead();
        const ids = Array.from({ length: SERIES * 2 }, () => second.calls.createSeries());
        const map = place(second, new Uint8Array(Uint32Array.from(ids).buffer));
        const record = place(second, used);
        const late = second.calls.allocate(24 * 64);
        second.calls.beginReplay();
        const end = record + used.length;
        expect(second.calls.replayJournal(record, end, 9, map, ids.length, late, 64)).toBe(1);
        for (const [id, samples] of wanted) expect(samplesOf(second, id)).toEqual(samples);
        expect(second.calls.unplaced.value).toBe(0);
        expect(second.calls.replayedLate.value).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it('never fails on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        const kernel = freshHead();
        const { calls } = kernel;
        const ids = Array.from({ length: 300 }, () => calls.createSeries());
        const map = place(kernel, new Uint8Array(Uint32Array.from(ids).buffer));
        const late = calls.allocate(24 * 8);
        const record = place(kernel, bytes);
        calls.beginReplay();
        let from = record;
        do {
          calls.replayJournal(from, record + bytes.length, 1, map, ids.length, late, 8);
          expect(calls.replayedLate.value).toBeLessThanOrEqual(8);
          expect(calls.replayedTo.value === 0 || calls.replayedTo.value > from).toBe(true);
          from = calls.replayedTo.value;
        } while (from !== 0);
      }),
    );
  });
});
