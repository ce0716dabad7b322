import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ageText,
  formatCapacity,
  formatTicks,
  formatValue,
} from '../../../dashboard/format/units.ts';
import type { Unit } from '../../../dashboard/format/units.ts';

const UNITS: readonly Unit[] = [
  'ratio',
  'bytes',
  'bytes/s',
  'seconds',
  'ops/s',
  'cores',
  'packets/s',
  'number',
];

describe('formatValue', () => {
  test.each<[Unit, number, string]>([
    ['ratio', 0.4213, '42.1 %'],
    ['ratio', 1, '100 %'],
    ['ratio', 0, '0 %'],
    ['bytes', 4 * 2 ** 30, '4.00 GiB'],
    ['bytes', 1536, '1.50 KiB'],
    ['bytes/s', 1536, '1.54 kB/s'],
    ['bytes/s', 999_600, '1.00 MB/s'],
    ['bytes/s', 12_345_678, '12.3 MB/s'],
    ['bytes/s', 0, '0 B/s'],
    ['seconds', 0.0123, '12.3 ms'],
    ['seconds', 0.0000021, '2.10 µs'],
    ['seconds', 0, '0 s'],
    ['ops/s', 1234, '1.23 kop/s'],
    ['packets/s', 12, '12.0 pkt/s'],
    ['cores', 3.456, '3.46 cores'],
    ['number', 0.5, '0.50'],
    ['number', -3, '−3.00'],
  ])('%s %d is %s', (unit, value, text) => {
    expect(formatValue(unit, value)).toBe(text);
  });

  test('what does not exist is a dash, not a nought', () => {
    for (const unit of UNITS) {
      expect(formatValue(unit, null)).toBe('–');
      expect(formatValue(unit, undefined)).toBe('–');
      expect(formatValue(unit, NaN)).toBe('–');
    }
    expect(formatValue('bytes', Infinity)).toBe('∞');
  });

  test('stays short enough for its column', () => {
    const sizes = fc.double({ min: 1e-9, max: 9.99e12, noNaN: true });
    fc.assert(
      fc.property(fc.constantFrom(...UNITS), sizes, (unit, value) => {
        const largest = unit === 'ratio' || unit === 'cores' || unit === 'seconds' ? 999 : 9.99e11;
        expect(formatValue(unit, Math.min(value, largest)).length).toBeLessThanOrEqual(11);
      }),
    );
  });
});

test('a capacity is told without needless decimals', () => {
  expect(formatCapacity('bytes', 4 * 2 ** 30)).toBe('4 GiB');
  expect(formatCapacity('bytes', 1.5 * 2 ** 30)).toBe('1.5 GiB');
  expect(formatCapacity('bytes', 100 * 2 ** 30)).toBe('100 GiB');
  expect(formatCapacity('cores', 384)).toBe('384 cores');
});

describe('formatTicks', () => {
  test('shares one prefix and tells neighbours apart', () => {
    expect(formatTicks('bytes/s', [0, 500_000, 1e6, 1.5e6])).toEqual([
      '0',
      '0.5 MB/s',
      '1.0 MB/s',
      '1.5 MB/s',
    ]);
    expect(formatTicks('ratio', [0, 0.25, 0.5])).toEqual(['0', '25 %', '50 %']);
    expect(formatTicks('seconds', [0, 0.0005, 0.001])).toEqual(['0', '0.5 ms', '1.0 ms']);
  });

  test('a mirrored axis shows sizes, not signs', () => {
    expect(formatTicks('bytes/s', [-2000, 0, 2000])).toEqual(['2 kB/s', '0', '2 kB/s']);
  });
});

test.each([
  [0, 'now'],
  [-500, 'now'],
  [7200, '7 s ago'],
  [119_000, '119 s ago'],
  [180_000, '3 min ago'],
  [7_200_000, '2 h ago'],
  [432_000_000, '5 d ago'],
])('%i ms are %s', (ms, text) => {
  expect(ageText(ms)).toBe(text);
});
