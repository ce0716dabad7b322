import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LiveBuffer, SERIES_MAX } from '../../../dashboard/live/buffer.ts';
import { seriesKey } from '../../../dashboard/live/event.ts';
import type { Frame } from '../../../dashboard/live/frame.ts';

const GAP_MS = 3000;
const A = { device: 'a' };
const B = { device: 'b' };
const values = (...numbers: number[]): Float64Array => Float64Array.from(numbers);

/** Times, and the column of each device. */
function picture(buffer: LiveBuffer): [readonly number[], Record<string, readonly unknown[]>] {
  const { times, series } = buffer.frame();
  return [
    times,
    Object.fromEntries(series.map(({ labels, values }) => [labels['device']!, values])),
  ];
}

function history(times: number[], columns: Record<string, (number | null)[]>): Frame {
  const series = Object.entries(columns).map(([device, values]) => {
    return { key: seriesKey({ device }), labels: { device }, values };
  });
  return { times, series };
}

describe('ticks', () => {
  test('become points of the series they belong to', () => {
    const buffer = new LiveBuffer(10);
    buffer.setSeries([A, B]);
    buffer.push(1000, values(1, 10), GAP_MS);
    buffer.push(2000, values(2, NaN), GAP_MS);
    expect(picture(buffer)).toEqual([[1000, 2000], { a: [1, 2], b: [10, null] }]);
    expect([...buffer.latest()]).toEqual([[seriesKey(A), 2]]);
  });

  test('follow a change of the series set; what is gone keeps its past and gets no values', () => {
    const buffer = new LiveBuffer(10);
    buffer.setSeries([A, B]);
    buffer.push(1000, values(1, 10), GAP_MS);
    buffer.setSeries([B]);
    buffer.push(2000, values(20), GAP_MS);
    buffer.setSeries([B, A]);
    buffer.push(3000, values(30, 3), GAP_MS);
    expect(picture(buffer)).toEqual([[1000, 2000, 3000], { a: [1, null, 3], b: [10, 20, 30] }]);
  });

  test('that come twice or late are ignored', () => {
    const buffer = new LiveBuffer(10);
    buffer.setSeries([A]);
    buffer.push(2000, values(2), GAP_MS);
    buffer.push(2000, values(9), GAP_MS);
    buffer.push(1000, values(9), GAP_MS);
    expect(picture(buffer)).toEqual([[2000], { a: [2] }]);
  });

  test('after an interruption leave a gap, not a line', () => {
    const buffer = new LiveBuffer(10);
    buffer.setSeries([A]);
    buffer.push(1000, values(1), GAP_MS);
    buffer.push(9000, values(9), GAP_MS);
    expect(picture(buffer)).toEqual([[1000, 1001, 9000], { a: [1, null, 9] }]);
  });

  test('infinity has no place on the axis', () => {
    const buffer = new LiveBuffer(10);
    buffer.setSeries([A]);
    buffer.push(1000, values(Infinity), GAP_MS);
    expect(picture(buffer)).toEqual([[1000], { a: [null] }]);
  });
});

describe('a history', () => {
  test('goes under ticks that came before it', () => {
    const buffer = new LiveBuffer(10);
    buffer.setSeries([A]);
    buffer.push(3000, values(3), GAP_MS);
    buffer.push(4000, values(4), GAP_MS);
    buffer.seed(history([1000, 2000, 3000], { a: [1, 2, 33], b: [null, 20, 30] }));
    expect(picture(buffer)).toEqual([
      [1000, 2000, 3000, 4000],
      { a: [1, 2, 33, 4], b: [null, 20, 30, null] },
    ]);
  });

  test('that comes again fills the gap of an interruption', () => {
    const buffer = new LiveBuffer(10);
    buffer.setSeries([A]);
    buffer.push(1000, values(1), GAP_MS);
    buffer.push(9000, values(9), GAP_MS);
    buffer.seed(history([1000, 3000, 5000, 7000], { a: [1, 3, 5, 7] }));
    expect(picture(buffer)).toEqual([[1000, 3000, 5000, 7000, 9000], { a: [1, 3, 5, 7, 9] }]);
  });
});

test('trimming drops what has left the window, and series that nothing is known of any more', () => {
  const buffer = new LiveBuffer(10);
  buffer.setSeries([A, B]);
  for (let time = 1; time <= 5; time++) buffer.push(time * 1000, values(time, NaN), GAP_MS);
  buffer.setSeries([A]);
  buffer.trim(4000);
  // One point before the edge stays, so that the line reaches it.
  expect(picture(buffer)).toEqual([[3000, 4000, 5000], { a: [3, 4, 5] }]);
});

test('series beyond the limit are counted, not kept', () => {
  const buffer = new LiveBuffer(4);
  buffer.setSeries(Array.from({ length: SERIES_MAX + 5 }, (_, i) => ({ device: String(i) })));
  expect(buffer.seriesDropped).toBe(5);
  buffer.push(1000, new Float64Array(SERIES_MAX + 5).fill(1), GAP_MS);
  expect(buffer.frame().series).toHaveLength(SERIES_MAX);
});

test('however long it runs, it holds the newest points in order and no more than twice its size', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 20 }),
      fc.array(fc.integer({ min: 1, max: 2 * GAP_MS }), { maxLength: 200 }),
      (pointsMax, pauses) => {
        const buffer = new LiveBuffer(pointsMax);
        buffer.setSeries([A]);
        const pushed: number[] = [];
        let time = 0;
        for (const pause of pauses) {
          time += pause;
          pushed.push(time);
          buffer.push(time, values(time), GAP_MS);
        }
        const { times, series } = buffer.frame();
        expect(times.length).toBeLessThanOrEqual(pointsMax * 2);
        expect([...times].sort((a, b) => a - b)).toEqual(times);
        const kept = (series[0]?.values ?? []).filter((value) => value !== null);
        expect(kept).toEqual(pushed.slice(pushed.length - kept.length));
        expect(buffer.lastTimeMs).toBe(pushed.at(-1));
      },
    ),
  );
});
