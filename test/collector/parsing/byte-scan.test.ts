import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteScan, bytesOf } from '../../../collector/parsing/byte-scan.ts';

function scanOf(text: string): ByteScan {
  const scan = new ByteScan();
  const bytes = bytesOf(text);
  // What stands behind the end belongs to an earlier, longer reading.
  const buffer = new Uint8Array(bytes.length + 8).fill('9'.charCodeAt(0));
  buffer.set(bytes);
  scan.load(buffer, bytes.length);
  return scan;
}

describe('numbers', () => {
  test('every unsigned 64-bit integer reads as its text would', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (integer) => {
        expect(scanOf(`${integer}`).number()).toBe(Number(`${integer}`));
      }),
    );
  });

  test('every decimal number reads as its text would', () => {
    const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.boolean(), digits, digits, (negative, whole, fraction) => {
        const text = `${negative ? '-' : ''}${whole.join('')}.${fraction.join('')}`;
        expect(scanOf(`\t ${text}\n`).number()).toBe(Number(text));
      }),
    );
  });

  test('every hexadecimal number up to 52 bits reads as its text would', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 52 }), fc.boolean(), (integer, prefixed) => {
        const text = `${prefixed ? '0x' : ''}${integer.toString(16)}`;
        expect(scanOf(text).hexadecimal()).toBe(integer);
      }),
    );
  });

  test.each(['', '-', 'x', '\n12', '.5', '--1'])(
    '%j is no number, and is not passed over',
    (text) => {
      const scan = scanOf(text);
      expect(scan.number()).toBeNaN();
      expect(scan.text(scan.at, scan.end)).toBe(text);
    },
  );

  test.each([
    ['12.', 12],
    ['12kB', 12],
    ['1 2', 1],
    ['1.2.3', 1.2],
  ])('of %j the number at the beginning is read', (text, number) => {
    expect(scanOf(text).number()).toBe(number);
  });
});

test('words and lines are what splitting gives', () => {
  const text = fc.stringMatching(/^[a-z0-9 \t\n]{0,60}$/);
  fc.assert(
    fc.property(text, (text) => {
      const scan = scanOf(text);
      const lines: string[][] = [];
      do {
        const words: string[] = [];
        while (scan.word()) words.push(scan.wordText());
        lines.push(words);
      } while (scan.nextLine());
      const expected = text
        .replace(/\n$/, '')
        .split('\n')
        .map((line) => line.split(/[ \t]+/).filter((word) => word !== ''));
      expect(lines).toEqual(expected);
    }),
  );
});

test('nothing throws or leaves the text, whatever the bytes are', () => {
  const step = fc.constantFrom(
    'number',
    'hexadecimal',
    'word',
    'nextLine',
    'lineEnd',
    'skipBlanks',
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.array(step), (bytes, steps) => {
      const scan = new ByteScan();
      scan.load(bytes, bytes.length);
      let before = 0;
      for (const name of steps) {
        scan[name as 'number']();
        expect(scan.at).toBeGreaterThanOrEqual(before);
        expect(scan.at).toBeLessThanOrEqual(scan.end);
        before = scan.at;
      }
    }),
  );
});
