import { compareLabels, labelValue } from '../../model/labels.ts';
import type { Series } from '../engine/value.ts';

/** By value at the only step; NaN comes last in either direction. */
export function sortByValue(series: readonly Series[], descending: boolean): readonly Series[] {
  const direction = descending ? -1 : 1;
  return [...series].sort((a, b) => {
    const [x, y] = [a.values[0]!, b.values[0]!];
    const nan = Number(x !== x) - Number(y !== y);
    return nan !== 0 ? nan : x < y ? -direction : x > y ? direction : 0;
  });
}

/** By labels, numbers in them by their size; equal ones by all their labels. */
export function sortByLabels(
  series: readonly Series[],
  names: readonly string[],
  descending: boolean,
): readonly Series[] {
  const direction = descending ? -1 : 1;
  return [...series].sort((a, b) => {
    for (const name of names) {
      const order = naturalOrder(labelValue(a.labels, name), labelValue(b.labels, name));
      if (order !== 0) return direction * order;
    }
    return direction * compareLabels(a.labels, b.labels);
  });
}

/** `cpu2` before `cpu10`. */
function naturalOrder(a: string, b: string): number {
  if (a === b) return 0;
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [x, y] = [left[i]!, right[i]!];
    if (x === y) continue;
    const numeric = /^\d/.test(x) && /^\d/.test(y);
    const difference = numeric ? Number(x) - Number(y) : 0;
    if (difference !== 0) return difference;
    return x < y ? -1 : 1;
  }
  return left.length - right.length || (a < b ? -1 : 1);
}
