import { getEventListeners } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { metric } from '../../model/labels.ts';
import { NO_TELEMETRY } from '../../platform/telemetry.ts';
import type { Telemetry } from '../../platform/telemetry.ts';
import { DEFAULT_QUERIER_OPTIONS, openQuerier } from '../../query/open.ts';
import type { QuerierOptions } from '../../query/open.ts';
import type { Querier } from '../../query/query.ts';
import type { RawSeries, SelectRequest } from '../../store/store.ts';
import { StoreFailure } from '../../store/store.ts';
import { MemoryReader } from '../promql/memory-reader.ts';
import { testClock } from '../promql/test-clock.ts';
import type { TestClock } from '../promql/test-clock.ts';

const limits = DEFAULT_QUERIER_OPTIONS.limits;

function filled(series: number, samples: number): MemoryReader {
  const reader = new MemoryReader();
  for (let i = 0; i < series; i++) {
    for (let t = 0; t < samples; t++) reader.add(metric('x', { i: String(i) }), t * 1000, i + t);
  }
  return reader;
}

function open(
  reader: MemoryReader,
  options: Partial<QuerierOptions> = {},
  clock: TestClock = testClock(),
  telemetry: Telemetry = NO_TELEMETRY,
): Querier {
  return openQuerier({ ...DEFAULT_QUERIER_OPTIONS, ...options }, reader, { clock, telemetry });
}

/** Lets a test hold up the store. */
class SlowReader extends MemoryReader {
  readonly waiting: (() => void)[] = [];

  override async select(request: SelectRequest): Promise<readonly RawSeries[]> {
    await new Promise<void>((resolve, reject) => {
      this.waiting.push(resolve);
      request.signal?.addEventListener('abort', () => reject(request.signal!.reason));
    });
    return super.select(request);
  }

  async untilAsked(count: number): Promise<void> {
    for (let turn = 0; this.waiting.length < count; turn++) {
      if (turn > 1000) throw new Error('nobody asked the store');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe('limits', () => {
  test('series', async () => {
    const querier = open(filled(10, 1), { limits: { ...limits, seriesMax: 9 } });
    await expect(querier.instant({ text: 'x', timeMs: 0 })).rejects.toMatchObject({
      code: 'execution',
      message: expect.stringContaining('more than 9 series'),
    });
  });

  test('samples read', async () => {
    const querier = open(filled(2, 100), { limits: { ...limits, samplesMax: 150 } });
    await expect(querier.instant({ text: 'rate(x[5m])', timeMs: 100_000 })).rejects.toMatchObject({
      code: 'execution',
      message: expect.stringContaining('more than 150'),
    });
  });

  test('samples made: a few samples over very many steps', async () => {
    const querier = open(filled(2, 2), { limits: { ...limits, samplesMax: 5000 } });
    const subquery = { text: 'max_over_time(vector(1)[1d:1s])', timeMs: 86_400_000 };
    await expect(querier.instant(subquery)).rejects.toMatchObject({ code: 'execution' });
  });

  test('points of a range', async () => {
    const range = { text: '1', startMs: 0, endMs: 11_000_000, stepMs: 1000 };
    const answer = await open(filled(0, 0)).range(range);
    expect(answer.value.series[0]?.times.length).toBe(11_001);
    await expect(open(filled(0, 0)).range({ ...range, endMs: 11_001_000 })).rejects.toMatchObject({
      code: 'bad_data',
      message: expect.stringContaining('maximum resolution of 11000 points'),
    });
  });

  test('a request may tighten them, not loosen them', async () => {
    const querier = open(filled(10, 1), { limits: { ...limits, seriesMax: 5 } });
    const request = { text: 'x', timeMs: 0 };
    await expect(querier.instant({ ...request, limits: { seriesMax: 100 } })).rejects.toThrow(
      'more than 5 series',
    );
    await expect(querier.instant({ ...request, limits: { seriesMax: 2 } })).rejects.toThrow(
      'more than 2 series',
    );
  });

  test.each([
    [{ startMs: 1, endMs: 0, stepMs: 1 }, 'end timestamp must not be before start time'],
    [{ startMs: 0, endMs: 1, stepMs: 0 }, 'zero or negative query resolution step'],
    [{ startMs: 0, endMs: Infinity, stepMs: 1 }, 'no time that a query can use'],
    [{ startMs: NaN, endMs: 1, stepMs: 1 }, 'no time that a query can use'],
  ])('%j is refused', async (times, words) => {
    await expect(open(filled(0, 0)).range({ text: '1', ...times })).rejects.toMatchObject({
      code: 'bad_data',
      message: expect.stringContaining(words),
    });
  });

  test('a range query of a range', async () => {
    await expect(
      open(filled(1, 1)).range({ text: 'x[5m]', startMs: 0, endMs: 1, stepMs: 1 }),
    ).rejects.toMatchObject({ code: 'bad_data', message: expect.stringContaining('range vector') });
  });
});

describe('time', () => {
  test('a query that takes too long ends while it waits for the store', async () => {
    const clock = testClock();
    const reader = new SlowReader();
    const query = open(reader, {}, clock).instant({ text: 'x', timeMs: 0 });
    await reader.untilAsked(1);
    clock.advance(limits.timeoutMs + 1);
    await expect(query).rejects.toMatchObject({ code: 'timeout' });
  });

  test('a query that takes too long ends while it computes', async () => {
    const clock = testClock();
    // Every look at the clock takes a second.
    let looks = 0;
    const slow = { ...clock, monotonic: () => looks++ * 1000 };
    await expect(
      open(filled(50, 2), {}, slow).instant({ text: 'rate(x[1m])', timeMs: 1000 }),
    ).rejects.toMatchObject({ code: 'timeout', message: expect.stringContaining('10000 ms') });
  });

  test('a caller that goes away cancels its query', async () => {
    const controller = new AbortController();
    const reader = new SlowReader();
    const query = open(reader).instant({ text: 'x', timeMs: 0, signal: controller.signal });
    await reader.untilAsked(1);
    controller.abort();
    await expect(query).rejects.toMatchObject({ code: 'canceled' });
  });

  test('a signal that outlives many queries keeps nothing of them', async () => {
    const { signal } = new AbortController();
    // What it leaves behind on Node 20 cannot be seen from outside; that it is not called can.
    const any = vi.spyOn(AbortSignal, 'any');
    const querier = open(filled(1, 1));
    for (let i = 0; i < 10; i++) await querier.instant({ text: 'x', timeMs: 0, signal });
    await expect(
      querier.instant({ text: 'absent_over_time(x[', timeMs: 0, signal }),
    ).rejects.toMatchObject({ code: 'bad_data' });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(any).not.toHaveBeenCalled();
    any.mockRestore();
  });

  test('a caller that had gone before gets no answer', async () => {
    const query = open(filled(1, 1)).instant({ text: 'x', timeMs: 0, signal: AbortSignal.abort() });
    await expect(query).rejects.toMatchObject({ code: 'canceled' });
  });

  test('a long computation lets others run in between', async () => {
    const clock = testClock();
    let looks = 0;
    const ticking = { ...clock, monotonic: () => looks++ * 6 };
    const querier = open(filled(100, 2), {}, ticking);
    let turns = 0;
    let done = false;
    const count = (): void => {
      turns++;
      if (!done) setImmediate(count);
    };
    setImmediate(count);
    await querier.instant({ text: 'rate(x[1m])', timeMs: 1000 });
    done = true;
    expect(turns).toBeGreaterThan(10);
  });

  test('queries beyond the slots wait, in order, and not for ever', async () => {
    const clock = testClock();
    const reader = new SlowReader();
    reader.add(metric('x'), 0, 1);
    const querier = open(reader, { concurrencyMax: 1 }, clock);
    const first = querier.instant({ text: 'x', timeMs: 0 });
    await reader.untilAsked(1);
    const second = querier.instant({ text: 'x', timeMs: 0 });
    const late = querier.instant({ text: 'x', timeMs: 0, limits: { timeoutMs: 50 } });
    clock.advance(60);
    await expect(late).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringContaining('waited 50 ms for one of 1 slots'),
    });
    expect(reader.waiting.length).toBe(1);
    reader.waiting[0]!();
    await first;
    await reader.untilAsked(2);
    reader.waiting[1]!();
    await expect(second).resolves.toMatchObject({ value: { elements: [{ value: 1 }] } });
  });
});

describe('failures of the store', () => {
  test('keep their reason', async () => {
    const reader = new MemoryReader();
    reader.select = async () => {
      throw new StoreFailure('closed', 'the store is closed');
    };
    await expect(open(reader).instant({ text: 'x', timeMs: 0 })).rejects.toMatchObject({
      code: 'unavailable',
      message: 'the store is closed',
    });
  });
});

test('a selection that a query needs twice is read once', async () => {
  const reader = filled(3, 10);
  let reads = 0;
  const select = reader.select.bind(reader);
  reader.select = (request) => {
    reads++;
    return select(request);
  };
  await open(reader).instant({ text: 'x / ignoring (i) group_left sum(x)', timeMs: 5000 });
  expect(reads).toBe(1);
});

test('queries, their outcome and what they read are counted', async () => {
  const counts = new Map<string, number>();
  const instrument = (name: string) => ({
    add: (amount: number, labels: object = {}) => {
      const key = `${name}${JSON.stringify(labels)}`;
      counts.set(key, (counts.get(key) ?? 0) + amount);
    },
    set: () => {},
    observe: () => {
      counts.set(name, (counts.get(name) ?? 0) + 1);
    },
  });
  const telemetry = { counter: instrument, gauge: instrument, histogram: instrument };
  const querier = open(filled(3, 10), {}, testClock(), telemetry);
  await querier.instant({ text: 'count_over_time(x[5s])', timeMs: 9000 });
  await expect(querier.instant({ text: 'nope(', timeMs: 0 })).rejects.toThrow('parse error');
  expect(Object.fromEntries(counts)).toEqual({
    'nephoscope_query_queries_total{"outcome":"success"}': 1,
    'nephoscope_query_queries_total{"outcome":"bad_data"}': 1,
    nephoscope_query_duration_seconds: 2,
    'nephoscope_query_samples_read_total{}': 15,
  });
});
