import { labelsKey } from '../../model/labels.ts';
import type { Run } from '../engine/run.ts';
import { emptySeries, isEmpty, overlay } from '../engine/value.ts';
import type { Series, VectorValue } from '../engine/value.ts';
import type { Binary, Steps } from '../plan/nodes.ts';
import { bySignature, matchedLabels } from './signatures.ts';
import type { Labels } from '../../model/labels.ts';
import type { Matching } from '../syntax/ast.ts';

/** `and`, `or` and `unless`: values pass or do not, by whether the other side has the same labels. */
export async function setOperation(
  run: Run,
  node: Binary,
  left: readonly Series[],
  right: readonly Series[],
  steps: Steps,
): Promise<VectorValue> {
  const matching = node.matching!;
  const signature = matchedLabels(matching);
  const keyOf = (labels: Labels): string => labelsKey(signature(labels));
  if (node.operator === 'or') return union(run, left, right, matching, keyOf, steps);
  const there = presence(right, matching, steps);
  const wanted = node.operator === 'and' ? 1 : 0;
  const series: Series[] = [];
  for (const each of left) {
    await run.budget.breathe();
    const other = there.get(keyOf(each.labels));
    if (!other) {
      if (wanted === 0) series.push(each);
      continue;
    }
    const filtered = {
      ...each,
      present: each.present.map((flag, step) => flag & Number(other[step] === wanted)),
    };
    if (!isEmpty(filtered)) series.push(filtered);
  }
  return { kind: 'vector', series };
}

/** For each signature the steps at which any series has a value. */
function presence(
  series: readonly Series[],
  matching: Matching,
  steps: Steps,
): ReadonlyMap<string, Uint8Array> {
  const there = new Map<string, Uint8Array>();
  for (const [key, members] of bySignature(series, matching)) {
    const any = new Uint8Array(steps.count);
    for (const { present } of members) {
      for (let step = 0; step < any.length; step++) any[step]! |= present[step]!;
    }
    there.set(key, any);
  }
  return there;
}

async function union(
  run: Run,
  left: readonly Series[],
  right: readonly Series[],
  matching: Matching,
  keyOf: (labels: Labels) => string,
  steps: Steps,
): Promise<VectorValue> {
  const onTheLeft = presence(left, matching, steps);
  const extra: Series[] = [];
  for (const each of right) {
    await run.budget.breathe();
    const other = onTheLeft.get(keyOf(each.labels));
    const filtered = other
      ? { ...each, present: each.present.map((flag, step) => flag & Number(other[step] === 0)) }
      : each;
    if (!isEmpty(filtered)) extra.push(filtered);
  }
  // At a single step equal labels are left for the end, where names may still be dropped.
  if (steps.count === 1) return { kind: 'vector', series: [...left, ...extra] };
  return { kind: 'vector', series: joined(left, extra, steps) };
}

/** Series with equal labels take turns: at each step one of them has a value. */
function joined(left: readonly Series[], extra: readonly Series[], steps: Steps): Series[] {
  const byKey = new Map<string, Series>(left.map((each) => [labelsKey(each.labels), each]));
  for (const each of extra) {
    const key = labelsKey(each.labels);
    const known = byKey.get(key);
    if (!known) {
      byKey.set(key, each);
      continue;
    }
    const target = emptySeries(known.labels, steps.count, known.dropName);
    overlay(target, known);
    overlay(target, each);
    byKey.set(key, target);
  }
  return [...byKey.values()];
}
