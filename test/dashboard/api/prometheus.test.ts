import { expect, test } from 'vitest';
import { matrixFrame } from '../../../dashboard/api/prometheus.ts';

const request = { startMs: 1000, endMs: 4000, stepMs: 1000 };

function answer(...values: [number, string][]) {
  return { data: { result: [{ metric: { device: 'sda' }, values }] } };
}

test('steps that are not in the answer are gaps on the grid of the request', () => {
  const frame = matrixFrame(answer([1, '1.5'], [3, '0']), request);
  expect(frame.times).toEqual([1000, 2000, 3000, 4000]);
  expect(frame.series[0]).toMatchObject({
    labels: { device: 'sda' },
    values: [1.5, null, 0, null],
  });
});

test('what is not a finite number is a gap', () => {
  const frame = matrixFrame(answer([1, 'NaN'], [2, '+Inf'], [3, '-Inf'], [4, '1e3']), request);
  expect(frame.series[0]!.values).toEqual([null, null, null, 1000]);
});

test('no series is an answer, too', () => {
  expect(matrixFrame({ data: { result: [] } }, request)).toMatchObject({ series: [] });
});
