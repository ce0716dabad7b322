import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stackUp } from '../../../dashboard/chart/stack.ts';

test('each layer is the sum of those below it', () => {
  expect(
    stackUp([
      [1, 2],
      [10, 20],
      [100, 200],
    ]),
  ).toEqual([
    [1, 2],
    [11, 22],
    [111, 222],
  ]);
});

test('a missing value adds nothing; where all are missing there is no layer', () => {
  expect(
    stackUp([
      [1, null, null],
      [null, 20, null],
    ]),
  ).toEqual([
    [1, 0, null],
    [1, 20, null],
  ]);
  expect(stackUp([])).toEqual([]);
});

test('layers of positive values never cross', () => {
  const value = fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }), { nil: null });
  const table = fc
    .integer({ min: 1, max: 20 })
    .chain((rows) =>
      fc.array(fc.array(value, { minLength: rows, maxLength: rows }), { minLength: 1 }),
    );
  fc.assert(
    fc.property(table, (columns) => {
      const layers = stackUp(columns);
      layers.slice(1).forEach((layer, below) => {
        layer.forEach((top, row) => {
          if (top !== null) expect(top).toBeGreaterThanOrEqual(layers[below]![row]!);
        });
      });
    }),
  );
});
