import { dropLabels, keepLabels, labelsKey, METRIC_NAME } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { Series } from '../engine/value.ts';
import type { Matching } from '../syntax/ast.ts';

/** The labels by which two sides find each other. */
export function matchedLabels(matching: Matching): (labels: Labels) => Labels {
  const names = new Set(matching.on ? matching.labels : [...matching.labels, METRIC_NAME]);
  return matching.on
    ? (labels) => keepLabels(labels, names)
    : (labels) => dropLabels(labels, names);
}

/** Series of one side that match alike. */
export type BySignature = ReadonlyMap<string, readonly Series[]>;

export function bySignature(series: readonly Series[], matching: Matching): BySignature {
  const labelsOf = matchedLabels(matching);
  const groups = new Map<string, Series[]>();
  for (const each of series) {
    const key = labelsKey(labelsOf(each.labels));
    const group = groups.get(key);
    if (group) group.push(each);
    else groups.set(key, [each]);
  }
  return groups;
}
