import { formatValue } from '../format/units.ts';
import type { Unit } from '../format/units.ts';

export interface Statistics {
  readonly last: number | null;
  readonly min: number | null;
  readonly mean: number | null;
  readonly max: number | null;
}

/** Over the values that exist; the last one is the newest that exists. */
export function statistics(values: readonly (number | null)[]): Statistics {
  let last: number | null = null;
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (value === null) continue;
    last = value;
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    count++;
  }
  return count === 0
    ? { last: null, min: null, mean: null, max: null }
    : { last, min, mean: sum / count, max };
}

const SERIES_TOLD_MAX = 6;

/** The chart in words, for those who do not see it. */
export function chartSummary(
  title: string,
  unit: Unit,
  series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[],
): string {
  const told = series.slice(0, SERIES_TOLD_MAX).map(({ name, values }) => {
    const { last, min, max } = statistics(values);
    if (last === null) return `${name}: no values`;
    const [now, low, high] = [last, min, max].map((value) => formatValue(unit, value));
    return `${name}: last ${now}, lowest ${low}, highest ${high}`;
  });
  const more = series.length - told.length;
  if (more > 0) told.push(`and ${more} more`);
  return `${title}, line chart. ${told.length === 0 ? 'No series' : told.join('; ')}.`;
}
