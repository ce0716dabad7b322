import { KahanMean, KahanSum } from './kahan.ts';
import { quantileOf } from './quantile.ts';
import type { WindowFunctionMaker } from './window-function.ts';

/** The functions that boil a window down to one number. */

export const sumOverTime: WindowFunctionMaker = ({ values }) => {
  const sum = new KahanSum();
  return ({ lo, hi }) => {
    sum.clear();
    for (let row = lo; row < hi; row++) sum.add(values[row]!);
    return sum.total;
  };
};

export const averageOverTime: WindowFunctionMaker = ({ values }) => {
  const mean = new KahanMean();
  return ({ lo, hi }) => {
    mean.clear();
    for (let row = lo; row < hi; row++) mean.add(values[row]!);
    return mean.value;
  };
};

export const countOverTime: WindowFunctionMaker =
  () =>
  ({ lo, hi }) =>
    hi - lo;

export const presentOverTime: WindowFunctionMaker = () => () => 1;

export const firstOverTime: WindowFunctionMaker =
  ({ values }) =>
  ({ lo }) =>
    values[lo]!;

export const lastOverTime: WindowFunctionMaker =
  ({ values }) =>
  ({ hi }) =>
    values[hi - 1]!;

export const timeOfFirst: WindowFunctionMaker =
  ({ times }) =>
  ({ lo }) =>
    times[lo]! / 1000;

export const timeOfLast: WindowFunctionMaker =
  ({ times }) =>
  ({ hi }) =>
    times[hi - 1]! / 1000;

/** Whether a value takes the place of the best so far: any number beats NaN. */
type Beats = (value: number, best: number) => boolean;

const above: Beats = (value, best) => value > best || best !== best;
const below: Beats = (value, best) => value < best || best !== best;
const atLeast: Beats = (value, best) => value >= best || best !== best;
const atMost: Beats = (value, best) => value <= best || best !== best;

function bestRow(values: Float64Array, lo: number, hi: number, beats: Beats): number {
  let best = lo;
  for (let row = lo + 1; row < hi; row++) if (beats(values[row]!, values[best]!)) best = row;
  return best;
}

/**
 * Keeps the rows that can still become the best while the window slides, best first: each row enters and
 * leaves once, whatever the overlap of the windows.
 */
function slidingBest(beats: Beats): WindowFunctionMaker {
  return ({ values }) => {
    const queue: number[] = [];
    let head = 0;
    let entered = 0;
    return ({ lo, hi }) => {
      for (entered = Math.max(entered, lo); entered < hi; entered++) {
        const value = values[entered]!;
        if (value !== value) continue;
        while (queue.length > head && !beats(values[queue.at(-1)!]!, value)) queue.pop();
        queue.push(entered);
      }
      while (head < queue.length && queue[head]! < lo) head++;
      // Without a number in it, the window has NaN only.
      return head < queue.length ? values[queue[head]!]! : NaN;
    };
  };
}

export const maximumOverTime: WindowFunctionMaker = slidingBest(above);
export const minimumOverTime: WindowFunctionMaker = slidingBest(below);

/** Of equal extremes the latest counts. */
export const timeOfMaximum: WindowFunctionMaker =
  ({ times, values }) =>
  ({ lo, hi }) =>
    times[bestRow(values, lo, hi, atLeast)]! / 1000;

export const timeOfMinimum: WindowFunctionMaker =
  ({ times, values }) =>
  ({ lo, hi }) =>
    times[bestRow(values, lo, hi, atMost)]! / 1000;

/** Welford's method with compensated sums. */
function variance(values: Float64Array, lo: number, hi: number): number {
  const mean = new KahanSum();
  const squares = new KahanSum();
  for (let row = lo; row < hi; row++) {
    const value = values[row]!;
    const delta = value - (mean.sum + mean.compensation);
    mean.add(delta / (row - lo + 1));
    squares.add(delta * (value - (mean.sum + mean.compensation)));
  }
  return (squares.sum + squares.compensation) / (hi - lo);
}

export const varianceOverTime: WindowFunctionMaker =
  ({ values }) =>
  ({ lo, hi }) =>
    variance(values, lo, hi);

export const deviationOverTime: WindowFunctionMaker =
  ({ values }) =>
  ({ lo, hi }) =>
    Math.sqrt(variance(values, lo, hi));

export const quantileOverTime: WindowFunctionMaker =
  ({ values }, [quantiles]) =>
  ({ lo, hi, step }) =>
    quantileOf(quantiles![step]!, values.slice(lo, hi));

/** The median distance from the median. */
export const medianDeviationOverTime: WindowFunctionMaker =
  ({ values }) =>
  ({ lo, hi }) => {
    const window = values.slice(lo, hi);
    if (window.some((value) => value !== value)) return NaN;
    const median = quantileOf(0.5, window);
    return quantileOf(
      0.5,
      window.map((value) => Math.abs(value - median)),
    );
  };
