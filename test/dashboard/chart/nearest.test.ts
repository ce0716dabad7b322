import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TOOLTIP_ROWS_MAX, nearestRows } from '../../../dashboard/chart/nearest.ts';

test('the line nearest to the pointer comes first', () => {
  const values = [5, 1, null, 9];
  expect(nearestRows(values, values, 8)).toEqual({
    rows: [
      { index: 3, value: 9 },
      { index: 0, value: 5 },
      { index: 1, value: 1 },
    ],
    more: 0,
  });
});

test('distance is measured where the line is drawn, the value told is its own', () => {
  // Stacked: 3 lies on 2; mirrored: 4 is drawn at -4.
  expect(nearestRows([2, 5, -4], [2, 3, 4], -3).rows[0]).toEqual({ index: 2, value: 4 });
  expect(nearestRows([2, 5, -4], [2, 3, 4], 5).rows[0]).toEqual({ index: 1, value: 3 });
});

test('at most ten are told, and how many more there are', () => {
  const column = fc.array(
    fc.option(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { nil: null }),
  );
  fc.assert(
    fc.property(column, fc.double({ noNaN: true, min: -1e6, max: 1e6 }), (values, pointer) => {
      const { rows, more } = nearestRows(values, values, pointer);
      const present = values.filter((value) => value !== null).length;
      expect(rows.length).toBe(Math.min(present, TOOLTIP_ROWS_MAX));
      expect(rows.length + more).toBe(present);
      const distances = rows.map(({ value }) => Math.abs(value - pointer));
      expect([...distances].sort((a, b) => a - b)).toEqual(distances);
    }),
  );
});
