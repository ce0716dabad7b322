import fc from 'fast-check';
import { expect, test } from 'vitest';
import { civilDate, daysOfDate } from '../../model/civil-date.ts';

test('a date and its day are each other, and are those of the language', () => {
  fc.assert(
    fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), (days) => {
      const date = civilDate(days);
      const known = new Date(days * 86_400_000);
      expect(date).toEqual({
        year: known.getUTCFullYear(),
        month: known.getUTCMonth() + 1,
        day: known.getUTCDate(),
      });
      expect(daysOfDate(date)).toBe(days);
    }),
  );
});

test('a leap day is one, and a century without', () => {
  expect(
    daysOfDate({ year: 2024, month: 3, day: 1 }) - daysOfDate({ year: 2024, month: 2, day: 28 }),
  ).toBe(2);
  expect(
    daysOfDate({ year: 1900, month: 3, day: 1 }) - daysOfDate({ year: 1900, month: 2, day: 28 }),
  ).toBe(1);
  expect(civilDate(0)).toEqual({ year: 1970, month: 1, day: 1 });
});
