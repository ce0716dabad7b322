import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRfc3339, rfc3339 } from '../../server/time-text.ts';

test('agrees with the runtime on every time', () => {
  const times = fc.integer({ min: Date.UTC(1, 0), max: Date.UTC(9999, 11, 31) });
  fc.assert(
    fc.property(times, (timeMs) => {
      expect(rfc3339(timeMs)).toBe(new Date(timeMs).toISOString());
      expect(parseRfc3339(rfc3339(timeMs))).toBe(timeMs);
    }),
  );
});

test.each([
  ['2024-02-29T12:00:00Z', Date.UTC(2024, 1, 29, 12)],
  ['2024-02-29T12:00:00.123456789Z', Date.UTC(2024, 1, 29, 12, 0, 0, 123)],
  ['2024-02-29T12:00:00+02:30', Date.UTC(2024, 1, 29, 9, 30)],
  ['2024-02-29t12:00:00-01:00', Date.UTC(2024, 1, 29, 13)],
])('%s', (text, timeMs) => {
  expect(parseRfc3339(text)).toBe(timeMs);
});

test.each([
  '2023-02-29T12:00:00Z',
  '2024-13-01T00:00:00Z',
  '2024-01-01',
  '2024-01-01T25:00:00Z',
  'now',
  '',
])('%j is no time', (text) => {
  expect(parseRfc3339(text)).toBeUndefined();
});
