import { labelPairs } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { Run } from '../engine/run.ts';
import { emptySeries, isEmpty } from '../engine/value.ts';
import type { Series, VectorValue } from '../engine/value.ts';
import type { Aggregate, Steps } from '../plan/nodes.ts';
import { QueryFailure } from '../query.ts';
import type { Group } from './grouping.ts';

const INTEGER_BOUND = 2 ** 63;

/**
 * Aggregations that choose among the series of each group instead of merging them. At a single step the
 * chosen ones come best first; over a range each keeps its place.
 */
export async function pick(
  run: Run,
  node: Aggregate,
  groups: readonly Group[],
  parameter: Float64Array,
  steps: Steps,
): Promise<VectorValue> {
  if (!checkParameter(run, node, parameter)) return { kind: 'vector', series: [] };
  const series: Series[] = [];
  for (const group of groups) {
    const kept = new Map<Series, Series>();
    for (let step = 0; step < steps.count; step++) {
      await run.budget.breathe();
      for (const member of chosen(node.operator, group, step, parameter[step]!)) {
        let column = kept.get(member);
        if (!column) {
          run.budget.hold(steps.count);
          column = emptySeries(member.labels, steps.count, member.dropName);
          kept.set(member, column);
        }
        column.values[step] = member.values[step]!;
        column.present[step] = 1;
      }
    }
    for (const column of kept.values()) if (!isEmpty(column)) series.push(column);
  }
  return { kind: 'vector', series };
}

function chosen(
  operator: Aggregate['operator'],
  group: Group,
  step: number,
  parameter: number,
): readonly Series[] {
  const there = group.members.filter((member) => member.present[step] === 1);
  if (operator === 'limit_ratio') {
    const ratio = Math.max(-1, Math.min(1, parameter));
    return there.filter((member) => isSampled(shareOf(member.labels), ratio));
  }
  const count = Math.trunc(Math.min(parameter, there.length));
  if (count < 1) return [];
  if (operator === 'limitk') return there.slice(0, count);
  const order =
    operator === 'topk'
      ? (a: Series, b: Series) => compare(b.values[step]!, a.values[step]!)
      : (a: Series, b: Series) => compare(a.values[step]!, b.values[step]!);
  return there
    .sort((a, b) => nanLast(a.values[step]!, b.values[step]!) || order(a, b))
    .slice(0, count);
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** NaN is neither among the largest nor the smallest as long as there are numbers. */
function nanLast(a: number, b: number): number {
  return Number(a !== a) - Number(b !== b);
}

/** False when nothing can be chosen at any step. */
function checkParameter(run: Run, node: Aggregate, parameter: Float64Array): boolean {
  let least = Infinity;
  let most = -Infinity;
  let hasNan = false;
  for (const value of parameter) {
    least = Math.min(least, value);
    most = Math.max(most, value);
    if (value !== value) hasNan = true;
  }
  const { place } = node.parameter!;
  if (node.operator === 'limit_ratio') {
    if (hasNan) throw new QueryFailure('execution', 'Ratio value is NaN', { place });
    for (const [ratio, cap] of [
      [most, 1],
      [least, -1],
    ] as const) {
      if (cap > 0 ? ratio <= 1 : ratio >= -1) continue;
      run.notes.warn(
        `ratio value should be between -1 and 1, got ${ratio}, capping to ${cap}`,
        place,
      );
    }
    return most !== 0 || least !== 0;
  }
  if (hasNan) throw new QueryFailure('execution', 'Parameter value is NaN', { place });
  if (most < 1) return false;
  if (most >= INTEGER_BOUND || least <= -INTEGER_BOUND) {
    throw new QueryFailure('execution', `Scalar value ${most} overflows int64`, { place });
  }
  return true;
}

function isSampled(share: number, ratio: number): boolean {
  return ratio >= 0 ? share < ratio : share >= 1 + ratio;
}

/**
 * Where a label set falls in [0, 1): always the same place for the same labels, evenly spread (FNV-1a
 * over the text, then mixed).
 */
function shareOf(labels: Labels): number {
  let hash = 0x811c9dc5;
  for (const [name, value] of labelPairs(labels)) {
    for (const text of [name, value]) {
      for (let i = 0; i < text.length; i++) {
        hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
      }
      hash = Math.imul(hash ^ 0xff, 0x01000193);
    }
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 4_294_967_296;
}
