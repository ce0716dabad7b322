import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { durationMs, durationText, parseDuration } from '../../model/duration.ts';

describe('durations', () => {
  const known: readonly (readonly [string, number | undefined])[] = [
    ['0', 0],
    ['0s', 0],
    ['1ms', 1],
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['1y2w3d4h5m6s7ms', 31_536_000_000 + 2 * 604_800_000 + 3 * 86_400_000 + 14_706_007],
    ['15d', 15 * 86_400_000],
    ['5m5ms', 300_005],
    ['', undefined],
    ['5', undefined],
    ['1.5h', undefined],
    ['-5m', undefined],
    ['5m1h', undefined],
    ['5m5m', undefined],
    [' 5m', undefined],
    ['5M', undefined],
    ['99999999999999999y', undefined],
    ['1s'.repeat(100), undefined],
  ];
  for (const [text, ms] of known) {
    test(`"${text.slice(0, 20)}" is ${ms === undefined ? 'none' : `${ms} ms`}`, () => {
      expect(parseDuration(text)).toBe(ms);
    });
  }

  test('what is written is read back the same', () => {
    fc.assert(
      fc.property(fc.nat({ max: 10_000_000_000_000 }), (ms) => {
        expect(parseDuration(durationText(ms))).toBe(ms);
      }),
    );
  });

  test('any text is read or refused, never thrown at', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const ms = parseDuration(text);
        expect(ms === undefined || Number.isSafeInteger(ms)).toBe(true);
      }),
    );
  });

  test('a text that must be a duration and is none fails with an example', () => {
    expect(durationMs('2m')).toBe(120_000);
    expect(() => durationMs('soon')).toThrow(/"soon" is not a duration.*30s/);
  });
});
