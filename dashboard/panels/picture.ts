import type { ChartSeries } from '../chart/options.ts';
import { lineStyle } from '../chart/palette.ts';
import { seriesKey } from '../live/event.ts';
import type { LabelRecord } from '../live/event.ts';
import type { QueryState } from '../live/feed.ts';
import { cutAfter, joinFrames } from '../live/frame.ts';
import type { PanelDefinition, PanelQuery } from './definition.ts';

/** What a panel shows. `empty` is an answer without any series: not a fault, but not a flat line either. */
export type Picture =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'empty' }
  | {
      readonly kind: 'ready';
      readonly timesMs: readonly number[];
      readonly series: readonly ChartSeries[];
      /** Undefined when no series has any value in the range. */
      readonly lastValueMs: number | undefined;
      /** Queries of the panel that failed while others gave an answer. */
      readonly problems: readonly string[];
    };

/**
 * Composes the answers of a panel's queries into one picture. One answer is enough to draw; nothing is
 * drawn after `endMs`, when the thing itself had ended.
 */
export function composePicture(
  panel: PanelDefinition,
  stateOf: (queryId: string) => QueryState,
  endMs: number | null,
): Picture {
  const states = panel.queries.map((query) => ({ query, state: stateOf(query.id) }));
  const failures = states.flatMap(({ state }) => (state.kind === 'failed' ? [state.message] : []));
  const ready = states.flatMap(({ query, state }) =>
    state.kind === 'ready' ? [{ query, state }] : [],
  );
  if (states.some(({ state }) => state.kind === 'loading')) return { kind: 'loading' };
  if (ready.length === 0) return { kind: 'failed', message: failures[0] ?? 'nothing was asked' };
  const joined = joinFrames(
    ready.map(({ query, state }) => ({
      times: state.frame.times,
      series: state.frame.series.map((one) => ({ ...one, key: `${query.id} ${one.key}` })),
    })),
  );
  if (joined.series.length === 0) {
    return failures[0] === undefined ? { kind: 'empty' } : { kind: 'failed', message: failures[0] };
  }
  const frame = cutAfter(joined, endMs);
  const queries = ready.flatMap(({ query, state }) => state.frame.series.map(() => query));
  const named = frame.series.map((one, i) => ({
    one,
    query: queries[i]!,
    name: queries[i]!.name(one.labels),
  }));
  named.sort((a, b) => rank(panel, a.name) - rank(panel, b.name) || compareNames(a.name, b.name));
  const colourOf = colourIndexes(panel);
  const series = named.map(({ one, query, name }, index): ChartSeries => {
    const style = lineStyle(colourOf(query, one.labels, index));
    const token = query.token?.(one.labels);
    return {
      key: one.key,
      name,
      values: one.values,
      token: token ?? style.token,
      dash: token === undefined ? style.dash : [],
      mirrored: query.mirrored ?? false,
    };
  });
  const last = ready.map(({ state }) => state.lastValueMs ?? -Infinity);
  const lastValueMs = Math.max(...last);
  return {
    kind: 'ready',
    timesMs: frame.times,
    series,
    lastValueMs: Number.isFinite(lastValueMs) ? lastValueMs : undefined,
    problems: failures,
  };
}

/**
 * Where one direction is drawn below zero, a device has one colour for both directions: the place tells
 * them apart. `network.in` and `network.out` are such a pair.
 */
function colourIndexes(
  panel: PanelDefinition,
): (query: PanelQuery, labels: LabelRecord, index: number) => number {
  if (!panel.queries.some((query) => query.mirrored)) return (_query, _labels, index) => index;
  const known = new Map<string, number>();
  return (query, labels) => {
    const { __name__: _metric, ...device } = labels;
    const pair = `${query.id.slice(0, query.id.lastIndexOf('.'))} ${seriesKey(device)}`;
    const index = known.get(pair) ?? known.size;
    known.set(pair, index);
    return index;
  };
}

function rank({ order = [] }: PanelDefinition, name: string): number {
  const position = order.indexOf(name);
  return position === -1 ? order.length : position;
}

const NUMERIC = new Intl.Collator('en', { numeric: true });

/** `vCPU 2` before `vCPU 10`. */
function compareNames(a: string, b: string): number {
  return NUMERIC.compare(a, b);
}

/** How far behind the newest moment a picture is, when that is too far; undefined while it is fresh. */
export function staleSince(
  picture: Picture,
  newestMs: number | undefined,
  intervalMs: number,
): number | undefined {
  if (picture.kind !== 'ready' || newestMs === undefined) return undefined;
  if (picture.lastValueMs === undefined) return undefined;
  return newestMs - picture.lastValueMs > 3 * intervalMs ? picture.lastValueMs : undefined;
}
