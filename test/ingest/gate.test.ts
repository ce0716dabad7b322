import { expect, test } from 'vitest';
import { createIngest } from '../../ingest/gate.ts';
import { DEFAULT_INGEST_LIMITS } from '../../ingest/ingest.ts';
import type { Ingest, IngestLimits, Origin } from '../../ingest/ingest.ts';
import { labelsFrom, metric } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { BatchBuilder } from '../../model/sample.ts';
import type { SampleBatch } from '../../model/sample.ts';
import { nodePlatform } from '../../platform/node.ts';
import { STALE } from '../../model/staleness.ts';
import type { LogFields } from '../../platform/log.ts';
import { SILENT } from '../../platform/log.ts';
import type { Telemetry } from '../../platform/telemetry.ts';
import type { AppendOutcome } from '../../store/store.ts';

const NOW = 1_700_000_000_000;
const REMOTE: Origin = { kind: 'remote-write', source: '127.0.0.1' };
const COLLECTOR: Origin = { kind: 'collector', source: 'host' };

interface Bench {
  readonly ingest: Ingest;
  readonly stored: SampleBatch[];
  readonly counts: Map<string, number>;
  readonly warnings: LogFields[];
  clock: { nowMs: number };
}

function bench(
  limits: Partial<IngestLimits> = {},
  append?: (batch: SampleBatch) => Promise<AppendOutcome>,
): Bench {
  const stored: SampleBatch[] = [];
  const counts = new Map<string, number>();
  const warnings: LogFields[] = [];
  const clock = { nowMs: NOW };
  const telemetry: Telemetry = {
    counter: (name) => ({
      add(amount, labels = {}) {
        const key = `${name} ${Object.values(labels).join()}`;
        counts.set(key, (counts.get(key) ?? 0) + amount);
      },
    }),
    gauge: () => ({ set() {} }),
    histogram: () => ({ observe() {} }),
  };
  const ingest = createIngest(
    { limits: { ...DEFAULT_INGEST_LIMITS, ...limits } },
    {
      append:
        append ??
        ((batch) => {
          stored.push(batch);
          return Promise.resolve({ stored: batch.labels.length, repeated: 0, refused: [] });
        }),
    },
    {
      clock: { now: () => clock.nowMs, monotonic: () => clock.nowMs, after: () => () => {} },
      log: {
        ...SILENT,
        component: () => ({ ...SILENT, warn: (_, fields) => warnings.push(fields ?? {}) }),
      },
      telemetry,
    },
  );
  return { ingest, stored, counts, warnings, clock };
}

function batchOf(rows: readonly (readonly [Labels, number?, number?])[]): SampleBatch {
  const builder = new BatchBuilder();
  for (const [labels, time = NOW, value = 1] of rows) builder.push(labels, time, value);
  return builder.take();
}

test('a good batch passes untouched', async () => {
  const { ingest, stored, counts } = bench();
  const batch = batchOf([[metric('up')], [metric('load')]]);
  expect(await ingest.accept(batch, COLLECTOR)).toEqual({ accepted: 2, refused: [] });
  expect(stored[0]).toBe(batch);
  expect(counts.get('nephoscope_ingest_samples_total collector')).toBe(2);
});

test('an empty batch does not bother the store', async () => {
  const { ingest, stored } = bench();
  expect(await ingest.accept(batchOf([]), COLLECTOR)).toEqual({ accepted: 0, refused: [] });
  expect(stored).toEqual([]);
});

test.each<[string, Labels, number, string]>([
  ['no metric name', labelsFrom({ a: 'b' }), NOW, 'no-metric-name'],
  ['no labels at all', labelsFrom({}), NOW, 'no-metric-name'],
  ['a broken character in a name', metric('up', { 'a\ud800': 'b' }), NOW, 'bad-label-name'],
  ['a broken character in a value', metric('up', { a: '\udc00' }), NOW, 'bad-label-value'],
  [
    'a name that is too long',
    metric('up', { [`${'é'.repeat(5)}x`]: 'b' }),
    NOW,
    'label-name-too-long',
  ],
  ['a value that is too long', metric('up', { a: '€'.repeat(7) }), NOW, 'label-value-too-long'],
  ['too many labels', metric('up', { a: '1', b: '2', c: '3', d: '4' }), NOW, 'too-many-labels'],
  ['a time far ahead', metric('up'), NOW + 600_001, 'too-far-in-future'],
  ['a time before 1970', metric('up'), -1, 'bad-timestamp'],
  ['half a millisecond', metric('up'), 0.5, 'bad-timestamp'],
  ['no time', metric('up'), Number.NaN, 'bad-timestamp'],
])('%s is refused with its reason, and nothing else with it', async (_, labels, time, reason) => {
  const { ingest, stored, counts, warnings } = bench({
    labelsMax: 4,
    labelNameBytesMax: 10,
    labelValueBytesMax: 20,
  });
  const batch = batchOf([
    [metric('good'), NOW, STALE],
    [labels, time],
    [metric('good'), NOW + 1, 7],
  ]);
  const outcome = await ingest.accept(batch, REMOTE);
  expect(outcome.accepted).toBe(2);
  expect(outcome.refused).toMatchObject([{ reason, count: 1, example: expect.any(String) }]);
  expect([...stored[0]!.times]).toEqual([NOW, NOW + 1]);
  expect(stored[0]!.values[1]).toBe(7);
  const words = new Uint32Array(stored[0]!.values.buffer);
  expect(words[0]).toBe(2);
  expect(counts.get(`nephoscope_ingest_refused_total ${reason}`)).toBe(1);
  expect(warnings).toMatchObject([{ reason, source: '127.0.0.1' }]);
});

test('limits are inclusive, in bytes of UTF-8', async () => {
  const { ingest } = bench({ labelNameBytesMax: 10, labelValueBytesMax: 8 });
  const fits = metric('up', { ['é'.repeat(5)]: '😀😀' });
  expect((await ingest.accept(batchOf([[fits]]), REMOTE)).refused).toEqual([]);
});

test('refusals of the decoder and of the store are counted with the others', async () => {
  const { ingest, counts } = bench({}, () =>
    Promise.resolve({
      stored: 1,
      repeated: 1,
      refused: [{ reason: 'too-old', count: 1, example: 'old' }],
    }),
  );
  const batch = batchOf([[metric('a')], [metric('b')], [metric('c')]]);
  const outcome = await ingest.accept(batch, REMOTE, [
    { reason: 'unsupported-histogram', count: 5, example: 'h' },
  ]);
  expect(outcome.accepted).toBe(2);
  expect(outcome.refused.map(({ reason, count }) => [reason, count])).toEqual([
    ['unsupported-histogram', 5],
    ['too-old', 1],
  ]);
  expect(counts.get('nephoscope_ingest_refused_total unsupported-histogram')).toBe(5);
});

test('a sender at its limit keeps its series, and takes none of another', async () => {
  const { ingest, clock } = bench({ seriesPerSourceMax: 2 });
  const series = ['a', 'b', 'c'].map((name) => metric(name));
  const all = (): SampleBatch => batchOf(series.map((labels) => [labels]));
  const first = await ingest.accept(all(), REMOTE);
  expect(first.refused).toMatchObject([{ reason: 'source-series-limit', count: 1 }]);
  // The same sets as new objects, as a decoder without a cache would make them.
  const copies = batchOf(['a', 'b', 'd'].map((name) => [metric(name)]));
  expect((await ingest.accept(copies, REMOTE)).accepted).toBe(2);
  const other = await ingest.accept(all(), { kind: 'remote-write', source: '127.0.0.2' });
  expect(other.accepted).toBe(2);
  expect((await ingest.accept(all(), COLLECTOR)).accepted).toBe(3);
  // Known series live on from hour to hour; one that fell silent makes room after two.
  for (let hour = 0; hour < 3; hour++) {
    clock.nowMs += 3_600_000;
    const { accepted } = await ingest.accept(batchOf([[series[0]!, clock.nowMs]]), REMOTE);
    expect(accepted).toBe(1);
  }
  const late = await ingest.accept(batchOf([[series[2]!, clock.nowMs]]), REMOTE);
  expect(late.accepted).toBe(1);
});

test('more than may be under way is turned away, but one batch always passes', async () => {
  let release = (): void => {};
  const { ingest } = bench(
    { samplesUnderWayMax: 2 },
    (batch) =>
      new Promise((resolve) => {
        release = () => resolve({ stored: batch.labels.length, repeated: 0, refused: [] });
      }),
  );
  const three = batchOf([[metric('a')], [metric('b')], [metric('c')]]);
  const large = ingest.accept(three, REMOTE);
  await expect(ingest.accept(batchOf([[metric('d')]]), REMOTE)).rejects.toMatchObject({
    code: 'overloaded',
  });
  release();
  expect((await large).accepted).toBe(3);
  const next = ingest.accept(batchOf([[metric('d')]]), REMOTE);
  release();
  expect((await next).accepted).toBe(1);
});

test('a store that fails leaves no sample under way', async () => {
  let fail = true;
  const { ingest } = bench({ samplesUnderWayMax: 1 }, (batch) =>
    fail
      ? Promise.reject(new Error('disk'))
      : Promise.resolve({ stored: batch.labels.length, repeated: 0, refused: [] }),
  );
  await expect(ingest.accept(batchOf([[metric('a')]]), REMOTE)).rejects.toThrow('disk');
  fail = false;
  expect((await ingest.accept(batchOf([[metric('a')]]), REMOTE)).accepted).toBe(1);
});

test('the log is told at most once in ten seconds for a reason, with the sum', async () => {
  const { ingest, warnings, clock } = bench();
  const bad = (): SampleBatch => batchOf([[labelsFrom({ a: 'b' })]]);
  for (let i = 0; i < 5; i++) await ingest.accept(bad(), REMOTE);
  expect(warnings).toHaveLength(1);
  clock.nowMs += 10_000;
  await ingest.accept(bad(), REMOTE);
  expect(warnings.map((fields) => fields['count'])).toEqual([1, 5]);
});

test('a body goes to the store as it is, under an admission for each sender and epoch', async () => {
  const { ingest, stored, clock } = bench();
  const labels = metric('up');
  const rows = (): { batch: SampleBatch; refused: [] } => {
    const builder = new BatchBuilder();
    builder.push(labels, NOW, 1);
    return { batch: builder.take(), refused: [] };
  };
  const pushed = { bytes: new Uint8Array(8), readPart: rows, readAll: rows };
  // This writer takes batches only.
  expect(await ingest.acceptBody(pushed, REMOTE)).toEqual({ accepted: 1, refused: [] });
  expect(stored).toHaveLength(1);

  const admissions: number[] = [];
  const reading = createIngest(
    { limits: DEFAULT_INGEST_LIMITS },
    {
      append: () => Promise.reject(new Error('bodies are taken as they are')),
      appendWriteRequest: (request) => {
        admissions.push(request.admission);
        const { batch } = request.admit(request.body);
        return Promise.resolve({ stored: batch.labels.length, repeated: 0, refused: [] });
      },
    },
    {
      ...nodePlatform({ logLevel: 'silent' }),
      clock: { ...nodePlatform().clock, now: () => clock.nowMs },
    },
  );
  const other: Origin = { kind: 'remote-write', source: '127.0.0.2' };
  for (const [origin, waitMs] of [
    [REMOTE, 0],
    [REMOTE, 1000],
    [other, 0],
    [REMOTE, 4_000_000],
  ] as const) {
    clock.nowMs += waitMs;
    expect(await reading.acceptBody(pushed, origin)).toEqual({ accepted: 1, refused: [] });
  }
  const [first, again, ofOther, later] = admissions;
  expect(again).toBe(first);
  expect(new Set([first, ofOther, later]).size).toBe(3);
});
