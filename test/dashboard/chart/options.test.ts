import { describe, expect, test } from 'vitest';
import {
  chartOptions,
  drawnColumns,
  lonePositions,
  valueRange,
} from '../../../dashboard/chart/options.ts';
import type { ChartSeries, ChartShape } from '../../../dashboard/chart/options.ts';

function one(name: string, values: (number | null)[], mirrored = false): ChartSeries {
  return { key: name, name, values, token: '--series-1', dash: [], mirrored };
}

const COLOURS = {
  text: '#000000',
  grid: '#111111',
  zero: '#222222',
  card: '#333333',
  font: '11px sans-serif',
  of: () => '#0072b2',
};
const HOOKS = {
  span: () => [1000, 2000] as const,
  onCursor: () => {},
  onSelect: () => {},
  drawMarks: () => {},
};
const SIZE = { width: 600, height: 200, syncKey: 'page' };

function options(shape: ChartShape, series: readonly ChartSeries[]) {
  return chartOptions(shape, series, COLOURS, HOOKS, SIZE);
}

test('mirrored series are drawn below zero, gaps stay gaps', () => {
  expect(drawnColumns([one('in', [1, null]), one('out', [2, null], true)], 'lines')).toEqual([
    [1, null],
    [-2, null],
  ]);
});

describe('the range of values', () => {
  test('always holds zero', () => {
    const [low, high] = valueRange({ unit: 'bytes/s', layout: 'lines' }, 500, 1000);
    expect(low).toBe(0);
    expect(high).toBeGreaterThan(1000);
  });

  test('a share goes from 0 to 100 %, and further only when a value does', () => {
    const shape = { unit: 'ratio', layout: 'lines', fixedMax: 1 } as const;
    expect(valueRange(shape, 0.01, 0.02)).toEqual([0, 1]);
    expect(valueRange(shape, 0, 1.2)).toEqual([0, 1.2]);
    expect(valueRange(shape, null, null)).toEqual([0, 1]);
  });

  test('noise does not fill the chart', () => {
    const shape = { unit: 'bytes/s', layout: 'lines', maxAtLeast: 1000 } as const;
    expect(valueRange(shape, 0, 3)).toEqual([0, 1000]);
    expect(valueRange(shape, -3, 3)).toEqual([-1000, 1000]);
    expect(valueRange(shape, null, null)).toEqual([0, 1000]);
  });

  test('without values there is still an axis', () => {
    expect(valueRange({ unit: 'number', layout: 'lines' }, null, null)).toEqual([0, 1]);
  });
});

describe('chart options', () => {
  test('a drag does not zoom by itself, and is not told to the other charts', () => {
    const { cursor } = options({ unit: 'ratio', layout: 'lines' }, [one('a', [])]);
    expect(cursor?.drag).toMatchObject({ x: true, y: false, setScale: false });
    const told = (type: string): unknown =>
      (cursor?.sync?.filters?.pub as ((type: string) => boolean) | undefined)?.(type);
    expect(cursor?.sync?.key).toBe('page');
    expect([told('mousemove'), told('mouseleave')]).toEqual([true, true]);
    expect([told('mousedown'), told('mouseup'), told('dblclick')]).toEqual([false, false, false]);
  });

  test('a stack fills between its layers', () => {
    const { bands, series } = options({ unit: 'bytes', layout: 'stacked' }, [
      one('used', []),
      one('cache', []),
      one('free', []),
    ]);
    expect(bands?.map((band) => band.series)).toEqual([
      [2, 1],
      [3, 2],
    ]);
    // The first entry is the axis of time.
    expect(series.map((line) => 'fill' in line)).toEqual([false, true, false, false]);
  });

  test('many lines are not filled', () => {
    const { series } = options({ unit: 'ratio', layout: 'lines' }, [one('a', []), one('b', [])]);
    expect(series.some((line) => 'fill' in line)).toBe(false);
  });
});

test('a value between two gaps is found, as it makes no line', () => {
  expect(lonePositions([1, null, 2, null, 3, 4])).toEqual([0, 2]);
  expect(lonePositions([1, 2, 3])).toBeNull();
  expect(lonePositions([])).toBeNull();
});
