import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RemoteWriteDecoder } from '../../../ingest/formats/remote-write.ts';
import { IngestFailure } from '../../../ingest/ingest.ts';
import { isSortedLabels, labelsFrom, labelsFromPairs } from '../../../model/labels.ts';
import { encodeRequest, encodeSeries, field, number, varint } from '../remote-write-encoder.ts';
import type { EncodedSeries } from '../remote-write-encoder.ts';

function decode(bytes: Uint8Array): ReturnType<RemoteWriteDecoder['decode']> {
  return new RemoteWriteDecoder().decode(bytes);
}

const up = (samples: EncodedSeries['samples']): EncodedSeries => ({
  labels: [
    ['__name__', 'up'],
    ['job', 'node'],
  ],
  samples,
});

const bitsOf = (values: Float64Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex');

test('what was sent is what is read', () => {
  const name = fc.string({ minLength: 1, maxLength: 8, unit: 'binary' });
  const series = fc.record({
    labels: fc.uniqueArray(fc.tuple(name, fc.string({ maxLength: 8, unit: 'binary' })), {
      maxLength: 6,
      selector: ([label]) => label,
    }),
    samples: fc.array(
      fc.record({
        timeMs: fc.maxSafeInteger(),
        value: fc.uint8Array({ minLength: 8, maxLength: 8 }),
      }),
      { maxLength: 4 },
    ),
  });
  fc.assert(
    fc.property(fc.array(series, { maxLength: 8 }), (request) => {
      const { batch, refused } = decode(encodeRequest(request));
      const rows = request.flatMap(({ labels, samples }) =>
        samples.map((sample) => ({ ...sample, labels: labelsFromPairs(labels) })),
      );
      expect(refused).toEqual([]);
      expect(batch.labels).toEqual(rows.map((row) => row.labels));
      expect(batch.labels.every(isSortedLabels)).toBe(true);
      expect([...batch.times]).toEqual(rows.map((row) => row.timeMs));
      const bits = Buffer.concat(rows.map((row) => row.value)).toString('hex');
      expect(bitsOf(batch.values)).toBe(bits);
    }),
  );
});

test('the staleness marker keeps its bits', () => {
  const marker = Uint8Array.of(2, 0, 0, 0, 0, 0, 0xf0, 0x7f);
  const { batch } = decode(encodeRequest([up([{ timeMs: 1, value: marker }])]));
  expect(bitsOf(batch.values)).toBe(Buffer.from(marker).toString('hex'));
});

test('repeated labels give the very same object, from request to request', () => {
  const decoder = new RemoteWriteDecoder();
  const first = decoder.decode(encodeRequest([up([{ timeMs: 1, value: 1 }])]));
  const second = decoder.decode(
    encodeRequest([
      up([
        { timeMs: 2, value: 1 },
        { timeMs: 3, value: 1 },
      ]),
    ]),
  );
  expect(second.batch.labels[0]).toBe(first.batch.labels[0]);
  expect(second.batch.labels[1]).toBe(first.batch.labels[0]);
});

test('unsorted labels are sorted, empty values are no labels', () => {
  const request = encodeRequest([
    {
      labels: [
        ['zone', 'a'],
        ['empty', ''],
        ['__name__', 'up'],
      ],
      samples: [{ timeMs: 1, value: 1 }],
    },
  ]);
  expect(decode(request).batch.labels[0]).toEqual(labelsFrom({ __name__: 'up', zone: 'a' }));
});

test('labels after the samples and between them still count', () => {
  const sample = field(2, number(2, 5));
  const label = (name: string, value: string): Uint8Array =>
    field(1, Buffer.concat([field(1, name), field(2, value)]));
  const request = field(
    1,
    Buffer.concat([sample, label('__name__', 'up'), sample, label('job', 'x')]),
  );
  const { batch } = decode(request);
  expect(batch.labels).toHaveLength(2);
  expect(batch.labels[0]).toEqual(labelsFrom({ __name__: 'up', job: 'x' }));
});

test.each<[string, EncodedSeries['labels'], string]>([
  [
    'a repeated label',
    [
      ['__name__', 'up'],
      ['a', '1'],
      ['a', '2'],
    ],
    'duplicate-label',
  ],
  [
    'an empty label name',
    [
      ['', 'x'],
      ['__name__', 'up'],
    ],
    'bad-label-name',
  ],
  ['a name that is not UTF-8', [[Uint8Array.of(0xff), 'x']], 'bad-label-name'],
  ['a value that is not UTF-8', [['__name__', Uint8Array.of(0xc3, 0x28)]], 'bad-label-value'],
])('%s refuses its series and no other', (_, labels, reason) => {
  const two = [
    { timeMs: 1, value: 1 },
    { timeMs: 2, value: 1 },
  ];
  const { batch, refused } = decode(encodeRequest([{ labels, samples: two }, up(two)]));
  expect(batch.labels).toHaveLength(2);
  expect(refused).toMatchObject([{ reason, count: 2 }]);
});

test('native histograms are refused and counted, exemplars are passed over', () => {
  const { batch, refused } = decode(
    encodeRequest([{ ...up([{ timeMs: 1, value: 1 }]), histograms: 3, exemplars: 2 }]),
  );
  expect(batch.labels).toHaveLength(1);
  expect(refused).toMatchObject([{ reason: 'unsupported-histogram', count: 3 }]);
});

test('metadata is read', () => {
  const request = encodeRequest([], [{ type: 1, name: 'up', help: 'Is it?', unit: 's' }]);
  expect(decode(request).metadata).toEqual([
    { name: 'up', metadata: { type: 'counter', help: 'Is it?', unit: 's' } },
  ]);
});

test('times before 1970 and beyond all bounds come through as such', () => {
  const times = [-1n, -123_456_789_012n, -(2n ** 63n), 2n ** 63n - 1n];
  const { batch } = decode(encodeRequest([up(times.map((timeMs) => ({ timeMs, value: 1 })))]));
  expect([...batch.times]).toEqual([-1, -123_456_789_012, -(2 ** 63), 2 ** 63]);
});

test('unknown fields of every kind are skipped', () => {
  const unknown = Buffer.concat([
    number(9, 300),
    field(10, 'bytes'),
    Buffer.concat([varint(11 * 8 + 1), Buffer.alloc(8)]),
    Buffer.concat([varint(12 * 8 + 5), Buffer.alloc(4)]),
  ]);
  const request = Buffer.concat([unknown, encodeSeries(up([{ timeMs: 1, value: 1 }])), unknown]);
  expect(decode(request).batch.labels).toHaveLength(1);
});

test('arbitrary and damaged bytes give their failure or rows of one length', () => {
  const check = (bytes: Uint8Array): void => {
    try {
      const { batch } = decode(bytes);
      expect(batch.labels.length).toBe(batch.times.length);
      expect(batch.labels.every(isSortedLabels)).toBe(true);
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(IngestFailure);
    }
  };
  const valid = encodeRequest(
    [up([{ timeMs: 1, value: 1 }]), { ...up([]), histograms: 1 }],
    [{ type: 1, name: 'up', help: 'h', unit: 'u' }],
  );
  for (let length = 0; length < valid.length; length++) check(valid.subarray(0, length));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check), { numRuns: 3000 });
  fc.assert(
    fc.property(fc.nat(valid.length - 1), fc.nat(255), (at, value) => {
      const damaged = Uint8Array.from(valid);
      damaged[at] = value;
      check(damaged);
    }),
    { numRuns: 3000 },
  );
});

test('a body of countless empty samples is too large', () => {
  const empty = Buffer.alloc(2 * 2_000_001);
  for (let i = 0; i < empty.length; i += 2) empty[i] = 0x12;
  expect(() => decode(field(1, empty))).toThrow(
    expect.objectContaining({ code: 'too-large' }) as Error,
  );
});
