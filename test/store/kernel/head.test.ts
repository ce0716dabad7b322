import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../../store/embedded/kernel-module.ts';
import { bytesAt, freshHead, place, samplesOf } from './kernel-fixture.ts';

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
    calls.beginRequest();
    for (let i = 0; i < SERIES; i++) {
      if ((missing & 7) === i && missing > 128) continue;
      const id = ids[(turn % 2) * SERIES + i]!;
      const bits = BigInt.asUintN(64, value + BigInt(i * (turn % 5)));
      expect(calls.appendSample(id, time, bits)).toBe(0);
      const samples = wanted.get(id) ?? [];
      samples.push([time, bits]);
      wanted.set(id, samples);
    }
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
          expect(kernel.calls.lastTimeOf(id)).toBe(samples.at(-1)![0]);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('refuses what is not newer, and keeps what it has', () => {
    const kernel = freshHead();
    const { calls } = kernel;
    const id = calls.createSeries();
    calls.beginJournal(calls.allocate(JOURNAL_BYTES), JOURNAL_BYTES, 1);
    expect(calls.appendSample(id, START, 1n)).toBe(0);
    expect(calls.appendSample(id, START, 1n)).toBe(1);
    expect(calls.appendSample(id, START - 1n, 1n)).toBe(1);
    expect(calls.appendSample(id, START + 1n, 2n)).toBe(0);
    expect(samplesOf(kernel, id)).toEqual([
      [START, 1n],
      [START + 1n, 2n],
    ]);
  });

  it('gives back memory before a cutoff, and nothing after it', () => {
    fc.assert(
      fc.property(history, fc.double({ min: 0, max: 1, noNaN: true }), (readings, share) => {
        const kernel = freshHead();
        const { calls } = kernel;
        const { wanted } = play(kernel, readings);
        const all = [...wanted.values()]
          .flat()
          .map(([time]) => time)
          .sort((a, b) => Number(a - b));
        if (all.length === 0) return;
        const cutoff = all[Math.floor(share * (all.length - 1))]!;
        const empty = calls.allocate(4 * 64);
        const emptied = calls.dropBefore(cutoff, empty, 64);
        let left = 0;
        for (const [id, samples] of wanted) {
          const kept = samplesOf(kernel, id);
          const since = samples.filter(([time]) => time >= cutoff);
          // Whole chunks go, so some older ones may stay, but no newer one may be missing or changed.
          expect(kept).toEqual(samples.slice(samples.length - kept.length));
          expect(kept.length).toBeGreaterThanOrEqual(since.length);
          if (kept.length > 0) left++;
        }
        expect(emptied).toBe(wanted.size - left);
        // What goes on goes on.
        calls.beginRequest();
        for (const id of wanted.keys()) {
          const before = samplesOf(kernel, id);
          const time = START + 100_000_000n;
          expect(calls.appendSample(id, time, 42n)).toBe(0);
          expect(samplesOf(kernel, id)).toEqual([...before, [time, 42n]]);
        }
      }),
      { numRuns: 40 },
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
    const empty = calls.allocate(4 * 64);
    const round = (n: number): void => {
      const ids: number[] = [];
      calls.beginRequest();
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
        for (const id of ids) calls.appendSample(id, START + BigInt(n * 1000 + t), BigInt(t));
      }
      const emptied = calls.dropBefore(START + 10n ** 9n, empty, 64);
      expect(emptied).toBe(20);
      calls.forgetSeries(empty, emptied);
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
        expect(second.calls.replayJournal(record, used.length, 9, map, ids.length)).toBe(1);
        for (const [id, samples] of wanted) expect(samplesOf(second, id)).toEqual(samples);
        expect(second.calls.unplaced.value).toBe(0);
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
        calls.replayJournal(place(kernel, bytes), bytes.length, 1, map, ids.length);
      }),
    );
  });
});
