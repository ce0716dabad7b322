import { assert } from '../../model/assert.ts';
import { labelsKey, withLabels } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { Run } from '../engine/run.ts';
import { emptySeries } from '../engine/value.ts';
import type { Series, VectorValue } from '../engine/value.ts';
import type { Aggregate, Steps } from '../plan/nodes.ts';
import { QueryFailure } from '../query.ts';
import { numberText } from '../wire.ts';
import { groupLabels } from './grouping.ts';

/** `count_values`: one series for each group and distinct value, the value in a label. */
export async function countValues(run: Run, node: Aggregate, steps: Steps): Promise<VectorValue> {
  const { parameter } = node;
  assert(parameter?.kind === 'text', 'the parameter of count_values is a string');
  const label = parameter.value;
  if (label === '') throw new QueryFailure('execution', 'invalid label name ""');
  const input = await run.evaluate(node.inner, steps);
  assert(input.kind === 'vector', 'aggregations are over vectors');
  const labelsOf = groupLabels(
    node.without ? node.grouping : [...node.grouping, label],
    node.without,
  );
  const groups = new Map<string, Series>();
  for (const member of input.series) {
    await run.budget.breathe();
    // A series mostly repeats few values: their label sets are worth keeping.
    const known = new Map<string, Series>();
    for (let step = 0; step < steps.count; step++) {
      if (member.present[step] === 0) continue;
      const text = numberText(member.values[step]!);
      let group = known.get(text);
      if (!group) {
        const labels: Labels = labelsOf(withLabels(member.labels, { [label]: text }));
        const key = labelsKey(labels);
        group = groups.get(key);
        if (!group) {
          run.budget.hold(steps.count);
          group = emptySeries(labels, steps.count);
          groups.set(key, group);
        }
        known.set(text, group);
      }
      group.values[step] = group.values[step]! + 1;
      group.present[step] = 1;
    }
  }
  return { kind: 'vector', series: [...groups.values()] };
}
