import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { seriesKey } from '../../../dashboard/live/event.ts';
import { Feed } from '../../../dashboard/live/feed.ts';
import type { FeedOptions, RangeRequest } from '../../../dashboard/live/feed.ts';
import type { Frame } from '../../../dashboard/live/frame.ts';
import { TestStream, TurnedClock, settle } from './turned-clock.ts';

const SERIES = { device: 'sda' };
const KEY = seriesKey(SERIES);

let clock: TurnedClock;
let streams: TestStream[];
let requests: RangeRequest[];
let answer: (request: RangeRequest) => Promise<Frame>;
let feed: Feed | undefined;

beforeEach(() => {
  clock = new TurnedClock();
  [streams, requests, feed] = [[], [], undefined];
  answer = async (request) => ({
    times: [request.endMs - 1000, request.endMs],
    series: [{ key: KEY, labels: SERIES, values: [1, 2] }],
  });
});

afterEach(async () => {
  feed?.stop();
  await settle();
});

const LIVE = { kind: 'following', spanMs: 60_000, intervalMs: 1000 } as const;

async function start(range: FeedOptions['range'], ids: readonly string[] = ['q']): Promise<Feed> {
  feed = new Feed({
    queries: ids.map((id) => ({ id, query: `rate(${id}[5s])`, history: !id.startsWith('latest') })),
    range,
    stepMs: 1000,
    clock,
    source: {
      now: () => clock.now(),
      range: (request) => {
        requests.push(request);
        return answer(request);
      },
      live: async () => {
        const stream = new TestStream();
        streams.push(stream);
        return stream.stream;
      },
    },
  });
  feed.start();
  await settle();
  return feed;
}

const series = (panel: string): object => ({ kind: 'series', panel, series: [SERIES] });
const tick = (timeMs: number, values: Record<string, unknown[]>): object => ({
  kind: 'tick',
  timeMs,
  values,
});

function points(of: Feed, id = 'q'): unknown {
  const state = of.view.state(id);
  if (state.kind !== 'ready') return state.kind;
  const { times, series } = state.frame;
  return times.map((time, row) => [time - 1_000_000, series[0]?.values[row]]);
}

describe('a following feed', () => {
  test('asks for the past, and carries it on with ticks', async () => {
    const live = await start(LIVE);
    expect(requests).toEqual([
      { query: 'rate(q[5s])', startMs: 940_000, endMs: 1_000_000, stepMs: 1000 },
    ]);
    expect(points(live)).toEqual([
      [-1000, 1],
      [0, 2],
    ]);
    await streams[0]!.send(series('q'), tick(1_001_000, { q: [3] }));
    expect(points(live)).toEqual([
      [-1000, 1],
      [0, 2],
      [1000, 3],
    ]);
    expect(live.view.lastTickMs).toBe(1_001_000);
  });

  test('has one stream for all its queries, and one now for all their histories', async () => {
    await start(LIVE, ['a', 'b', 'c']);
    expect(streams).toHaveLength(1);
    expect(new Set(requests.map((request) => request.endMs)).size).toBe(1);
  });

  test('is loading until the past is there, even while ticks come', async () => {
    let resolve: (frame: Frame) => void = () => {};
    answer = () => new Promise((done) => (resolve = done));
    const live = await start(LIVE);
    await streams[0]!.send(series('q'), tick(1_001_000, { q: [3] }));
    expect(points(live)).toBe('loading');
    resolve({ times: [1_000_000], series: [{ key: KEY, labels: SERIES, values: [2] }] });
    await settle();
    expect(points(live)).toEqual([
      [0, 2],
      [1000, 3],
    ]);
  });

  test('drops what has left its window', async () => {
    const live = await start({ ...LIVE, spanMs: 5000 });
    await streams[0]!.send(series('q'));
    for (let s = 1; s <= 20; s++) await streams[0]!.send(tick(1_000_000 + s * 1000, { q: [s] }));
    expect((points(live) as unknown[]).length).toBe(7);
  });

  test('keeps latest values without a past apart from charts', async () => {
    const live = await start(LIVE, ['latest.cpu']);
    expect(requests).toEqual([]);
    await streams[0]!.send(series('latest.cpu'), tick(1_001_000, { 'latest.cpu': [0.5] }));
    expect([...live.view.latest('latest.cpu')]).toEqual([[KEY, 0.5]]);
    // The query is missing from the next tick: what it said before is no latest value.
    await streams[0]!.send(tick(1_002_000, {}));
    expect([...live.view.latest('latest.cpu')]).toEqual([]);
  });

  test('is stale after three missed intervals, and fresh with the next tick', async () => {
    const live = await start(LIVE);
    expect(live.isStale(clock.now())).toBe(false);
    await streams[0]!.send(series('q'), tick(1_001_000, { q: [3] }));
    await clock.turn(3000);
    expect(live.isStale(clock.now())).toBe(false);
    await clock.turn(600);
    expect(live.isStale(clock.now())).toBe(true);
    await streams[0]!.send(tick(1_004_000, { q: [3] }));
    expect(live.isStale(clock.now())).toBe(false);
  });

  test('that has never had a tick is stale once its stream is lost, or says nothing', async () => {
    const lost = await start(LIVE);
    expect(lost.isStale(clock.now())).toBe(false);
    await streams[0]!.close();
    expect(lost.view.connection.kind).toBe('lost');
    expect(lost.isStale(clock.now())).toBe(true);
    lost.stop();
    const silent = await start(LIVE);
    await clock.turn(3000);
    expect(silent.isStale(clock.now())).toBe(false);
    await clock.turn(600);
    expect(silent.isStale(clock.now())).toBe(true);
  });

  test('asks for the past again after an interruption', async () => {
    const live = await start(LIVE);
    await streams[0]!.send(series('q'), tick(1_001_000, { q: [3] }));
    await streams[0]!.close();
    expect(live.view.connection.kind).toBe('lost');
    await clock.turn(20_000);
    expect(requests).toHaveLength(1);
    await streams.at(-1)!.send(series('q'), tick(1_020_000, { q: [9] }));
    await settle();
    expect(live.view.connection.kind).toBe('live');
    expect(requests).toHaveLength(2);
    expect(points(live)).toContainEqual([20_000, 2]);
  });
});

describe('failures', () => {
  test('of the past are told with their reason, and a retry mends them', async () => {
    answer = () => Promise.reject(new Error('the query was stopped'));
    const live = await start(LIVE);
    expect(live.view.state('q')).toEqual({ kind: 'failed', message: 'the query was stopped' });
    answer = async () => ({ times: [1_000_000], series: [] });
    live.retry();
    expect(points(live)).toBe('loading');
    await settle();
    expect(live.view.state('q').kind).toBe('ready');
  });

  test('of one query in the stream leave the others alone, and pass', async () => {
    const live = await start(LIVE, ['a', 'b']);
    await streams[0]!.send(
      series('a'),
      series('b'),
      { kind: 'error', panel: 'a', message: 'too many series' },
      tick(1_001_000, { b: [1] }),
    );
    expect(live.view.state('a')).toEqual({ kind: 'failed', message: 'too many series' });
    expect(live.view.state('b').kind).toBe('ready');
    await streams[0]!.send(tick(1_002_000, { a: [1], b: [1] }));
    expect(live.view.state('a').kind).toBe('ready');
  });
});

describe('a fixed feed', () => {
  const FIXED = { kind: 'fixed', fromMs: 500_400, toMs: 560_700 } as const;

  test('asks once, for whole steps, and opens no stream', async () => {
    const fixed = await start(FIXED);
    expect(requests).toMatchObject([{ startMs: 500_000, endMs: 560_000, stepMs: 1000 }]);
    expect(streams).toHaveLength(0);
    expect(fixed.view.state('q').kind).toBe('ready');
    expect(fixed.isStale(clock.now() + 1e9)).toBe(false);
  });
});

test('each change makes a new view, and a stopped feed makes none', async () => {
  const live = await start(LIVE);
  let changes = 0;
  live.subscribe(() => changes++);
  const before = live.view;
  await streams[0]!.send(series('q'), tick(1_001_000, { q: [3] }));
  expect(live.view).not.toBe(before);
  expect(changes).toBeGreaterThan(0);
  live.stop();
  await settle();
  const [stopped, count] = [live.view, changes];
  await clock.turn(60_000);
  expect(live.view).toBe(stopped);
  expect(changes).toBe(count);
});
