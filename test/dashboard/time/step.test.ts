import fc from 'fast-check';
import { expect, test } from 'vitest';
import { durationMs } from '../../../model/duration.ts';
import { alignSpan, liveIntervalMs, rateWindow, stepMsFor } from '../../../dashboard/time/step.ts';

const MINUTE = 60_000;

test.each([
  [5 * MINUTE, 600, 1000],
  [15 * MINUTE, 600, 1000],
  [60 * MINUTE, 600, 5000],
  [60 * MINUTE, 1600, 2000],
  [24 * 60 * MINUTE, 600, 120_000],
  [7 * 24 * 60 * MINUTE, 600, 900_000],
  [365 * 24 * 60 * MINUTE, 600, 43_200_000],
])('%i ms on %i px go in steps of %i ms', (spanMs, widthPx, stepMs) => {
  expect(stepMsFor(spanMs, widthPx)).toBe(stepMs);
});

test('steps are never shorter than the sampling, and never give more points than the server allows', () => {
  const span = fc.integer({ min: 5000, max: 3.2e11 });
  fc.assert(
    fc.property(span, fc.integer({ min: 0, max: 20_000 }), (spanMs, widthPx) => {
      const stepMs = stepMsFor(spanMs, widthPx, 1000);
      expect(stepMs).toBeGreaterThanOrEqual(1000);
      expect(stepMs % 1000).toBe(0);
      expect(spanMs / stepMs).toBeLessThan(11_000);
    }),
  );
});

test('the window of a rate holds four samples and spans a step', () => {
  expect(rateWindow(1000)).toBe('5s');
  expect(rateWindow(1000, 15_000)).toBe('1m15s');
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 86_400 }),
      fc.integer({ min: 1, max: 300 }),
      (step, sample) => {
        const windowMs = durationMs(rateWindow(step * 1000, sample * 1000));
        expect(windowMs).toBeGreaterThanOrEqual(step * 1000);
        expect(windowMs).toBeGreaterThanOrEqual(4 * sample * 1000);
      },
    ),
  );
});

test('spans are cut at whole steps', () => {
  expect(alignSpan({ fromMs: 1234, toMs: 9876 }, 1000)).toEqual({ fromMs: 1000, toMs: 9000 });
});

test('an hour is carried on each second, more in steps of at most a minute', () => {
  expect(liveIntervalMs(60 * MINUTE, 5000)).toBe(1000);
  expect(liveIntervalMs(6 * 60 * MINUTE, 30_000)).toBe(30_000);
  expect(liveIntervalMs(24 * 60 * MINUTE, 120_000)).toBe(60_000);
});
