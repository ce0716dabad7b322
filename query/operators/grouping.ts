import { dropLabels, keepLabels, labelsKey, METRIC_NAME } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { Series } from '../engine/value.ts';

export interface Group {
  readonly labels: Labels;
  readonly members: readonly Series[];
}

/** Divides series by the labels of `by` or `without`, groups in the order of their first member. */
export function groupsOf(
  series: readonly Series[],
  grouping: readonly string[],
  without: boolean,
): readonly Group[] {
  const labelsOf = groupLabels(grouping, without);
  const groups = new Map<string, { labels: Labels; members: Series[] }>();
  for (const each of series) {
    const labels = labelsOf(each.labels);
    const key = labelsKey(labels);
    const group = groups.get(key);
    if (group) group.members.push(each);
    else groups.set(key, { labels, members: [each] });
  }
  return [...groups.values()];
}

export function groupLabels(
  grouping: readonly string[],
  without: boolean,
): (labels: Labels) => Labels {
  const names = new Set(without ? [...grouping, METRIC_NAME] : grouping);
  return without ? (labels) => dropLabels(labels, names) : (labels) => keepLabels(labels, names);
}
