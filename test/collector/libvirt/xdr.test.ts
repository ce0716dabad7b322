import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LibvirtFailure } from '../../../collector/sources/libvirt/failure.ts';
import { readDomainStats } from '../../../collector/sources/libvirt/protocol.ts';
import {
  STRING_BYTES_MAX,
  TextCache,
  XdrReader,
  XdrWriter,
} from '../../../collector/sources/libvirt/xdr.ts';

const bytesOf = (...words: readonly number[]): Uint8Array => {
  const writer = new XdrWriter();
  for (const word of words) writer.uint32(word);
  return writer.finish();
};

describe('what was written is what is read', () => {
  test('numbers, strings, optional strings and opaque bytes, in any order', () => {
    const item = fc.oneof(
      fc.record({ kind: fc.constant('uint32' as const), value: fc.nat(0xffff_ffff) }),
      fc.record({ kind: fc.constant('int32' as const), value: fc.integer() }),
      fc.record({ kind: fc.constant('string' as const), value: fc.string({ unit: 'grapheme' }) }),
      fc.record({
        kind: fc.constant('optional' as const),
        value: fc.option(fc.string(), { nil: undefined }),
      }),
      fc.record({ kind: fc.constant('opaque' as const), value: fc.uint8Array({ maxLength: 40 }) }),
    );
    fc.assert(
      fc.property(fc.array(item, { maxLength: 100, size: 'max' }), (items) => {
        const writer = new XdrWriter();
        for (const each of items) {
          if (each.kind === 'uint32') writer.uint32(each.value);
          else if (each.kind === 'int32') writer.int32(each.value);
          else if (each.kind === 'string') writer.string(each.value);
          else if (each.kind === 'optional') writer.optionalString(each.value);
          else writer.opaque(each.value);
        }
        const bytes = writer.finish();
        expect(bytes.length % 4).toBe(0);
        const reader = new XdrReader(bytes);
        for (const each of items) {
          if (each.kind === 'uint32') expect(reader.uint32()).toBe(each.value);
          else if (each.kind === 'int32') expect(reader.int32()).toBe(each.value);
          else if (each.kind === 'string') expect(reader.string()).toBe(each.value);
          else if (each.kind === 'optional') {
            expect(reader.optional(() => reader.string())).toBe(each.value);
          } else expect([...reader.opaque(each.value.length)]).toEqual([...each.value]);
        }
        expect(reader.remaining).toBe(0);
      }),
    );
  });

  test('64-bit numbers, exactly up to 2^53 and to the nearest double above', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 2n }), (value) => {
        const bytes = bytesOf(Number(value >> 32n), Number(value & 0xffff_ffffn));
        const read = new XdrReader(bytes).uint64();
        expect(Math.abs(read - Number(value))).toBeLessThanOrEqual(Number(value) * 2 ** -52);
        if (value <= 1n << 53n) expect(BigInt(read)).toBe(value);
      }),
    );
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const bits = BigInt.asUintN(64, BigInt(value));
        const bytes = bytesOf(Number(bits >> 32n), Number(bits & 0xffff_ffffn));
        expect(new XdrReader(bytes).int64()).toBe(value === 0 ? 0 : value);
      }),
    );
  });
});

test('remembered texts are the texts that were sent, however many there are', () => {
  const cache = new TextCache();
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 50 }), (texts) => {
      // More than the cache has places, so that some replace each other.
      const all = [...texts, ...Array.from({ length: 300 }, (_, i) => `${texts.length} ${i}`)];
      const writer = new XdrWriter();
      for (const text of [...all, ...all]) writer.string(text);
      const reader = new XdrReader(writer.finish());
      const plain = new XdrReader(writer.finish());
      for (let i = 0; i < all.length * 2; i++) expect(reader.string(cache)).toBe(plain.string());
    }),
  );
});

test('an unsigned number with all bits set is unknown, not eighteen quintillions', () => {
  expect(new XdrReader(bytesOf(0xffff_ffff, 0xffff_ffff)).uint64()).toBeNaN();
  expect(new XdrReader(bytesOf(0xffff_ffff, 0xffff_ffff)).int64()).toBe(-1);
});

describe('lengths are not believed', () => {
  test.each([
    ['a string longer than the message', bytesOf(9, 0, 0), (r: XdrReader) => r.string()],
    ['a string over the limit', bytesOf(STRING_BYTES_MAX + 1), (r: XdrReader) => r.string()],
    ['a string of 4 GiB', bytesOf(0xffff_ffff), (r: XdrReader) => r.string()],
    ['a list of 4 billion', bytesOf(0xffff_ffff, 1), (r: XdrReader) => r.count(4)],
    ['an optional that is neither', bytesOf(2, 1), (r: XdrReader) => r.optional(() => r.uint32())],
    ['half a number', new Uint8Array(3), (r: XdrReader) => r.uint32()],
    ['half a long number', bytesOf(1), (r: XdrReader) => r.uint64()],
    ['opaque bytes that are not there', bytesOf(1), (r: XdrReader) => r.opaque(16)],
  ])('%s', (_, bytes, read) => {
    expect(() => read(new XdrReader(bytes))).toThrow(
      expect.objectContaining({ code: 'protocol' }) as Error,
    );
  });

  test('whatever the bytes, statistics are read or refused as a protocol failure', () => {
    // Mostly small words, so that counts and types are often plausible.
    const word = fc.oneof(fc.nat(9), fc.nat(0xffff_ffff));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), (words) => {
        try {
          readDomainStats(new XdrReader(bytesOf(...words)));
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(LibvirtFailure);
          expect(thrown).toMatchObject({ code: 'protocol' });
        }
      }),
      { numRuns: 1000 },
    );
  });
});
