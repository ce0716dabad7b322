import { expect, test } from 'vitest';
import { chartSummary, statistics } from '../../../dashboard/chart/summary.ts';

test('statistics pass over what is missing', () => {
  expect(statistics([null, 2, null, 4, null])).toEqual({ last: 4, min: 2, mean: 3, max: 4 });
  expect(statistics([null])).toEqual({ last: null, min: null, mean: null, max: null });
});

test('a chart is told in words, the first six series of it', () => {
  expect(chartSummary('CPU', 'ratio', [{ name: 'user', values: [0.1, 0.5, 0.3] }])).toBe(
    'CPU, line chart. user: last 30.0 %, lowest 10.0 %, highest 50.0 %.',
  );
  expect(chartSummary('CPU', 'ratio', [{ name: 'user', values: [null] }])).toBe(
    'CPU, line chart. user: no values.',
  );
  expect(chartSummary('CPU', 'ratio', [])).toBe('CPU, line chart. No series.');
  const eight = Array.from({ length: 8 }, (_, i) => ({ name: `vCPU ${i}`, values: [1] }));
  expect(chartSummary('CPU', 'ratio', eight)).toMatch(/and 2 more\.$/);
});
