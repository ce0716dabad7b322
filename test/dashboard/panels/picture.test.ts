import { describe, expect, test } from 'vitest';
import { seriesKey } from '../../../dashboard/live/event.ts';
import type { QueryState } from '../../../dashboard/live/feed.ts';
import { lastValueMs } from '../../../dashboard/live/frame.ts';
import type { PanelDefinition } from '../../../dashboard/panels/definition.ts';
import { composePicture, staleSince } from '../../../dashboard/panels/picture.ts';
import type { Picture } from '../../../dashboard/panels/picture.ts';

const name = ({ device = '' }: Readonly<Record<string, string>>): string => device;

const PANEL: PanelDefinition = {
  id: 'network',
  title: 'Network',
  shape: { unit: 'bytes/s', layout: 'lines' },
  queries: [
    { id: 'network.in', query: 'in', name: (labels) => `${name(labels)} in` },
    { id: 'network.out', query: 'out', name: (labels) => `${name(labels)} out`, mirrored: true },
  ],
  hint: '',
};

function ready(columns: Record<string, (number | null)[]>, times = [1000, 2000]): QueryState {
  const series = Object.entries(columns).map(([device, values]) => {
    return { key: seriesKey({ device }), labels: { device }, values };
  });
  const frame = { times, series };
  return { kind: 'ready', frame, lastValueMs: lastValueMs(frame) };
}

function compose(states: Record<string, QueryState>, endMs: number | null = null): Picture {
  return composePicture(PANEL, (id) => states[id]!, endMs);
}

const LOADING: QueryState = { kind: 'loading' };
const failed = (message: string): QueryState => ({ kind: 'failed', message });

describe('a picture', () => {
  test('is loading until every query has answered', () => {
    expect(compose({ 'network.in': ready({}), 'network.out': LOADING }).kind).toBe('loading');
  });

  test('failed only when nothing can be drawn; else it says what is missing', () => {
    const both = { 'network.in': failed('too slow'), 'network.out': failed('too slow, too') };
    expect(compose(both)).toEqual({ kind: 'failed', message: 'too slow' });
    const half = { 'network.in': ready({ eth0: [1, 2] }), 'network.out': failed('too slow') };
    expect(compose(half)).toMatchObject({ kind: 'ready', problems: ['too slow'] });
    const rest = { 'network.in': ready({}), 'network.out': failed('too slow') };
    expect(compose(rest)).toEqual({ kind: 'failed', message: 'too slow' });
  });

  test('is empty when no series match', () => {
    expect(compose({ 'network.in': ready({}), 'network.out': ready({}) }).kind).toBe('empty');
  });

  test('gives both directions of a device one colour, and different devices different ones', () => {
    const picture = compose({
      'network.in': ready({ eth10: [1, 2], eth2: [3, 4] }),
      'network.out': ready({ eth10: [5, 6], eth2: [7, 8] }),
    });
    const lines = picture.kind === 'ready' ? picture.series : [];
    expect(lines.map(({ name, token, mirrored }) => [name, token, mirrored])).toEqual([
      ['eth2 in', '--series-1', false],
      ['eth2 out', '--series-1', true],
      ['eth10 in', '--series-2', false],
      ['eth10 out', '--series-2', true],
    ]);
    expect(new Set(lines.map((line) => line.key)).size).toBe(4);
  });

  test('keeps the values of each series with its name', () => {
    const picture = compose({
      'network.in': ready({ b: [1, 2], a: [3, 4] }),
      'network.out': ready({ a: [5, null] }),
    });
    expect(picture.kind === 'ready' && picture.series.map((one) => [one.name, one.values])).toEqual(
      [
        ['a in', [3, 4]],
        ['a out', [5, null]],
        ['b in', [1, 2]],
      ],
    );
  });

  test('draws nothing after the end', () => {
    const picture = compose(
      { 'network.in': ready({ tap0: [1, 0] }), 'network.out': ready({}) },
      1500,
    );
    expect(picture.kind === 'ready' && picture.series[0]!.values).toEqual([1, null]);
  });

  test('follows the order of the definition before that of names', () => {
    const panel: PanelDefinition = {
      ...PANEL,
      queries: [{ id: 'cpu', query: 'cpu', name }],
      order: ['user', 'system'],
    };
    const state = ready({ idle: [1], system: [2], user: [3] }, [1000]);
    const picture = composePicture(panel, () => state, null);
    expect(picture.kind === 'ready' && picture.series.map((one) => one.name)).toEqual([
      'user',
      'system',
      'idle',
    ]);
  });
});

describe('staleness', () => {
  const picture = compose({
    'network.in': ready({ a: [1, null] }),
    'network.out': ready({ a: [null, null] }),
  });

  test('begins when the newest value is more than three intervals behind', () => {
    expect(staleSince(picture, 4000, 1000)).toBeUndefined();
    expect(staleSince(picture, 4001, 1000)).toBe(1000);
  });

  test('is not claimed of what has no values at all, or before the first tick', () => {
    const silent = compose({ 'network.in': ready({ a: [null, null] }), 'network.out': ready({}) });
    expect(staleSince(silent, 1e9, 1000)).toBeUndefined();
    expect(staleSince(picture, undefined, 1000)).toBeUndefined();
    expect(staleSince({ kind: 'empty' }, 1e9, 1000)).toBeUndefined();
  });
});
