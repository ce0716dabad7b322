import { QueryFailure } from '../query.ts';
import { KahanSum } from './kahan.ts';
import { NONE } from './window-function.ts';
import type { Columns, WindowFunctionMaker } from './window-function.ts';

/** Least squares over rows lo … hi-1; the intercept is the line's value at `zeroMs`. */
function regression(
  { times, values }: Columns,
  lo: number,
  hi: number,
  zeroMs: number,
): { readonly slope: number; readonly intercept: number } {
  const sumX = new KahanSum();
  const sumY = new KahanSum();
  const sumXY = new KahanSum();
  const sumXX = new KahanSum();
  const first = values[lo]!;
  let constant = true;
  for (let row = lo; row < hi; row++) {
    const x = (times[row]! - zeroMs) / 1000;
    const y = values[row]!;
    if (row > lo && y !== first) constant = false;
    sumX.add(x);
    sumY.add(y);
    sumXY.add(x * y);
    sumXX.add(x * x);
  }
  if (constant) {
    return Number.isFinite(first) || first !== first
      ? { slope: 0, intercept: first }
      : { slope: NaN, intercept: NaN };
  }
  const n = hi - lo;
  const x = sumX.sum + sumX.compensation;
  const y = sumY.sum + sumY.compensation;
  const covariance = sumXY.sum + sumXY.compensation - (x * y) / n;
  const spread = sumXX.sum + sumXX.compensation - (x * x) / n;
  const slope = covariance / spread;
  return { slope, intercept: y / n - (slope * x) / n };
}

export const derivative: WindowFunctionMaker =
  (columns) =>
  ({ lo, hi }) =>
    hi - lo < 2 ? NONE : regression(columns, lo, hi, columns.times[lo]!).slope;

export const predictLinear: WindowFunctionMaker =
  (columns, [seconds]) =>
  ({ lo, hi, step, evaluationMs }) => {
    if (hi - lo < 2) return NONE;
    const { slope, intercept } = regression(columns, lo, hi, evaluationMs);
    return slope * seconds![step]! + intercept;
  };

/** Holt-Winters smoothing: level and trend, each with a factor between 0 and 1. */
export const doubleExponentialSmoothing: WindowFunctionMaker =
  ({ values }, [levels, trends]) =>
  ({ lo, hi, step }) => {
    const level = factor('smoothing', levels![step]!);
    const trend = factor('trend', trends![step]!);
    if (hi - lo < 2) return NONE;
    let before = 0;
    let smoothed = values[lo]!;
    let slope = values[lo + 1]! - values[lo]!;
    for (let row = lo + 1; row < hi; row++) {
      if (row > lo + 1) slope = trend * (smoothed - before) + (1 - trend) * slope;
      const next = level * values[row]! + (1 - level) * (smoothed + slope);
      before = smoothed;
      smoothed = next;
    }
    return smoothed;
  };

function factor(what: string, value: number): number {
  if (value > 0 && value < 1) return value;
  throw new QueryFailure(
    'execution',
    `invalid ${what} factor. Expected: 0 < factor < 1, got: ${value}`,
  );
}
