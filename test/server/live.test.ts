import { beforeEach, describe, expect, test } from 'vitest';
import { metric } from '../../model/labels.ts';
import { NO_TELEMETRY } from '../../platform/telemetry.ts';
import { QueryFailure } from '../../query/query.ts';
import type { InstantRequest, Querier, QueryAnswer, QueryValue } from '../../query/query.ts';
import { LIVE_LIMITS, LiveQueries } from '../../server/live.ts';
import type { LiveRequest } from '../../server/live.ts';
import { TurnedClock } from './turned-clock.ts';

const START = 1_700_000_000_000;

/** A querier that gives what a test puts in, and counts how often it is asked. */
class StandInQuerier implements Querier {
  readonly asked: { text: string; timeMs: number; lookbackMs: number | undefined }[] = [];
  readonly answers = new Map<string, (timeMs: number) => QueryValue>();

  instant({ text, timeMs, lookbackMs }: InstantRequest): Promise<QueryAnswer> {
    this.asked.push({ text, timeMs, lookbackMs });
    const answer = this.answers.get(text);
    if (!answer) return Promise.reject(new QueryFailure('bad_data', `cannot read ${text}`));
    try {
      return Promise.resolve({ value: answer(timeMs), warnings: [], infos: [] });
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  range(): Promise<never> {
    return Promise.reject(new Error('not asked here'));
  }
}

class Page {
  readonly lines: Record<string, unknown>[] = [];
  bytesWaiting = 0;
  ended: string | undefined;
  readonly leave: () => void;

  constructor(live: LiveQueries, panels: LiveRequest['panels'], intervalMs = 1000) {
    this.leave = live.subscribe({ panels, intervalMs }, this);
  }

  write(text: string): void {
    expect(text.endsWith('\n')).toBe(true);
    for (const line of text.trimEnd().split('\n')) {
      this.lines.push(JSON.parse(line) as Record<string, unknown>);
    }
  }

  end(reason: string): void {
    this.ended = reason;
  }

  take(): Record<string, unknown>[] {
    return this.lines.splice(0);
  }
}

function vector(...elements: [string, number][]): (timeMs: number) => QueryValue {
  return (timeMs) => ({
    kind: 'vector',
    timeMs,
    elements: elements.map(([name, value]) => ({ labels: metric(name), value })),
  });
}

let clock: TurnedClock;
let querier: StandInQuerier;
let live: LiveQueries;

beforeEach(() => {
  clock = new TurnedClock(START + 400);
  querier = new StandInQuerier();
  live = new LiveQueries(querier, { clock, telemetry: NO_TELEMETRY });
});

test('what was said minutes ago is not shown as the present', async () => {
  querier.answers.set('q', vector(['a', 1]));
  const page = new Page(live, [{ id: 'p', query: 'q' }]);
  await clock.advance(1000);
  expect(querier.asked[0]!.lookbackMs).toBeLessThan(60_000);
  page.leave();
});

test('series first, then a tick for each whole second, a moment after it', async () => {
  querier.answers.set('q', vector(['a', 1], ['b', 2.5]));
  const page = new Page(live, [{ id: 'p', query: 'q' }]);
  await clock.advance(849);
  expect(page.take()).toEqual([]);
  await clock.advance(1);
  expect(page.take()).toEqual([
    { kind: 'series', panel: 'p', series: [{ __name__: 'a' }, { __name__: 'b' }] },
    { kind: 'tick', timeMs: START + 1000, values: { p: [1, 2.5] } },
  ]);
  await clock.advance(1000);
  expect(page.take()).toEqual([{ kind: 'tick', timeMs: START + 2000, values: { p: [1, 2.5] } }]);
  expect(querier.asked.map(({ timeMs }) => timeMs)).toEqual([START + 1000, START + 2000]);
  page.leave();
});

test('equal queries of all pages are evaluated once', async () => {
  querier.answers.set('q', vector(['a', 1]));
  const panels = [
    { id: 'x', query: 'q' },
    { id: 'y', query: 'q' },
  ];
  const pages = [new Page(live, panels), new Page(live, panels)];
  await clock.advance(1000);
  expect(querier.asked).toHaveLength(1);
  for (const page of pages) {
    expect(page.take().at(-1)).toMatchObject({ kind: 'tick', values: { x: [1], y: [1] } });
    page.leave();
  }
});

test('a new series brings a new list; one that is absent is null', async () => {
  const page = new Page(live, [{ id: 'p', query: 'q' }]);
  const next = async (...elements: [string, number][]): Promise<Record<string, unknown>[]> => {
    querier.answers.set('q', vector(...elements));
    await clock.advance(1000);
    return page.take();
  };
  await next(['a', 1], ['b', 2]);
  expect(await next(['b', 3])).toMatchObject([{ kind: 'tick', values: { p: [null, 3] } }]);
  expect(await next(['b', 4], ['a', 5])).toMatchObject([{ kind: 'tick', values: { p: [5, 4] } }]);
  expect(await next(['b', 4], ['c', 6])).toMatchObject([
    { kind: 'series', series: [{ __name__: 'b' }, { __name__: 'c' }] },
    { kind: 'tick', values: { p: [4, 6] } },
  ]);
  for (let i = 0; i < 60; i++) expect(await next(['c', 6])).toHaveLength(1);
  expect(await next(['c', 6])).toMatchObject([
    { kind: 'series', series: [{ __name__: 'c' }] },
    { kind: 'tick', values: { p: [6] } },
  ]);
  page.leave();
});

test('a page that comes later is told the series, too', async () => {
  querier.answers.set('q', vector(['a', 1]));
  const first = new Page(live, [{ id: 'p', query: 'q' }]);
  await clock.advance(1000);
  const second = new Page(live, [{ id: 'p', query: 'q' }]);
  await clock.advance(1000);
  expect(second.take().map(({ kind }) => kind)).toEqual(['series', 'tick']);
  first.leave();
  second.leave();
});

test('values that JSON lacks, scalars, and what is no number', async () => {
  querier.answers.set(
    'odd',
    vector(
      ['a', Number.NaN],
      ['b', Number.POSITIVE_INFINITY],
      ['c', Number.NEGATIVE_INFINITY],
      ['d', 1e-300],
    ),
  );
  querier.answers.set('number', (timeMs) => ({ kind: 'scalar', timeMs, value: 7 }));
  querier.answers.set('text', (timeMs) => ({ kind: 'string', timeMs, value: 'x' }));
  const page = new Page(live, [
    { id: 'o', query: 'odd' },
    { id: 'n', query: 'number' },
    { id: 't', query: 'text' },
  ]);
  await clock.advance(1000);
  const lines = page.take();
  expect(lines.at(-1)).toMatchObject({
    values: { o: ['NaN', '+Inf', '-Inf', 1e-300], n: [7] },
  });
  expect(lines).toContainEqual({ kind: 'series', panel: 'n', series: [{}] });
  expect(lines).toContainEqual(expect.objectContaining({ kind: 'error', panel: 't' }));
  page.leave();
});

test('an error is told once, hopeless ones are not tried again, others are until they pass', async () => {
  let fails = true;
  querier.answers.set('slow', (timeMs) => {
    if (fails) throw new QueryFailure('timeout', 'too slow');
    return { kind: 'vector', timeMs, elements: [] };
  });
  const page = new Page(live, [
    { id: 'bad', query: 'sum(' },
    { id: 'slow', query: 'slow' },
  ]);
  await clock.advance(1000);
  expect(page.take()).toEqual([
    { kind: 'error', panel: 'bad', message: 'cannot read sum(' },
    { kind: 'error', panel: 'slow', message: 'too slow' },
    { kind: 'tick', timeMs: START + 1000, values: {} },
  ]);
  await clock.advance(1000);
  expect(page.take()).toEqual([{ kind: 'tick', timeMs: START + 2000, values: {} }]);
  expect(querier.asked.filter(({ text }) => text === 'sum(')).toHaveLength(1);
  fails = false;
  await clock.advance(1000);
  expect(page.take()).toEqual([
    { kind: 'series', panel: 'slow', series: [] },
    { kind: 'tick', timeMs: START + 3000, values: { slow: [] } },
  ]);
  page.leave();
});

test('nothing is evaluated once the last page has left', async () => {
  querier.answers.set('q', vector(['a', 1]));
  const page = new Page(live, [{ id: 'p', query: 'q' }]);
  await clock.advance(1000);
  page.leave();
  page.leave();
  await clock.advance(5000);
  expect(querier.asked).toHaveLength(1);
  expect(clock.waiting).toBe(0);
  expect(live.connections).toBe(0);
});

test('intervals are whole seconds', async () => {
  querier.answers.set('q', vector(['a', 1]));
  const page = new Page(live, [{ id: 'p', query: 'q' }], 1500);
  await clock.advance(10_000);
  const ticks = page.take().filter(({ kind }) => kind === 'tick');
  expect(ticks.map(({ timeMs }) => Number(timeMs) % 2000)).toEqual(ticks.map(() => 0));
  expect(ticks).toHaveLength(5);
  page.leave();
});

test('a page that does not read is left', async () => {
  querier.answers.set('q', vector(['a', 1]));
  const slow = new Page(live, [{ id: 'p', query: 'q' }]);
  const good = new Page(live, [{ id: 'p', query: 'q' }]);
  await clock.advance(1000);
  slow.bytesWaiting = LIVE_LIMITS.bytesWaitingMax + 1;
  await clock.advance(1000);
  expect(slow.ended).toContain('did not read');
  expect(live.connections).toBe(1);
  expect(good.take()).not.toEqual([]);
  live.stop();
  expect(good.ended).toContain('stopping');
  expect(clock.waiting).toBe(0);
});

describe('limits', () => {
  const panel = (id: string, query = 'q') => ({ id, query });
  test.each<[string, LiveRequest['panels'], number]>([
    ['no panel', [], 1000],
    ['too many panels', Array.from({ length: 65 }, (_, i) => panel(String(i))), 1000],
    ['an id twice', [panel('a'), panel('a')], 1000],
    ['an empty id', [panel('')], 1000],
    ['a long query', [panel('a', 'x'.repeat(20_000))], 1000],
    ['too often', [panel('a')], 999],
    ['too seldom', [panel('a')], 60_001],
    ['no interval', [panel('a')], Number.NaN],
  ])('%s', (_, panels, intervalMs) => {
    expect(() => new Page(live, panels, intervalMs)).toThrow(
      expect.objectContaining({ code: 'bad_data' }) as Error,
    );
    expect(live.connections).toBe(0);
  });

  test('too many pages', () => {
    const pages = Array.from({ length: 64 }, () => new Page(live, [panel('a')]));
    expect(() => new Page(live, [panel('a')])).toThrow(
      expect.objectContaining({ code: 'too-many' }) as Error,
    );
    for (const page of pages) page.leave();
    expect(clock.waiting).toBe(0);
  });

  test('too many different queries', () => {
    for (let i = 0; i < 16; i++) {
      live.subscribe(
        {
          intervalMs: 1000,
          panels: Array.from({ length: 64 }, (_, j) => panel(String(j), `q${i}-${j}`)),
        },
        { write() {}, bytesWaiting: 0, end() {} },
      );
    }
    expect(() => new Page(live, [panel('a', 'one more')])).toThrow(
      expect.objectContaining({ code: 'too-many' }) as Error,
    );
    live.stop();
  });

  test('too many series in one panel', async () => {
    querier.answers.set(
      'q',
      vector(...Array.from({ length: 2001 }, (_, i): [string, number] => [`m${i}`, i])),
    );
    const page = new Page(live, [panel('a')]);
    await clock.advance(1000);
    expect(page.take()[0]).toMatchObject({
      kind: 'error',
      message: expect.stringContaining('2001'),
    });
    page.leave();
  });
});
