import { expect, test } from 'vitest';
import { localText, parseLocal } from '../../../dashboard/time/local.ts';

test('a moment survives the field it is edited in, to the second', () => {
  const ms = new Date(2026, 10, 3, 4, 5, 6).getTime();
  expect(localText(ms)).toBe('2026-11-03T04:05:06');
  expect(parseLocal(localText(ms))).toBe(ms);
  expect(parseLocal('2026-11-03T04:05')).toBe(ms - 6000);
});

test('an empty or broken field is no moment', () => {
  expect(parseLocal('')).toBeUndefined();
  expect(parseLocal('2026-13-99')).toBeUndefined();
});
