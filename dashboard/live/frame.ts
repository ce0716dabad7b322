import type { LabelRecord } from './event.ts';

/** Series on one time axis. A value that does not exist is null; nothing is ever filled in. */
export interface Frame {
  /** Milliseconds since 1970 UTC, ascending. */
  readonly times: readonly number[];
  readonly series: readonly FrameSeries[];
}

export interface FrameSeries {
  readonly key: string;
  readonly labels: LabelRecord;
  readonly values: readonly (number | null)[];
}

export const EMPTY_FRAME: Frame = { times: [], series: [] };

/** Several frames on one axis: the union of their times, null where a series had none. */
export function joinFrames(frames: readonly Frame[]): Frame {
  const [first, ...others] = frames;
  if (!first) return EMPTY_FRAME;
  if (others.every((frame) => equalTimes(frame.times, first.times))) {
    return { times: first.times, series: frames.flatMap((frame) => frame.series) };
  }
  const times = [...new Set(frames.flatMap((frame) => frame.times))].sort((a, b) => a - b);
  const rows = new Map(times.map((time, row) => [time, row]));
  const series = frames.flatMap((frame) =>
    frame.series.map((one) => {
      const values: (number | null)[] = Array.from({ length: times.length }, () => null);
      one.values.forEach((value, i) => (values[rows.get(frame.times[i]!)!] = value));
      return { ...one, values };
    }),
  );
  return { times, series };
}

function equalTimes(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((time, i) => time === b[i]));
}

/** The latest time at which any series had a value. */
export function lastValueMs(frame: Frame): number | undefined {
  for (let row = frame.times.length - 1; row >= 0; row--) {
    if (frame.series.some((series) => series.values[row] != null)) return frame.times[row];
  }
  return undefined;
}

/** Takes away every value after a moment: what has ended has no values, not noughts. */
export function cutAfter(frame: Frame, endMs: number | null): Frame {
  if (endMs === null || (frame.times.at(-1) ?? 0) <= endMs) return frame;
  return {
    times: frame.times,
    series: frame.series.map((one) => ({
      ...one,
      values: one.values.map((value, i) => (frame.times[i]! > endMs ? null : value)),
    })),
  };
}
