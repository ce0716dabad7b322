import { expect, test } from 'vitest';
import { createBodyDecoder } from '../../ingest/formats.ts';
import { encodeRequest, encodeSnappy } from './remote-write-encoder.ts';

const LIMITS = { bodyBytesMax: 10_000, decodedBytesMax: 20_000 };
const body = encodeSnappy(
  encodeRequest([{ labels: [['__name__', 'up']], samples: [{ timeMs: 1, value: 1 }] }]),
);

test.each([
  ['application/x-protobuf', 'snappy'],
  ['application/x-protobuf;proto=prometheus.WriteRequest', 'snappy'],
  ['Application/X-Protobuf; proto=prometheus.WriteRequest', 'Snappy'],
  [undefined, undefined],
])('remote write 1.0 as %s with %s', (contentType, contentEncoding) => {
  const decoded = createBodyDecoder(LIMITS).decode(body, { contentType, contentEncoding });
  expect(decoded.batch.labels).toHaveLength(1);
});

test.each([
  ['application/x-protobuf;proto=io.prometheus.write.v2.Request', 'snappy'],
  ['application/json', 'snappy'],
  ['text/plain', undefined],
  ['application/x-protobuf', 'gzip'],
  ['', 'snappy'],
])('%s with %s is another format, and what is taken is named', (contentType, contentEncoding) => {
  expect(() => createBodyDecoder(LIMITS).decode(body, { contentType, contentEncoding })).toThrow(
    expect.objectContaining({
      code: 'unsupported-format',
      message: expect.stringMatching(/remote write 1\.0|snappy/),
    }) as Error,
  );
});

test('bodies have a limit before and after decompression', () => {
  const decoder = createBodyDecoder(LIMITS);
  const description = { contentType: undefined, contentEncoding: undefined };
  const tooLarge = expect.objectContaining({ code: 'too-large' }) as Error;
  expect(() => decoder.decode(new Uint8Array(10_001), description)).toThrow(tooLarge);
  const zeros = encodeSnappy(new Uint8Array(20_001));
  expect(zeros.length).toBeLessThan(10_000);
  expect(() => decoder.decode(zeros, description)).toThrow(tooLarge);
});
