import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LibvirtFailure } from '../../../collector/sources/libvirt/failure.ts';
import {
  encodeFrame,
  FRAME_BYTES_MAX,
  FrameSplitter,
} from '../../../collector/sources/libvirt/frames.ts';

const frame = fc.record({
  program: fc.nat(0xffff_ffff),
  procedure: fc.integer(),
  type: fc.nat(5),
  serial: fc.nat(0xffff_ffff),
  status: fc.nat(2),
  payload: fc.uint8Array({ maxLength: 300 }),
});

const joined = (parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((p) => [...p]));

describe('frames', () => {
  test('come out as they went in, however the stream was cut', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }),
        (frames, cuts) => {
          const bytes = joined(
            frames.map(({ payload, ...header }) => encodeFrame(header, payload)),
          );
          const splitter = new FrameSplitter();
          const received: unknown[] = [];
          for (let start = 0, i = 0; start < bytes.length; i++) {
            const end = start + cuts[i % cuts.length]!;
            splitter.push(bytes.slice(start, end), ({ version, payload, ...header }) => {
              received.push({ ...header, payload: payload.slice() });
              expect(version).toBe(1);
            });
            start = end;
          }
          expect(received).toEqual(frames);
        },
      ),
    );
  });

  test.each([0, 27, FRAME_BYTES_MAX + 1, 0xffff_ffff])('a length of %i is refused', (length) => {
    const bytes = new Uint8Array(64);
    new DataView(bytes.buffer).setUint32(0, length);
    expect(() => new FrameSplitter().push(bytes, () => {})).toThrow(
      expect.objectContaining({ code: 'protocol' }) as Error,
    );
  });

  test('an announced length takes no memory before its bytes come', () => {
    const start = new Uint8Array(40);
    new DataView(start.buffer).setUint32(0, FRAME_BYTES_MAX);
    const before = process.memoryUsage().arrayBuffers;
    const splitters = Array.from({ length: 20 }, () => new FrameSplitter());
    for (const splitter of splitters) splitter.push(start, () => {});
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * 1_000_000);
  });

  test('the largest message passes', () => {
    const payload = new Uint8Array(FRAME_BYTES_MAX - 28).fill(7);
    const header = { program: 1, procedure: 2, type: 1, serial: 3, status: 0 };
    const bytes = encodeFrame(header, payload);
    const splitter = new FrameSplitter();
    const sizes: number[] = [];
    for (let start = 0; start < bytes.length; start += 262_144) {
      splitter.push(bytes.subarray(start, start + 262_144), (each) =>
        sizes.push(each.payload.length),
      );
    }
    expect(sizes).toEqual([payload.length]);
  });

  test('arbitrary bytes are split or refused, never anything else', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), (chunks) => {
        const splitter = new FrameSplitter();
        try {
          for (const chunk of chunks) splitter.push(chunk, () => {});
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(LibvirtFailure);
        }
      }),
    );
  });
});
