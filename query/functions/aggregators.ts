/**
 * Aggregations that take series one by one: state is a few columns, one place for each step, so that a
 * group of any size costs the same memory.
 */
export interface Aggregator {
  add(values: Float64Array, present: Uint8Array): void;
  finish(): { readonly values: Float64Array; readonly present: Uint8Array };
}

type Maker = (steps: number) => Aggregator;

export const aggregators: Readonly<
  Record<'sum' | 'avg' | 'min' | 'max' | 'count' | 'group' | 'stddev' | 'stdvar', Maker>
> = {
  sum,
  avg: average,
  min: extreme((value, best) => value < best),
  max: extreme((value, best) => value > best),
  count,
  group: always(1),
  stddev: spread(Math.sqrt),
  stdvar: spread((variance) => variance),
};

function isInfinite(value: number): boolean {
  return value === Infinity || value === -Infinity;
}

/** Neumaier's summation, as in `kahan.ts`, spread over columns. */
function compensate(sum: number, value: number, total: number, compensation: number): number {
  if (isInfinite(total)) return 0;
  return Math.abs(sum) >= Math.abs(value)
    ? compensation + (sum - total + value)
    : compensation + (value - total + sum);
}

function sum(steps: number): Aggregator {
  const sums = new Float64Array(steps);
  const lost = new Float64Array(steps);
  const seen = new Uint8Array(steps);
  return {
    add(values, present) {
      for (let step = 0; step < steps; step++) {
        if (present[step] === 0) continue;
        const value = values[step]!;
        const total = sums[step]! + value;
        lost[step] = compensate(sums[step]!, value, total, lost[step]!);
        sums[step] = total;
        seen[step] = 1;
      }
    },
    finish() {
      for (let step = 0; step < steps; step++) {
        if (!isInfinite(sums[step]!)) sums[step] = sums[step]! + lost[step]!;
      }
      return { values: sums, present: seen };
    },
  };
}

/** A compensated sum divided once; where it would overflow, a running mean from there on. */
function average(steps: number): Aggregator {
  const sums = new Float64Array(steps);
  const lost = new Float64Array(steps);
  const counts = new Float64Array(steps);
  const running = new Uint8Array(steps);
  const seen = new Uint8Array(steps);
  const addOne = (step: number, value: number): void => {
    const count = ++counts[step]!;
    if (running[step] === 0) {
      const total = sums[step]! + value;
      if (count === 1 || !isInfinite(total)) {
        lost[step] = count === 1 ? 0 : compensate(sums[step]!, value, total, lost[step]!);
        sums[step] = total;
        return;
      }
      running[step] = 1;
      sums[step] = sums[step]! / (count - 1);
      lost[step] = lost[step]! / (count - 1);
    }
    const keep = (count - 1) / count;
    const mean = keep * sums[step]!;
    const total = mean + value / count;
    lost[step] = compensate(mean, value / count, total, keep * lost[step]!);
    sums[step] = total;
  };
  return {
    add(values, present) {
      for (let step = 0; step < steps; step++) {
        if (present[step] === 0) continue;
        seen[step] = 1;
        addOne(step, values[step]!);
      }
    },
    finish() {
      for (let step = 0; step < steps; step++) {
        const divisor = running[step] === 1 ? 1 : counts[step]!;
        sums[step] = sums[step]! / divisor + lost[step]! / divisor;
      }
      return { values: sums, present: seen };
    },
  };
}

/** Any number beats NaN. */
function extreme(beats: (value: number, best: number) => boolean): Maker {
  return (steps) => {
    const best = new Float64Array(steps).fill(NaN);
    const seen = new Uint8Array(steps);
    return {
      add(values, present) {
        for (let step = 0; step < steps; step++) {
          if (present[step] === 0) continue;
          const value = values[step]!;
          if (beats(value, best[step]!) || best[step] !== best[step]) best[step] = value;
          seen[step] = 1;
        }
      },
      finish: () => ({ values: best, present: seen }),
    };
  };
}

function count(steps: number): Aggregator {
  const counts = new Float64Array(steps);
  const seen = new Uint8Array(steps);
  return {
    add(_, present) {
      for (let step = 0; step < steps; step++) {
        if (present[step] === 0) continue;
        counts[step] = counts[step]! + 1;
        seen[step] = 1;
      }
    },
    finish: () => ({ values: counts, present: seen }),
  };
}

function always(value: number): Maker {
  return (steps) => {
    const seen = new Uint8Array(steps);
    return {
      add(_, present) {
        for (let step = 0; step < steps; step++) if (present[step] === 1) seen[step] = 1;
      },
      finish: () => ({ values: new Float64Array(steps).fill(value), present: seen }),
    };
  };
}

/** Welford's method. A first value that is no finite number makes the whole NaN. */
function spread(finish: (variance: number) => number): Maker {
  return (steps) => {
    const means = new Float64Array(steps);
    const squares = new Float64Array(steps);
    const counts = new Float64Array(steps);
    const seen = new Uint8Array(steps);
    return {
      add(values, present) {
        for (let step = 0; step < steps; step++) {
          if (present[step] === 0) continue;
          const value = values[step]!;
          const size = (counts[step] = counts[step]! + 1);
          seen[step] = 1;
          if (size === 1) {
            means[step] = value;
            squares[step] = Number.isFinite(value) ? 0 : NaN;
            continue;
          }
          const delta = value - means[step]!;
          means[step] = means[step]! + delta / size;
          squares[step] = squares[step]! + delta * (value - means[step]!);
        }
      },
      finish() {
        for (let step = 0; step < steps; step++) {
          squares[step] = finish(squares[step]! / counts[step]!);
        }
        return { values: squares, present: seen };
      },
    };
  };
}
