import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesAt, freshKernel, place } from './kernel-fixture.ts';

const kernel = freshKernel();
const { calls } = kernel;

type Piece = { literal: Uint8Array } | { back: number; length: number };

/** Writes the pieces in the block format, and what they mean. */
function compose(pieces: readonly Piece[]): { compressed: Uint8Array; plain: Uint8Array } {
  const plain: number[] = [];
  const body: number[] = [];
  for (const piece of pieces) {
    if ('literal' in piece) {
      const { length } = piece.literal;
      if (length === 0) continue;
      if (length <= 60) body.push((length - 1) << 2);
      else if (length <= 256) body.push(60 << 2, length - 1);
      else body.push(61 << 2, (length - 1) & 255, (length - 1) >> 8);
      body.push(...piece.literal);
      plain.push(...piece.literal);
    } else {
      if (plain.length === 0) continue;
      const back = 1 + (piece.back % plain.length);
      if (piece.length >= 4 && piece.length <= 11 && back < 2048) {
        body.push(1 | ((piece.length - 4) << 2) | ((back >> 8) << 5), back & 255);
      } else if (back < 65_536) {
        body.push(2 | ((piece.length - 1) << 2), back & 255, back >> 8);
      } else {
        body.push(3 | ((piece.length - 1) << 2), back & 255, (back >> 8) & 255, back >> 16, 0);
      }
      for (let i = 0; i < piece.length; i++) plain.push(plain[plain.length - back]!);
    }
  }
  const head: number[] = [];
  let length = plain.length;
  for (; length > 127; length = Math.floor(length / 128)) head.push((length % 128) | 128);
  head.push(length);
  return { compressed: Uint8Array.from([...head, ...body]), plain: Uint8Array.from(plain) };
}

function decompress(compressed: Uint8Array, limit = 1 << 20): Uint8Array | undefined {
  const source = place(kernel, compressed);
  const declared = Number(calls.snappyLength(source, compressed.length));
  let plain: Uint8Array | undefined;
  if (declared >= 0 && declared <= limit) {
    const target = calls.allocate(declared + 64);
    bytesAt(kernel, target + declared + 16, 48).fill(0x55);
    if (calls.snappyDecompress(source, compressed.length, target, declared) !== 0) {
      plain = bytesAt(kernel, target, declared).slice();
    }
    expect(bytesAt(kernel, target + declared + 16, 48).every((byte) => byte === 0x55)).toBe(true);
    calls.release(target, declared + 64);
  }
  calls.release(source, compressed.length + 64);
  return plain;
}

const piece: fc.Arbitrary<Piece> = fc.oneof(
  fc.record({ literal: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({ back: fc.nat(100_000), length: fc.integer({ min: 1, max: 64 }) }),
);

describe('snappy', () => {
  it('gives back literals and copies of every form', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const { compressed, plain } = compose(pieces);
        expect(decompress(compressed)).toEqual(plain);
      }),
    );
  });

  it('copies across long distances', () => {
    const far = Uint8Array.from({ length: 70_000 }, (_, i) => (i * i) & 255);
    const parts: Piece[] = [];
    for (let i = 0; i < far.length; i += 60_000)
      parts.push({ literal: far.subarray(i, i + 60_000) });
    parts.push({ back: 69_998, length: 40 });
    const { compressed, plain } = compose(parts);
    expect(decompress(compressed)).toEqual(plain);
  });

  it('refuses what is cut short, and never leaves its target whatever the bytes say', () => {
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 20 }), fc.nat(), (pieces, cut) => {
        const { compressed, plain } = compose(pieces);
        if (plain.length === 0) return;
        expect(decompress(compressed.subarray(0, cut % compressed.length))).toBeUndefined();
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decompress(bytes)));
  });

  it('knows a length of 1 GiB in seven bytes before making room for it', () => {
    const source = place(kernel, Uint8Array.from([0x80, 0x80, 0x80, 0x80, 0x04, 0, 0]));
    expect(calls.snappyLength(source, 7)).toBe(2n ** 30n);
    expect(
      calls.snappyLength(place(kernel, Uint8Array.from([255, 255, 255, 255, 255, 255])), 6),
    ).toBe(-1n);
    expect(calls.snappyLength(source, 0)).toBe(-1n);
  });
});
