import { describe, expect, test } from 'vitest';
import { BrokenInvariant } from '../../model/assert.ts';
import { metric } from '../../model/labels.ts';
import { BatchBuilder, assertBatch } from '../../model/sample.ts';
import { STALE, isStale, setStale } from '../../model/staleness.ts';

describe('batches', () => {
  test('grow row by row, are handed over, and leave the builder empty', () => {
    const up = metric('up');
    const builder = new BatchBuilder(1);
    for (let i = 0; i < 1_000; i++) builder.push(up, i, -i);
    const batch = builder.take();
    assertBatch(batch);
    expect([batch.labels.length, batch.times[999], batch.values[999]]).toEqual([1_000, 999, -999]);
    expect(batch.labels.every((labels) => labels === up)).toBe(true);
    expect(builder.length).toBe(0);
    builder.push(up, 5, 5);
    const next = builder.take();
    expect([next.labels.length, next.times[0]]).toEqual([1, 5]);
    expect(batch.times[0]).toBe(0);
  });

  test('with columns of different lengths are a bug', () => {
    const batch = {
      labels: [metric('up')],
      times: new Float64Array(1),
      values: new Float64Array(2),
    };
    expect(() => assertBatch(batch)).toThrow(BrokenInvariant);
  });
});

describe('the staleness marker', () => {
  test('is told from every other NaN, and survives columns', () => {
    const values = Float64Array.of(STALE, Number.NaN, 0, Number.POSITIVE_INFINITY, 1);
    setStale(values, 4);
    expect([...values].map(isStale)).toEqual([true, false, false, false, true]);
    const builder = new BatchBuilder();
    builder.push(metric('up'), 1, STALE);
    expect(isStale(builder.take().values[0]!)).toBe(true);
  });

  test('has the bits that Prometheus writes', () => {
    const values = new Float64Array(1);
    setStale(values, 0);
    expect(new DataView(values.buffer).getBigUint64(0, true)).toBe(0x7ff0000000000002n);
  });

  test('is also known with the quiet bit set, as an engine may leave it', () => {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, 0x7ff8000000000002n);
    expect(isStale(view.getFloat64(0))).toBe(true);
    view.setBigUint64(0, 0x7ff8000000000001n);
    expect(isStale(view.getFloat64(0))).toBe(false);
  });
});
