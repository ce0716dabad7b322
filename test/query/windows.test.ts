import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { metric } from '../../model/labels.ts';
import { STALE, isStale } from '../../model/staleness.ts';
import { NO_TELEMETRY } from '../../platform/telemetry.ts';
import { DEFAULT_QUERIER_OPTIONS, openQuerier } from '../../query/open.ts';
import { MemoryReader } from '../promql/memory-reader.ts';
import { isClose } from '../promql/series-notation.ts';
import { testClock } from '../promql/test-clock.ts';

/**
 * The engine slides windows over columns; here each step looks at all samples again, written as plainly
 * as can be. Both must agree on any samples, grid, range and offset.
 */
type Sample = readonly [timeMs: number, value: number];

const growth = (window: readonly Sample[]): number =>
  window.reduce(
    (sum, [, value], i) => sum + (i > 0 && value < window[i - 1]![1] ? window[i - 1]![1] : 0),
    window.at(-1)![1] - window[0]![1],
  );

function naiveRate(window: readonly Sample[], startMs: number, endMs: number): number | undefined {
  if (window.length < 2) return undefined;
  const [firstMs, first] = window[0]!;
  const lastMs = window.at(-1)![0];
  const total = growth(window);
  const sampled = (lastMs - firstMs) / 1000;
  const gap = sampled / (window.length - 1);
  let before = (firstMs - startMs) / 1000;
  let after = (endMs - lastMs) / 1000;
  if (before >= gap * 1.1) before = gap / 2;
  if (total > 0 && first >= 0) before = Math.min(before, sampled * (first / total));
  if (after >= gap * 1.1) after = gap / 2;
  return (total * ((sampled + before + after) / sampled)) / ((endMs - startMs) / 1000);
}

type Oracle = (window: readonly Sample[], startMs: number, endMs: number) => number | undefined;

const values = (window: readonly Sample[]): number[] => window.map(([, value]) => value);
const numbers = (window: readonly Sample[]): number[] =>
  values(window).filter((value) => !Number.isNaN(value));

const ORACLES: Record<string, Oracle> = {
  rate: naiveRate,
  count_over_time: (window) => window.length,
  last_over_time: (window) => window.at(-1)![1],
  first_over_time: (window) => window[0]![1],
  max_over_time: (window) => (numbers(window).length > 0 ? Math.max(...numbers(window)) : NaN),
  min_over_time: (window) => (numbers(window).length > 0 ? Math.min(...numbers(window)) : NaN),
  ts_of_last_over_time: (window) => window.at(-1)![0] / 1000,
  resets: (window) => window.filter(([, value], i) => i > 0 && value < window[i - 1]![1]).length,
  changes: (window) =>
    window.filter(([, value], i) => i > 0 && !Object.is(value, window[i - 1]![1])).length,
  idelta: (window) => (window.length < 2 ? undefined : window.at(-1)![1] - window.at(-2)![1]),
  sum_over_time: (window) => values(window).reduce((sum, value) => sum + value, 0),
};

const samples = fc
  .uniqueArray(fc.integer({ min: 0, max: 300_000 }), { maxLength: 60 })
  .chain((times) =>
    fc.tuple(
      ...times
        .toSorted((a, b) => a - b)
        .map((time) =>
          fc.tuple(
            fc.constant(time),
            fc.oneof(
              { weight: 20, arbitrary: fc.integer({ min: 0, max: 1000 }) },
              { weight: 1, arbitrary: fc.constantFrom(NaN, STALE) },
            ),
          ),
        ),
    ),
  );

const grid = fc.record({
  startMs: fc.integer({ min: -50_000, max: 300_000 }),
  stepMs: fc.integer({ min: 1, max: 60_000 }),
  count: fc.integer({ min: 1, max: 30 }),
});

async function ask(
  rows: readonly Sample[],
  text: string,
  { startMs, stepMs, count }: { startMs: number; stepMs: number; count: number },
): Promise<Map<number, number>> {
  const reader = new MemoryReader();
  for (const [timeMs, value] of rows) reader.add(metric('x'), timeMs, value);
  const querier = openQuerier(DEFAULT_QUERIER_OPTIONS, reader, {
    clock: testClock(),
    telemetry: NO_TELEMETRY,
  });
  const endMs = startMs + (count - 1) * stepMs;
  const { value } = await querier.range({ text, startMs, endMs, stepMs });
  const [series] = value.series;
  return new Map([...(series?.times ?? [])].map((time, i) => [time, series!.values[i]!]));
}

describe('windows agree with the plain way to compute them', () => {
  test.each(Object.entries(ORACLES))('%s', async (name, oracle) => {
    await fc.assert(
      fc.asyncProperty(
        samples,
        grid,
        fc.integer({ min: 1, max: 120_000 }),
        fc.integer({ min: -30_000, max: 30_000 }),
        async (rows, steps, rangeMs, offsetMs) => {
          const got = await ask(rows, `${name}(x[${rangeMs}ms] offset ${offsetMs}ms)`, steps);
          for (let step = 0; step < steps.count; step++) {
            const timeMs = steps.startMs + step * steps.stepMs;
            const endMs = timeMs - offsetMs;
            const window = rows.filter(
              ([at, value]) => at > endMs - rangeMs && at <= endMs && !isStale(value),
            );
            const wanted = window.length === 0 ? undefined : oracle(window, endMs - rangeMs, endMs);
            const shown = `at ${timeMs}: ${got.get(timeMs)}, not ${wanted}`;
            expect(got.has(timeMs), shown).toBe(wanted !== undefined);
            if (wanted !== undefined) expect(isClose(got.get(timeMs)!, wanted), shown).toBe(true);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('the newest sample within the look-back', async () => {
    await fc.assert(
      fc.asyncProperty(samples, grid, async (rows, steps) => {
        const got = await ask(rows, 'x', steps);
        for (let step = 0; step < steps.count; step++) {
          const timeMs = steps.startMs + step * steps.stepMs;
          const newest = rows.filter(([at]) => at <= timeMs && at > timeMs - 300_000).at(-1);
          const wanted = newest && !isStale(newest[1]) ? newest[1] : undefined;
          expect(got.has(timeMs)).toBe(wanted !== undefined);
          if (wanted !== undefined) expect(isClose(got.get(timeMs)!, wanted)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('a range query is instant queries in a row', async () => {
    const queries = fc.constantFrom(
      'x + x offset 10s',
      'sum_over_time(x[30s:7s])',
      'x > 500 or -x',
      'topk(1, x)',
      'absent(x)',
      'rate(x[1m] @ end())',
      'max_over_time(sum(x)[1m:10s] offset 5s)',
      'increase(x[40s] smoothed)',
      'increase(x[40s] anchored)',
    );
    await fc.assert(
      fc.asyncProperty(samples, grid, queries, async (rows, steps, text) => {
        const reader = new MemoryReader();
        for (const [timeMs, value] of rows) reader.add(metric('x'), timeMs, value);
        const platform = { clock: testClock(), telemetry: NO_TELEMETRY };
        const querier = openQuerier(DEFAULT_QUERIER_OPTIONS, reader, platform);
        const endMs = steps.startMs + (steps.count - 1) * steps.stepMs;
        const whole = await querier.range({ text, ...steps, endMs });
        for (let step = 0; step < steps.count; step++) {
          const timeMs = steps.startMs + step * steps.stepMs;
          const pinned = text.replace('end()', String(endMs / 1000));
          const { value } = await querier.instant({ text: pinned, timeMs });
          const wanted = value.kind === 'vector' ? value.elements.map((each) => each.value) : [];
          const got = whole.value.series.flatMap(({ times, values }) => {
            const row = times.indexOf(timeMs);
            return row === -1 ? [] : [values[row]!];
          });
          expect(got).toEqual(wanted);
        }
      }),
      { numRuns: 150 },
    );
  });
});
