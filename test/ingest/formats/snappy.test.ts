import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeSnappy } from '../../../ingest/formats/snappy.ts';
import { IngestFailure } from '../../../ingest/ingest.ts';
import { encodeSnappy, varint } from '../remote-write-encoder.ts';

const LIMIT = 1 << 20;

function failureOf(input: Uint8Array, limit = LIMIT): IngestFailure | undefined {
  try {
    decodeSnappy(input, limit);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof IngestFailure) return thrown;
    throw thrown;
  }
}

/** Bytes that repeat themselves, so that copies of all kinds occur. */
const repetitive = fc
  .array(
    fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 50 })),
    { maxLength: 30 },
  )
  .map((parts) => Buffer.concat(parts.flatMap(([bytes, times]) => Array(times).fill(bytes))));

test('decoding what was encoded gives the original', () => {
  fc.assert(
    fc.property(fc.oneof(repetitive, fc.uint8Array({ maxLength: 5000 })), (bytes) => {
      expect(Buffer.from(decodeSnappy(encodeSnappy(bytes), LIMIT)).equals(Buffer.from(bytes))).toBe(
        true,
      );
    }),
  );
});

test('copies from further away than 64 KiB', () => {
  const far = Buffer.concat([
    Buffer.from('begin-of-all'),
    Buffer.from(Uint32Array.from({ length: 20_000 }, (_, i) => i * 2_654_435_761).buffer),
    Buffer.from('begin-of-all'),
  ]);
  expect(Buffer.from(decodeSnappy(encodeSnappy(far), LIMIT)).equals(far)).toBe(true);
});

test('arbitrary bytes give their failure or a bounded output, nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(() => failureOf(bytes)).not.toThrow();
    }),
    { numRuns: 5000 },
  );
});

test('a damaged block never reads or writes out of bounds', () => {
  fc.assert(
    fc.property(repetitive, fc.nat(), fc.nat(255), (bytes, at, value) => {
      const block = Uint8Array.from(encodeSnappy(bytes));
      block[at % block.length] = value;
      expect(() => failureOf(block)).not.toThrow();
    }),
    { numRuns: 2000 },
  );
});

test('every truncation of a block is refused', () => {
  const block = encodeSnappy(Buffer.from('cpu cpu cpu cpu disk disk disk network'.repeat(3)));
  for (let length = 0; length < block.length; length++) {
    expect(failureOf(block.subarray(0, length))?.code).toBe('malformed');
  }
});

describe('lengths that lie', () => {
  test('1 GiB in 7 bytes is refused before memory is taken', () => {
    const bomb = Buffer.concat([varint(1 << 30), Uint8Array.of(0, 65)]);
    expect(bomb.length).toBe(7);
    const before = process.memoryUsage().arrayBuffers;
    expect(failureOf(bomb, 32 << 20)?.code).toBe('too-large');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });

  test('a length within the limit that the input cannot reach is refused, too', () => {
    const bomb = Buffer.concat([varint(30 << 20), Uint8Array.of(0, 65)]);
    const before = process.memoryUsage().arrayBuffers;
    expect(failureOf(bomb, 32 << 20)?.code).toBe('malformed');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });

  test.each([
    ['more than 32 bits', [0xff, 0xff, 0xff, 0xff, 0x7f, 0]],
    ['an endless varint', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ['nothing', []],
    ['a copy from before the beginning', [8, 0, 65, 1 | (3 << 2), 2]],
    ['a copy of distance 0', [8, 0, 65, 1 | (3 << 2), 0]],
    ['more than was claimed', [1, 1 << 2, 65, 66]],
    ['less than was claimed', [3, 1 << 2, 65, 66]],
    ['a literal length of 4 bytes beyond all', [9, 63 << 2, 255, 255, 255, 255, 0]],
  ])('%s', (_, bytes) => {
    expect(failureOf(Uint8Array.from(bytes))?.code).toBe('malformed');
  });
});
