import { describe, expect, test } from 'vitest';
import { labelsToText, metric } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import { BatchBuilder } from '../../model/sample.ts';
import type { SampleBatch } from '../../model/sample.ts';
import { STALE, isStale } from '../../model/staleness.ts';
import type { RawSeries, SelectRequest, Store } from '../../store/store.ts';

/** What the contract needs to know of a store to put it to the test. */
export interface StoreBench {
  /** Milliseconds; samples are stamped around it. */
  now(): number;
  /** Lets time pass, and work that waits for it. */
  advance(ms: number): Promise<void>;
  /** Opens the store; a second call, after a close or a crash, opens what the first one left. */
  open(options?: { readonly retentionMs?: number; readonly seriesMax?: number }): Promise<Store>;
  /** Ends the process without a word; undefined where that cannot be had. */
  readonly crash?: () => Promise<void>;
}

const HOUR_MS = 3_600_000;

const GENEROUS = { seriesMax: 100_000, samplesMax: 1_000_000 };

function matcher(name: string, operator: Matcher['operator'], value: string): Matcher {
  return { name, operator, value };
}

function batch(rows: readonly (readonly [Labels, number, number])[]): SampleBatch {
  const builder = new BatchBuilder();
  for (const [labels, timeMs, value] of rows) builder.push(labels, timeMs, value);
  return builder.take();
}

async function everything(store: Store, request: Partial<SelectRequest> = {}): Promise<string[]> {
  const answer = await store.select({
    matchers: [],
    fromMs: -1e15,
    toMs: 1e15,
    budget: GENEROUS,
    ...request,
  });
  return answer.flatMap(texts);
}

function texts({ labels, times, values }: RawSeries): string[] {
  return Array.from(times, (timeMs, i) => `${labelsToText(labels)} ${values[i]} @${timeMs}`);
}

/** What every store keeps of its promise, whatever it is made of. `make` gives an empty one each time. */
export function storeContract(name: string, make: () => Promise<StoreBench>): void {
  describe(`${name} keeps the store's contract`, () => {
    appending(make);
    reading(make);
    limits(make);
    lasting(make);
  });
}

function appending(make: () => Promise<StoreBench>): void {
  const up = metric('up', { job: 'node' });

  test('an acknowledged sample is readable at once', async () => {
    const bench = await make();
    const store = await bench.open();
    const at = bench.now();
    const outcome = await store.append(batch([[up, at, 1]]));
    expect(outcome).toEqual({ stored: 1, repeated: 0, refused: [] });
    expect(await everything(store)).toEqual([`up{job="node"} 1 @${at}`]);
    await store.close();
  });

  test('samples come in any order and are read in order', async () => {
    const bench = await make();
    const store = await bench.open();
    const base = bench.now() - HOUR_MS;
    const order = [5, 1, 9, 3, 7, 0, 8, 2, 6, 4];
    for (const half of [order.slice(0, 5), order.slice(5)]) {
      await store.append(batch(half.map((i) => [up, base + i, i])));
    }
    const [series] = await store.select({
      matchers: [],
      fromMs: base + 2,
      toMs: base + 8,
      budget: GENEROUS,
    });
    expect([...series!.times]).toEqual([2, 3, 4, 5, 6, 7, 8].map((i) => base + i));
    expect([...series!.values]).toEqual([2, 3, 4, 5, 6, 7, 8]);
    await store.close();
  });

  test('a repeated sample is a success without a second copy, another value is refused', async () => {
    const bench = await make();
    const store = await bench.open();
    const at = bench.now() - 1000;
    await store.append(batch([[up, at, 1]]));
    const outcome = await store.append(
      batch([
        [up, at, 1],
        [up, at, 2],
        [up, at + 1, 3],
        [up, at + 1, 3],
        [up, at + 1, 4],
      ]),
    );
    expect(outcome).toMatchObject({ stored: 1, repeated: 2 });
    expect(outcome.refused).toMatchObject([{ reason: 'timestamp-conflict', count: 2 }]);
    expect(outcome.refused[0]!.example).toContain('up{job="node"}');
    expect(await everything(store)).toEqual([
      `up{job="node"} 1 @${at}`,
      `up{job="node"} 3 @${at + 1}`,
    ]);
    await store.close();
  });

  test('concurrent appends of one sample store it once', async () => {
    const bench = await make();
    const store = await bench.open();
    const at = bench.now();
    const outcomes = await Promise.all(
      [1, 1, 2].map((value) => store.append(batch([[up, at, value]]))),
    );
    expect(outcomes.map(({ stored }) => stored)).toEqual([1, 0, 0]);
    expect(outcomes.map(({ repeated }) => repeated)).toEqual([0, 1, 0]);
    expect(outcomes[2]!.refused).toMatchObject([{ reason: 'timestamp-conflict', count: 1 }]);
    expect(await everything(store)).toEqual([`up{job="node"} 1 @${at}`]);
    await store.close();
  });

  test('values keep their bits', async () => {
    const bench = await make();
    const store = await bench.open();
    const values = [0, -0, Infinity, -Infinity, 5e-324, 1.7976931348623157e308, 0.1, -1 / 3, STALE];
    const at = bench.now() - 1000;
    await store.append(batch(values.map((value, i) => [up, at + i, value])));
    const [series] = await store.select({
      matchers: [],
      fromMs: at,
      toMs: at + 99,
      budget: GENEROUS,
    });
    values
      .slice(0, -1)
      .forEach((value, i) => expect(Object.is(series!.values[i], value)).toBe(true));
    expect(isStale(series!.values[values.length - 1]!)).toBe(true);
    await store.close();
  });

  test('an empty batch is a success', async () => {
    const bench = await make();
    const store = await bench.open();
    expect(await store.append(batch([]))).toEqual({ stored: 0, repeated: 0, refused: [] });
    await store.close();
  });
}

function reading(make: () => Promise<StoreBench>): void {
  async function filled(): Promise<{ store: Store; at: number }> {
    const bench = await make();
    const store = await bench.open();
    const at = bench.now() - 10_000;
    await store.append(
      batch([
        [metric('cpu', { host: 'b', mode: 'idle' }), at, 1],
        [metric('cpu', { host: 'a', mode: 'idle' }), at, 2],
        [metric('cpu', { host: 'a', mode: 'user' }), at + 1000, 3],
        [metric('cpu', { host: 'a' }), at, 4],
        [metric('load', { host: 'a' }), at + 2000, 5],
      ]),
    );
    return { store, at };
  }

  const cases: readonly (readonly [string, readonly Matcher[], readonly number[]])[] = [
    ['no matcher', [], [4, 2, 3, 1, 5]],
    ['a name', [matcher('__name__', '=', 'cpu')], [4, 2, 3, 1]],
    ['two labels', [matcher('host', '=', 'a'), matcher('mode', '=', 'user')], [3]],
    ['the empty value is the absent label', [matcher('mode', '=', '')], [4, 5]],
    ['a label that must be there', [matcher('mode', '!=', '')], [2, 3, 1]],
    ['inequality includes the absent label', [matcher('mode', '!=', 'idle')], [4, 3, 5]],
    ['a pattern', [matcher('mode', '=~', 'i.*')], [2, 1]],
    ['a pattern is anchored', [matcher('host', '=~', '|b')], [1]],
    ['a pattern that accepts the absent label', [matcher('mode', '=~', 'user|')], [4, 3, 5]],
    ['a negated pattern', [matcher('mode', '!~', 'u.+|')], [2, 1]],
    ['a negated pattern with the absent label', [matcher('mode', '!~', 'idle')], [4, 3, 5]],
    ['a value that nobody has', [matcher('host', '=', 'z')], []],
    ['a label that nobody has', [matcher('zone', '=', '')], [4, 2, 3, 1, 5]],
    ['one label twice', [matcher('mode', '=~', '.+'), matcher('mode', '!=', 'idle')], [3]],
  ];
  test.each(cases)('matchers: %s', async (_, matchers, expected) => {
    const { store } = await filled();
    const answer = await store.select({ matchers, fromMs: 0, toMs: 1e15, budget: GENEROUS });
    expect(answer.map(({ values }) => values[0])).toEqual(expected);
    const labels = await store.series({ matchers, fromMs: 0, toMs: 1e15 });
    expect(labels).toEqual(answer.map((series) => series.labels));
    await store.close();
  });

  test('both ends of the range are included, series without a sample are not', async () => {
    const { store, at } = await filled();
    const values = async (fromMs: number, toMs: number): Promise<unknown[]> =>
      (await store.select({ matchers: [], fromMs, toMs, budget: GENEROUS })).map(
        (s) => s.values[0],
      );
    expect(await values(at + 1000, at + 2000)).toEqual([3, 5]);
    expect(await values(at + 1001, at + 1999)).toEqual([]);
    expect(await values(at + 2000, at + 1000)).toEqual([]);
    expect(await store.series({ matchers: [], fromMs: at + 3000, toMs: at + 9000 })).toEqual([]);
    await store.close();
  });

  test('names and values of labels are sorted and belong to matching series', async () => {
    const { store, at } = await filled();
    const all = { matchers: [], fromMs: 0, toMs: 1e15 };
    const load = { ...all, matchers: [matcher('__name__', '=', 'load')] };
    expect(await store.labelNames(all)).toEqual(['__name__', 'host', 'mode']);
    expect(await store.labelNames(load)).toEqual(['__name__', 'host']);
    expect(await store.labelValues('host', all)).toEqual(['a', 'b']);
    expect(await store.labelValues('mode', load)).toEqual([]);
    expect(await store.labelValues('mode', { ...all, fromMs: at + 500 })).toEqual(['user']);
    await store.close();
  });

  test('a request that was aborted fails', async () => {
    const { store } = await filled();
    const signal = AbortSignal.abort(new Error('gone'));
    const request = { matchers: [], fromMs: 0, toMs: 1e15, budget: GENEROUS, signal };
    await expect(store.select(request)).rejects.toThrow('gone');
    await store.close();
  });

  test('budgets are limits, not suggestions', async () => {
    const { store } = await filled();
    const select = (budget: SelectRequest['budget']): Promise<string[]> =>
      everything(store, { budget });
    expect(await select({ seriesMax: 5, samplesMax: 5 })).toHaveLength(5);
    await expect(select({ seriesMax: 4, samplesMax: 5 })).rejects.toMatchObject({
      code: 'limit-series',
    });
    await expect(select({ seriesMax: 5, samplesMax: 4 })).rejects.toMatchObject({
      code: 'limit-samples',
    });
    await store.close();
  });
}

function limits(make: () => Promise<StoreBench>): void {
  const up = metric('up');

  test('samples older than retention are refused, and vanish when they become so', async () => {
    const bench = await make();
    const store = await bench.open({ retentionMs: HOUR_MS });
    const at = bench.now();
    const outcome = await store.append(
      batch([
        [up, at - HOUR_MS - 60_000, 1],
        [up, at - HOUR_MS + 60_000, 2],
        [up, at, 3],
      ]),
    );
    expect(outcome.stored).toBe(2);
    expect(outcome.refused).toMatchObject([{ reason: 'too-old', count: 1 }]);
    await bench.advance(120_000);
    expect(await everything(store)).toEqual([`up 3 @${at}`]);
    await bench.advance(2 * HOUR_MS);
    expect(await everything(store)).toEqual([]);
    expect(await store.series({ matchers: [], fromMs: 0, toMs: 1e15 })).toEqual([]);
    await store.close();
  });

  test('times that are not whole milliseconds are refused', async () => {
    const bench = await make();
    const store = await bench.open();
    const outcome = await store.append(
      batch([Number.NaN, Infinity, bench.now() + 0.5, 1e300].map((timeMs) => [up, timeMs, 1])),
    );
    expect(outcome).toMatchObject({ stored: 0, refused: [{ reason: 'bad-timestamp', count: 4 }] });
    await store.close();
  });

  test('a series above the limit is refused, the known ones are not', async () => {
    const bench = await make();
    const store = await bench.open({ seriesMax: 2 });
    const at = bench.now() - 1000;
    const many = ['a', 'b', 'c', 'd'].map((name) => metric(name));
    const first = await store.append(batch(many.map((labels) => [labels, at, 1])));
    expect(first).toMatchObject({ stored: 2, refused: [{ reason: 'series-limit', count: 2 }] });
    const second = await store.append(batch(many.map((labels) => [labels, at + 1, 1])));
    expect(second).toMatchObject({ stored: 2, refused: [{ reason: 'series-limit', count: 2 }] });
    expect(await everything(store)).toHaveLength(4);
    await store.close();
  });
}

function lasting(make: () => Promise<StoreBench>): void {
  test('what was stored is there after a restart, and is still recognised', async () => {
    const bench = await make();
    const first = await bench.open();
    const at = bench.now() - 1000;
    const rows = ['a', 'b'].map((name, i) => [metric(name), at + i, i] as const);
    await first.append(batch(rows));
    const before = await everything(first);
    await first.close();
    const second = await bench.open();
    expect(await everything(second)).toEqual(before);
    expect(await second.append(batch(rows))).toEqual({ stored: 0, repeated: 2, refused: [] });
    const conflict = await second.append(batch([[metric('a'), at, 99]]));
    expect(conflict.refused).toMatchObject([{ reason: 'timestamp-conflict', count: 1 }]);
    expect(await everything(second)).toEqual(before);
    await second.close();
  });

  test('a closed store says so', async () => {
    const bench = await make();
    const store = await bench.open();
    await store.close();
    await store.close();
    const closed = { code: 'closed' };
    await expect(store.append(batch([[metric('up'), bench.now(), 1]]))).rejects.toMatchObject(
      closed,
    );
    await expect(everything(store)).rejects.toMatchObject(closed);
    await expect(store.labelNames({ matchers: [], fromMs: 0, toMs: 1 })).rejects.toMatchObject(
      closed,
    );
  });

  test('closing finishes what was accepted', async () => {
    const bench = await make();
    const first = await bench.open();
    const at = bench.now();
    const append = first.append(batch([[metric('up'), at, 1]]));
    await first.close();
    expect((await append).stored).toBe(1);
    const second = await bench.open();
    expect(await everything(second)).toEqual([`up 1 @${at}`]);
    await second.close();
  });

  test('an acknowledgement outlives a crash', async (context) => {
    const bench = await make();
    if (!bench.crash) return context.skip('this store cannot be crashed here');
    const first = await bench.open();
    const at = bench.now();
    await first.append(batch([[metric('up'), at, 1]]));
    await bench.crash();
    const second = await bench.open();
    expect(await everything(second)).toEqual([`up 1 @${at}`]);
    await second.close();
  });

  test('its statistics tell what it holds', async () => {
    const bench = await make();
    const store = await bench.open();
    expect(store.stats()).toMatchObject({ liveSeries: 0, samplesAppended: 0 });
    expect(store.stats().oldestMs).toBeUndefined();
    const at = bench.now();
    await store.append(
      batch([
        [metric('a'), at - 5, 1],
        [metric('b'), at, 1],
      ]),
    );
    expect(store.stats()).toMatchObject({
      liveSeries: 2,
      samplesAppended: 2,
      oldestMs: at - 5,
      newestMs: at,
    });
    expect(store.stats().diskBytes).toBeGreaterThan(0);
    await store.close();
  });
}
