import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  DEFAULT_RANGE,
  SPAN_MS_MIN,
  between,
  equalRanges,
  isLive,
  lastMs,
  momentText,
  parseMoment,
  parseRange,
  rangeLabel,
  rangeSearch,
  resolveRange,
  shifted,
  widened,
} from '../../../dashboard/time/range.ts';

const NOW = 1_795_408_000_000;

describe('parseMoment', () => {
  test.each([
    ['now', { kind: 'ago', ms: 0 }],
    ['now-15m', { kind: 'ago', ms: 900_000 }],
    ['now-1h30m', { kind: 'ago', ms: 5_400_000 }],
    [' 1795408000000 ', { kind: 'at', ms: 1_795_408_000_000 }],
    ['2026-11-23T04:00:00Z', { kind: 'at', ms: Date.UTC(2026, 10, 23, 4) }],
  ])('reads %s', (text, moment) => {
    expect(parseMoment(text)).toEqual(moment);
  });

  test.each(['', 'now+5m', 'now-', 'now-5', 'yesterday', '-5', '1e300', '99999999999999999'])(
    'does not read "%s"',
    (text) => {
      expect(parseMoment(text)).toBeUndefined();
    },
  );

  test('never throws, and reads back what it writes', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseMoment(text)));
    const ms = fc.integer({ min: 0, max: 4e12 });
    fc.assert(
      fc.property(ms, fc.constantFrom('ago' as const, 'at' as const), (ms, kind) => {
        expect(parseMoment(momentText({ kind, ms }))).toEqual({ kind, ms });
      }),
    );
  });
});

describe('parseRange', () => {
  test('reads both ends; the end is now unless given', () => {
    expect(parseRange('now-5m', 'now')).toEqual(lastMs(300_000));
    expect(parseRange('now-5m', undefined)).toEqual(lastMs(300_000));
    expect(parseRange('1000', '61000')).toEqual(between(1000, 61_000));
  });

  test.each([
    [undefined, 'now'],
    ['now', 'now-5m'],
    ['now-2s', 'now'],
    ['2000', '1000'],
    ['rubbish', 'now'],
    ['now-5m', 'rubbish'],
  ])('makes no range of %s to %s', (from, to) => {
    expect(parseRange(from, to)).toBeUndefined();
  });

  test('the URL says nothing for the default and reads back otherwise', () => {
    expect(rangeSearch(DEFAULT_RANGE)).toEqual({});
    const ranges = fc.oneof(
      fc.integer({ min: SPAN_MS_MIN, max: 1e10 }).map(lastMs),
      fc
        .tuple(fc.integer({ min: 0, max: 2e12 }), fc.integer({ min: SPAN_MS_MIN, max: 1e10 }))
        .map(([from, span]) => between(from, from + span)),
    );
    fc.assert(
      fc.property(ranges, (range) => {
        const { from, to } = rangeSearch(range);
        const read = from === undefined ? DEFAULT_RANGE : parseRange(from, to);
        expect(read !== undefined && equalRanges(read, range)).toBe(true);
      }),
    );
  });

  test('a page with a default of its own names the usual one', () => {
    expect(rangeSearch(DEFAULT_RANGE, between(0, 1e6))).toEqual({ from: 'now-15m', to: 'now' });
  });
});

test('only what ends now follows now', () => {
  expect(isLive(lastMs(1e6))).toBe(true);
  expect(isLive(between(1, 1e6))).toBe(false);
  expect(isLive(parseRange('now-2h', 'now-1h')!)).toBe(false);
});

test('a resolved range has a beginning before its end, whatever the URL says', () => {
  expect(resolveRange(lastMs(60_000), NOW)).toEqual({ fromMs: NOW - 60_000, toMs: NOW });
  // A mixed range may turn around as time passes.
  const turned = resolveRange(parseRange(String(NOW + 1e6), 'now')!, NOW);
  expect(turned).toEqual({ fromMs: NOW - SPAN_MS_MIN, toMs: NOW });
  expect(resolveRange(parseRange('0', 'now')!, NOW).fromMs).toBeGreaterThan(0);
});

describe('moving', () => {
  test('earlier goes back half a range and stands still', () => {
    expect(shifted(lastMs(60_000), NOW, -1)).toEqual(between(NOW - 90_000, NOW - 30_000));
  });

  test('later never passes now', () => {
    expect(shifted(between(NOW - 70_000, NOW - 10_000), NOW, 1)).toEqual(
      between(NOW - 60_000, NOW),
    );
  });

  test('twice the range keeps following, or grows to both sides', () => {
    expect(widened(lastMs(60_000), NOW)).toEqual(lastMs(120_000));
    expect(widened(between(1_000_000, 1_060_000), NOW)).toEqual(between(970_000, 1_090_000));
  });
});

test('labels are words', () => {
  expect(rangeLabel(lastMs(900_000), NOW)).toBe('Last 15 minutes');
  expect(rangeLabel(lastMs(3_600_000), NOW)).toBe('Last 1 hour');
  expect(rangeLabel(lastMs(90_061_000), NOW)).toBe('Last 90061 seconds');
  const from = new Date(2026, 10, 23, 4, 0, 0).getTime();
  expect(rangeLabel(between(from, from + 300_000), NOW, 'en-GB')).toBe(
    '23 Nov 04:00:00 – 04:05:00',
  );
});
