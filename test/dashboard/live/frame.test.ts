import { describe, expect, test } from 'vitest';
import { cutAfter, joinFrames, lastValueMs } from '../../../dashboard/live/frame.ts';
import type { Frame } from '../../../dashboard/live/frame.ts';

function frame(times: readonly number[], columns: Record<string, (number | null)[]>): Frame {
  const series = Object.entries(columns).map(([key, values]) => ({ key, labels: {}, values }));
  return { times, series };
}

describe('joinFrames', () => {
  test('keeps one axis when all have the same', () => {
    const joined = joinFrames([frame([1, 2], { a: [1, 2] }), frame([1, 2], { b: [3, null] })]);
    expect(joined).toEqual(frame([1, 2], { a: [1, 2], b: [3, null] }));
  });

  test('unites axes, with nothing where a series was not asked', () => {
    const joined = joinFrames([frame([1, 3], { a: [1, 3] }), frame([2, 3], { b: [20, 30] })]);
    expect(joined).toEqual(frame([1, 2, 3], { a: [1, null, 3], b: [null, 20, 30] }));
  });

  test('of nothing is nothing', () => {
    expect(joinFrames([])).toEqual(frame([], {}));
  });
});

test('the last value is the newest of any series, however many rows are empty after it', () => {
  expect(lastValueMs(frame([1, 2, 3], { a: [1, null, null], b: [1, 0, null] }))).toBe(2);
  expect(lastValueMs(frame([1], { a: [null] }))).toBeUndefined();
  expect(lastValueMs(frame([], {}))).toBeUndefined();
});

describe('cutAfter', () => {
  test('takes away what comes after the end, and leaves no nought', () => {
    const cut = cutAfter(frame([1, 2, 3], { a: [5, 6, 0] }), 2);
    expect(cut).toEqual(frame([1, 2, 3], { a: [5, 6, null] }));
  });

  test('leaves alone what has not ended', () => {
    const whole = frame([1, 2], { a: [1, 2] });
    expect(cutAfter(whole, null)).toBe(whole);
    expect(cutAfter(whole, 2)).toBe(whole);
  });
});
