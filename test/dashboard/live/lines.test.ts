import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineDecoder } from '../../../dashboard/live/lines.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Cuts bytes at arbitrary places, in the middle of characters too. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
  return [...sorted, bytes.length].map((end, i) =>
    bytes.subarray(i === 0 ? 0 : sorted[i - 1], end),
  );
}

test('lines are the same however the bytes are cut', () => {
  const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/\s/g, '') || 'x');
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat()), (lines, places) => {
      const decoder = new LineDecoder();
      const bytes = bytesOf(lines.map((text) => `${text}\n`).join(''));
      expect(cut(bytes, places).flatMap((piece) => decoder.push(piece))).toEqual(lines);
    }),
  );
});

test('an unfinished line waits for its end', () => {
  const decoder = new LineDecoder();
  expect(decoder.push(bytesOf('{"a":'))).toEqual([]);
  expect(decoder.push(bytesOf('1}\r\n\n{"b"'))).toEqual(['{"a":1}']);
  expect(decoder.push(bytesOf(':2}\n'))).toEqual(['{"b":2}']);
});

test('a line without an end is refused at the limit, whole or in pieces', () => {
  expect(() => new LineDecoder(10).push(bytesOf('x'.repeat(11)))).toThrow(
    'more than 10 characters',
  );
  const decoder = new LineDecoder(10);
  decoder.push(bytesOf('x'.repeat(6)));
  expect(() => decoder.push(bytesOf('x'.repeat(6)))).toThrow('more than 10 characters');
  expect(new LineDecoder(10).push(bytesOf(`${'x'.repeat(10)}\n`))).toEqual(['x'.repeat(10)]);
});
