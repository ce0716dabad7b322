import { describe, expect, test } from 'vitest';
import { metric } from '../../model/labels.ts';
import { planMerge } from '../../store/embedded/compaction.ts';
import type { MergeCandidate } from '../../store/embedded/compaction.ts';
import { windowMs, windowOf } from '../../store/embedded/tuning.ts';
import { simulatedPlatform } from '../simulation/simulated-platform.ts';
import {
  DAY_MS,
  DIRECTORY,
  EVERYTHING,
  Ledger,
  batchOf,
  openSmall,
  readAll,
  row,
} from './scenario.ts';

const HOUR_MS = 3_600_000;

describe('what to merge', () => {
  const options = { windowMs: 100, nowMs: 1000, factor: 3 };
  function block(sequence: number, minTimeMs: number, samples: number, level = 0): MergeCandidate {
    return { meta: { sequence, level, minTimeMs, samples } };
  }
  function planned(blocks: readonly MergeCandidate[]): readonly number[] | undefined {
    return planMerge(blocks, options)?.map(({ meta }) => meta.sequence);
  }

  test('is nothing while a window has few blocks', () => {
    expect(planned([])).toBeUndefined();
    expect(planned([block(1, 1000, 10), block(2, 1010, 10)])).toBeUndefined();
  });

  test('is as many blocks of one level as the factor says', () => {
    expect(planned([1000, 1010, 1020].map((at, i) => block(i, at, 10)))).toEqual([0, 1, 2]);
    const levels = [block(0, 1000, 10, 1), block(1, 1010, 10), block(2, 1020, 10)];
    expect(planned(levels)).toBeUndefined();
  });

  test('never crosses windows', () => {
    expect(planned([1000, 1110, 1220].map((at, i) => block(i, at, 10)))).toBeUndefined();
  });

  test('is the rest of a window that is past, unless one is far larger than the others', () => {
    expect(planned([block(1, 0, 10), block(2, 10, 30, 1)])).toEqual([1, 2]);
    expect(planned([block(1, 0, 10), block(2, 10, 300, 1)])).toBeUndefined();
    expect(planned([block(1, 0, 10), block(2, 10, 300, 1), block(3, 20, 12)])).toEqual([1, 3]);
  });
});

describe('windows of time', () => {
  test('grow with retention, so that their number does not', () => {
    expect(windowMs(HOUR_MS)).toBe(2 * HOUR_MS);
    expect(windowMs(16 * DAY_MS)).toBe(DAY_MS);
  });

  test('have an end, however far in the future a sample lies', () => {
    const span = { windowMs: 100, nowMs: 1000 };
    expect([0, 99, 100, 1000, 1100, 1e15].map((timeMs) => windowOf(timeMs, span))).toEqual([
      0, 0, 1, 10, 11, 11,
    ]);
  });
});

describe('a store that runs for days', () => {
  test('keeps few files, drops what is too old, and answers right all the time', async () => {
    const platform = simulatedPlatform(1);
    const store = await openSmall(platform, {
      retentionMs: 2 * DAY_MS,
      tuning: { headSamplesMax: 500, headAgeMaxMs: HOUR_MS, maintenanceIntervalMs: 300_000 },
    });
    const ledger = new Ledger();
    let removed = false;
    for (let step = 0; step < 4 * 24 * 6; step++) {
      const rows = Array.from({ length: 5 }, (_, i) =>
        row(`metric_${i}`, platform.clock.now() + i, step * i),
      );
      ledger.sent(rows);
      await store.append(batchOf(rows));
      await platform.clock.advance(600_000);
      expect(store.stats().blocks).toBeLessThan(40);
      removed ||= platform.log.lines.some(({ message }) => message.includes('beyond retention'));
    }
    expect(removed).toBe(true);
    const names = await platform.files.list(DIRECTORY);
    expect(names.filter((name) => name.startsWith('block'))).toHaveLength(store.stats().blocks);
    expect(platform.files.openFiles).toBeLessThanOrEqual(store.stats().blocks + 1);
    const answer = await readAll(store);
    expect(ledger.breaches(answer).filter((breach) => !breach.startsWith('lost'))).toEqual([]);
    // Two days at ten minutes, less the step that is at the edge.
    for (const { times } of answer) expect(times.length).toBeGreaterThanOrEqual(287);
    expect(store.stats().oldestMs!).toBeGreaterThan(
      platform.clock.now() - 2 * DAY_MS - 4 * HOUR_MS,
    );
    await store.close();
    expect(platform.files.openFiles).toBe(0);
    expect(platform.clock.pendingWakes).toBe(0);
  }, 60_000);

  test('forgets series of which nothing is left', async () => {
    const platform = simulatedPlatform(2);
    const store = await openSmall(platform, { retentionMs: 4 * HOUR_MS, seriesMax: 12 });
    for (let hour = 0; hour < 40; hour++) {
      const outcome = await store.append(
        batchOf(
          [0, 1].map((i) => ({
            labels: metric('churn', { hour: String(hour), i: String(i) }),
            timeMs: platform.clock.now(),
            value: i,
          })),
        ),
      );
      // The limit is on live series: those of a day ago do not count.
      expect(outcome.refused).toEqual([]);
      await platform.clock.advance(HOUR_MS);
    }
    const hours = await store.labelValues('hour', EVERYTHING);
    expect(hours.length).toBeLessThanOrEqual(5);
    expect(store.stats().liveSeries).toBeLessThanOrEqual(12);
    await store.close();
  });

  test('reads on while blocks are merged and removed', async () => {
    const platform = simulatedPlatform(3, { diskLatencyMs: () => 3 });
    const store = await platform.clock.complete(openSmall(platform));
    const ledger = new Ledger();
    const base = platform.clock.now() - HOUR_MS;
    for (let round = 0; round < 30; round++) {
      const rows = Array.from({ length: 10 }, (_, i) => row('a', base + round * 100 + i, i));
      ledger.sent(rows);
      const outcome = await platform.clock.complete(store.append(batchOf(rows)));
      ledger.stored(rows, outcome);
      const reading = readAll(store);
      await platform.clock.advance(700);
      expect(ledger.breaches(await platform.clock.complete(reading))).toEqual([]);
    }
    expect(platform.log.lines.some(({ message }) => message === 'blocks were merged')).toBe(true);
    await platform.clock.complete(store.close());
    expect(platform.files.openFiles).toBe(0);
  });

  test('writes the head while a merge takes long', async () => {
    const slow = { diskLatencyMs: (operation: string) => (operation === 'readAt' ? 700 : 1) };
    const platform = simulatedPlatform(6, slow);
    const store = await platform.clock.complete(openSmall(platform));
    const base = platform.clock.now() - HOUR_MS;
    for (let round = 0; round < 60; round++) {
      const rows = Array.from({ length: 10 }, (_, i) => row('a', base + round * 100 + i, i));
      // Never `overloaded`: the head is written all the time.
      expect((await platform.clock.complete(store.append(batchOf(rows)))).stored).toBe(10);
      await platform.clock.advance(1000);
    }
    expect(platform.log.lines.some(({ message }) => message === 'blocks were merged')).toBe(true);
    await platform.clock.complete(store.close());
  });

  test('late samples find their duplicates in blocks, wherever those were merged to', async () => {
    const platform = simulatedPlatform(4);
    const store = await openSmall(platform);
    const base = platform.clock.now() - HOUR_MS;
    const rows = Array.from({ length: 200 }, (_, i) => row('a', base + i * 10, i));
    for (let i = 0; i < 200; i += 20) {
      await store.append(batchOf(rows.slice(i, i + 20)));
      await platform.clock.advance(1500);
    }
    expect(store.stats().blocks).toBeGreaterThan(0);
    expect(await store.append(batchOf(rows))).toEqual({ stored: 0, repeated: 200, refused: [] });
    const other = rows.map((one) => ({ ...one, value: one.value + 0.5 }));
    const conflict = await store.append(batchOf(other));
    expect(conflict).toMatchObject({ stored: 0, refused: [{ count: 200 }] });
    const between = rows.map((one) => ({ ...one, timeMs: one.timeMs + 5 })).reverse();
    expect((await store.append(batchOf(between))).stored).toBe(200);
    const [series] = await readAll(store);
    expect(series!.times.length).toBe(400);
    await store.close();
  });

  test('shows itself on its metrics', async () => {
    const platform = simulatedPlatform(5);
    const store = await openSmall(platform);
    const at = platform.clock.now();
    await store.append(batchOf([row('a', at, 1), row('b', at, 1)]));
    await store.append(batchOf([row('a', at, 1), row('b', at, 2)]));
    await platform.clock.advance(10_000);
    const { telemetry } = platform;
    expect(telemetry.value('nephoscope_store_samples_appended_total')).toBe(2);
    expect(telemetry.value('nephoscope_store_samples_repeated_total')).toBe(1);
    const conflict = { reason: 'timestamp-conflict' };
    expect(telemetry.value('nephoscope_store_samples_refused_total', conflict)).toBe(1);
    expect(telemetry.value('nephoscope_store_live_series')).toBe(2);
    expect(telemetry.value('nephoscope_store_newest_sample_timestamp_seconds')).toBe(at / 1000);
    expect(telemetry.value('nephoscope_store_journal_bytes')).toBe(store.stats().diskBytes);
    await store.close();
  });
});
