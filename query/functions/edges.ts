import { NONE } from './window-function.ts';
import type { Columns, Frame, WindowFunctionMaker } from './window-function.ts';

/**
 * `anchored` counts from the last sample at or before the window's start; `smoothed` draws straight lines
 * to the window's edges. Their frames reach beyond the window by the look-back.
 */
export type Edges = 'anchored' | 'smoothed';

/** Which functions may follow a range with such edges. */
export const EDGE_FUNCTIONS: Readonly<Record<Edges, readonly string[]>> = {
  anchored: ['changes', 'delta', 'increase', 'rate', 'resets'],
  smoothed: ['delta', 'increase', 'rate'],
};

/** The rows that stand at or next to the window's edges; undefined when nothing lies within. */
function edgeRows(
  { times }: Columns,
  frame: Frame,
  smoothed: boolean,
): { readonly first: number; readonly last: number } | undefined {
  const { lo, hi, startMs, endMs } = frame;
  let first = lo;
  while (first + 1 < hi && times[first + 1]! <= startMs) first++;
  let last = hi - 1;
  if (smoothed) {
    last = lo;
    while (last < hi - 1 && times[last]! < endMs) last++;
  }
  if (times[last]! <= startMs || (smoothed && times[first]! > endMs)) return undefined;
  return { first, last };
}

function leftValue(
  columns: Columns,
  frame: Frame,
  first: number,
  smoothed: boolean,
  isCounter: boolean,
): number {
  return smoothed && columns.times[first]! < frame.startMs
    ? between(columns, first, frame.startMs, isCounter)
    : columns.values[first]!;
}

function rightValue(
  columns: Columns,
  frame: Frame,
  last: number,
  smoothed: boolean,
  isCounter: boolean,
): number {
  return smoothed && last > frame.lo && columns.times[last]! > frame.endMs
    ? between(columns, last - 1, frame.endMs, isCounter)
    : columns.values[last]!;
}

/** On the line between a row and the next; a counter that fell is taken to have begun at 0. */
function between(
  { times, values }: Columns,
  row: number,
  timeMs: number,
  isCounter: boolean,
): number {
  const after = values[row + 1]!;
  const before = isCounter && after < values[row]! ? 0 : values[row]!;
  return before + ((after - before) * (timeMs - times[row]!)) / (times[row + 1]! - times[row]!);
}

export function extendedRate(
  columns: Columns,
  frame: Frame,
  kind: { readonly isCounter: boolean; readonly perSecond: boolean },
  edges: Edges,
): number | typeof NONE {
  const { times, values } = columns;
  const smoothed = edges === 'smoothed';
  const rows = edgeRows(columns, frame, smoothed);
  if (!rows) return NONE;
  const left = leftValue(columns, frame, rows.first, smoothed, kind.isCounter);
  const right = rightValue(columns, frame, rows.last, smoothed, kind.isCounter);
  let growth = right - left;
  if (kind.isCounter) {
    const from = times[rows.first]! <= frame.startMs ? rows.first + 1 : rows.first;
    const to = times[rows.last]! >= frame.endMs ? rows.last - 1 : rows.last;
    let previous = left;
    for (let row = from; row <= to; row++) {
      if (values[row]! < previous) growth += previous;
      previous = values[row]!;
    }
    if (right < previous) growth += previous;
  }
  return kind.perSecond ? growth / ((frame.endMs - frame.startMs) / 1000) : growth;
}

/** The points of such a range as an answer of its own: one on each edge and the samples between. */
export function extendedPoints(columns: Columns, frame: Frame, edges: Edges): Columns {
  const { times, values } = columns;
  const smoothed = edges === 'smoothed';
  const rows = edgeRows(columns, frame, smoothed);
  if (!rows) return { times: new Float64Array(0), values: new Float64Array(0) };
  const from = times[rows.first]! <= frame.startMs ? rows.first + 1 : rows.first;
  const to = times[rows.last]! >= frame.endMs ? rows.last - 1 : rows.last;
  const inner = from <= to ? [from, to + 1] : [from, from];
  return {
    times: Float64Array.of(frame.startMs, ...times.subarray(inner[0], inner[1]), frame.endMs),
    values: Float64Array.of(
      leftValue(columns, frame, rows.first, smoothed, false),
      ...values.subarray(inner[0], inner[1]),
      rightValue(columns, frame, rows.last, smoothed, false),
    ),
  };
}

/** `changes` and `resets` from the anchor on: counts the steps between rows that satisfy the test. */
export function countingMaker(
  counts: (previous: number, current: number) => boolean,
  edges: Edges | undefined,
): WindowFunctionMaker {
  return ({ times, values }) =>
    ({ lo, hi, startMs }) => {
      let first = lo;
      if (edges === 'anchored') {
        while (first + 1 < hi && times[first + 1]! <= startMs) first++;
        if (times[hi - 1]! <= startMs) return NONE;
      }
      let count = 0;
      for (let row = first + 1; row < hi; row++) {
        if (counts(values[row - 1]!, values[row]!)) count++;
      }
      return count;
    };
}
