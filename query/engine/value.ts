import type { Labels } from '../../model/labels.ts';
import { compareLabels, dropLabels, labelsKey, METRIC_NAME } from '../../model/labels.ts';
import { QueryFailure } from '../query.ts';

/**
 * What operators hand to each other: columns with one place for each step.
 *
 *   labels   step 0  step 1  step 2  …
 *   {a="1"}    3.5    (none)   4.0       values; `present` says which of them count
 */
export interface Series {
  readonly labels: Labels;
  readonly values: Float64Array;
  /** 1 where the series has a value at the step. */
  readonly present: Uint8Array;
  /**
   * The name is to go, but only at the end: `rate(a) or rate(b)` must not collide on the way
   * (Prometheus calls this delayed name removal).
   */
  readonly dropName: boolean;
}

export interface VectorValue {
  readonly kind: 'vector';
  readonly series: readonly Series[];
}

export interface ScalarValue {
  readonly kind: 'scalar';
  readonly values: Float64Array;
}

export interface TextValue {
  readonly kind: 'text';
  readonly value: string;
}

export type Value = VectorValue | ScalarValue | TextValue;

export const EMPTY_VECTOR: VectorValue = { kind: 'vector', series: [] };

/** Labels that say what a metric is and no longer hold once its values were changed. */
export const METADATA_LABELS: ReadonlySet<string> = new Set([METRIC_NAME, '__type__', '__unit__']);

export function emptySeries(labels: Labels, steps: number, dropName = false): Series {
  return { labels, values: new Float64Array(steps), present: new Uint8Array(steps), dropName };
}

export function isEmpty(series: Series): boolean {
  return !series.present.includes(1);
}

export function countPresent(series: Series): number {
  let count = 0;
  for (const flag of series.present) count += flag;
  return count;
}

const SAME_LABELS = 'vector cannot contain metrics with the same labelset';

export function sameLabelsFailure(): QueryFailure {
  return new QueryFailure('execution', SAME_LABELS);
}

/** Takes away the names that were to be dropped, and joins what has become one series. */
export function withoutDroppedNames(series: readonly Series[]): readonly Series[] {
  return mergeEqual(
    series.map((each) =>
      each.dropName
        ? { ...each, labels: dropLabels(each.labels, METADATA_LABELS), dropName: false }
        : each,
    ),
  );
}

/** Joins series with equal labels; fails where two have a value at the same step. */
export function mergeEqual(series: readonly Series[]): readonly Series[] {
  if (series.length < 2) return series;
  const byKey = new Map<string, Series>();
  const merged = new Set<string>();
  for (const each of series) {
    const key = labelsKey(each.labels);
    const known = byKey.get(key);
    if (!known) {
      byKey.set(key, each);
      continue;
    }
    // The first collision copies the columns: the series may be shared with another operator.
    const target = merged.has(key)
      ? known
      : { ...known, values: known.values.slice(), present: known.present.slice() };
    merged.add(key);
    byKey.set(key, target);
    overlay(target, each);
  }
  return [...byKey.values()];
}

/** Puts the values of one series into the gaps of another; fails where both have one. */
export function overlay(target: Series, source: Series): void {
  for (let step = 0; step < source.present.length; step++) {
    if (source.present[step] === 0) continue;
    if (target.present[step] === 1) throw sameLabelsFailure();
    target.present[step] = 1;
    target.values[step] = source.values[step]!;
  }
}

export function sortedByLabels(series: readonly Series[]): readonly Series[] {
  return [...series].sort((a, b) => compareLabels(a.labels, b.labels));
}
