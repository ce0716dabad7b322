import { assert } from '../../model/assert.ts';
import { quantileNote } from '../engine/notes.ts';
import type { Run } from '../engine/run.ts';
import { emptySeries, isEmpty } from '../engine/value.ts';
import type { Series, Value, VectorValue } from '../engine/value.ts';
import { quantileOf } from '../functions/quantile.ts';
import { aggregators } from '../functions/aggregators.ts';
import type { Aggregate, Steps } from '../plan/nodes.ts';
import { countValues } from './count-values.ts';
import { groupsOf } from './grouping.ts';
import type { Group } from './grouping.ts';
import { pick } from './pick.ts';

const NO_PARAMETER: Value = { kind: 'scalar', values: new Float64Array(0) };

const PICKS: ReadonlySet<string> = new Set(['topk', 'bottomk', 'limitk', 'limit_ratio']);

/** Aggregation: many series become one for each group, or the chosen ones of each group. */
export async function aggregate(run: Run, node: Aggregate, steps: Steps): Promise<VectorValue> {
  if (node.operator === 'count_values') return countValues(run, node, steps);
  const parameter = node.parameter ? await run.evaluate(node.parameter, steps) : NO_PARAMETER;
  assert(parameter.kind === 'scalar', 'parameters of aggregations are scalars');
  const input = await run.evaluate(node.inner, steps);
  assert(input.kind === 'vector', 'aggregations are over vectors');
  const groups = groupsOf(input.series, node.grouping, node.without);
  if (PICKS.has(node.operator)) {
    return pick(run, node, groups, parameter.values, steps);
  }
  const series: Series[] = [];
  if (node.operator === 'quantile') {
    noteQuantiles(run, node, parameter.values);
    for (const group of groups) series.push(await quantiles(run, group, parameter.values, steps));
  } else {
    const make = aggregators[node.operator as keyof typeof aggregators];
    for (const group of groups) {
      run.budget.hold(steps.count);
      const aggregator = make(steps.count);
      let dropName = false;
      for (const member of group.members) {
        await run.budget.breathe();
        aggregator.add(member.values, member.present);
        dropName ||= member.dropName;
      }
      series.push({ labels: group.labels, ...aggregator.finish(), dropName });
    }
  }
  return { kind: 'vector', series: series.filter((each) => !isEmpty(each)) };
}

async function quantiles(run: Run, group: Group, phi: Float64Array, steps: Steps): Promise<Series> {
  run.budget.hold(steps.count);
  const column = emptySeries(
    group.labels,
    steps.count,
    group.members.some((member) => member.dropName),
  );
  const values = new Float64Array(group.members.length);
  for (let step = 0; step < steps.count; step++) {
    await run.budget.breathe();
    let count = 0;
    for (const member of group.members) {
      if (member.present[step] === 1) values[count++] = member.values[step]!;
    }
    if (count === 0) continue;
    column.values[step] = quantileOf(phi[step]!, values.subarray(0, count));
    column.present[step] = 1;
  }
  return column;
}

function noteQuantiles(run: Run, node: Aggregate, phi: Float64Array): void {
  const { place } = node.parameter!;
  let least = Infinity;
  let most = -Infinity;
  for (const each of phi) {
    if (each !== each) run.notes.warn(quantileNote(each), place);
    least = Math.min(least, each);
    most = Math.max(most, each);
  }
  if (most > 1) run.notes.warn(quantileNote(most), place);
  if (least < 0) run.notes.warn(quantileNote(least), place);
}
