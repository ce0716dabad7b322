import { extendedRate } from './edges.ts';
import type { Edges } from './edges.ts';
import { NONE } from './window-function.ts';
import type { Columns, Frame, WindowFunction, WindowFunctionMaker } from './window-function.ts';

interface RateKind {
  readonly isCounter: boolean;
  readonly perSecond: boolean;
}

/** `rate`, `increase` and `delta` for a plain window or one with `anchored` or `smoothed` edges. */
export function rateMaker(kind: RateKind, edges: Edges | undefined): WindowFunctionMaker {
  return (columns) =>
    edges ? (frame) => extendedRate(columns, frame, kind, edges) : extrapolatedRate(columns, kind);
}

/**
 * The growth between first and last sample, stretched to the edges of the window where the samples come
 * close to them, and never below a counter's zero.
 *
 *     start    first                    last   end
 *       |........o-----o-----o-----o-----o.......|
 */
function extrapolatedRate(columns: Columns, { isCounter, perSecond }: RateKind): WindowFunction {
  const { times, values } = columns;
  const falls = isCounter ? fallsOf(values) : [];
  // Indexes into `falls` only move forward, as the window does.
  let firstFall = 0;
  return (frame) => {
    const { lo, hi } = frame;
    const gaps = hi - lo - 1;
    if (gaps === 0) return NONE;
    let growth = values[hi - 1]! - values[lo]!;
    while (firstFall < falls.length && falls[firstFall]! <= lo) firstFall++;
    for (let i = firstFall; i < falls.length && falls[i]! < hi; i++)
      growth += values[falls[i]! - 1]!;
    const sampled = (times[hi - 1]! - times[lo]!) / 1000;
    const average = sampled / gaps;
    const threshold = average * 1.1;
    let toStart = (times[lo]! - frame.startMs) / 1000;
    let toEnd = (frame.endMs - times[hi - 1]!) / 1000;
    if (toStart >= threshold) toStart = average / 2;
    if (isCounter) {
      const toZero = growth > 0 && values[lo]! >= 0 ? sampled * (values[lo]! / growth) : toStart;
      if (toZero < toStart) toStart = toZero;
    }
    if (toEnd >= threshold) toEnd = average / 2;
    let factor = sampled === 0 ? 1 : (sampled + toStart + toEnd) / sampled;
    if (perSecond) factor /= (frame.endMs - frame.startMs) / 1000;
    return growth * factor;
  };
}

/** Rows whose value is below the one before: where a counter began anew. */
function fallsOf(values: Float64Array): number[] {
  const falls: number[] = [];
  for (let i = 1; i < values.length; i++) if (values[i]! < values[i - 1]!) falls.push(i);
  return falls;
}

/** `irate` and `idelta`: between the last two samples. */
export function instantRateMaker({ isCounter, perSecond }: RateKind): WindowFunctionMaker {
  return ({ times, values }) =>
    ({ lo, hi }: Frame) => {
      if (hi - lo < 2) return NONE;
      const last = values[hi - 1]!;
      const previous = values[hi - 2]!;
      const growth = isCounter && last < previous ? last : last - previous;
      return perSecond ? growth / ((times[hi - 1]! - times[hi - 2]!) / 1000) : growth;
    };
}
