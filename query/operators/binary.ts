import { assert } from '../../model/assert.ts';
import type { Run } from '../engine/run.ts';
import { isEmpty } from '../engine/value.ts';
import type { ScalarValue, Series, Value, VectorValue } from '../engine/value.ts';
import type { Binary, Steps } from '../plan/nodes.ts';
import { QueryFailure } from '../query.ts';
import { COMPARISON_OPERATORS, SET_OPERATORS } from '../syntax/ast.ts';
import { applyOperator, changesMetric } from './arithmetic.ts';
import { setOperation } from './set-operations.ts';
import { matchVectors } from './vector-matching.ts';

export async function binary(run: Run, node: Binary, steps: Steps): Promise<Value> {
  const left = await run.evaluate(node.left, steps);
  const right = await run.evaluate(node.right, steps);
  assert(left.kind !== 'text' && right.kind !== 'text', 'operators have no strings as operands');
  if (node.operator === '</' || node.operator === '>/') {
    throw new QueryFailure(
      'execution',
      `operator "${node.operator}" cuts native histograms, which are not supported yet`,
      { place: node.place },
    );
  }
  if (left.kind === 'scalar' && right.kind === 'scalar') {
    const { operator } = node;
    const other = right.values;
    return {
      kind: 'scalar',
      values: left.values.map((value, step) => applyOperator(operator, value, other[step]!)),
    };
  }
  if (left.kind === 'vector' && right.kind === 'vector') {
    return SET_OPERATORS.has(node.operator)
      ? setOperation(run, node, left.series, right.series, steps)
      : matchVectors(run, node, left.series, right.series, steps);
  }
  return left.kind === 'vector'
    ? withScalar(run, node, left, right as ScalarValue, false, steps)
    : withScalar(run, node, right as VectorValue, left, true, steps);
}

async function withScalar(
  run: Run,
  node: Binary,
  vector: VectorValue,
  scalar: ScalarValue,
  scalarIsLeft: boolean,
  steps: Steps,
): Promise<VectorValue> {
  const { operator, returnBool } = node;
  const filters = COMPARISON_OPERATORS.has(operator) && !returnBool;
  const dropsName = changesMetric(operator) || returnBool;
  const other = scalar.values;
  const series: Series[] = [];
  for (const each of vector.series) {
    await run.budget.breathe();
    run.budget.hold(steps.count);
    const values = new Float64Array(steps.count);
    const present = new Uint8Array(steps.count);
    for (let step = 0; step < steps.count; step++) {
      if (each.present[step] === 0) continue;
      const value = each.values[step]!;
      const result = scalarIsLeft
        ? applyOperator(operator, other[step]!, value)
        : applyOperator(operator, value, other[step]!);
      // A filter lets the vector's own value through, whichever side it stands on.
      values[step] = filters ? value : result;
      present[step] = filters ? result : 1;
    }
    const changed = { labels: each.labels, values, present, dropName: each.dropName || dropsName };
    if (!isEmpty(changed)) series.push(changed);
  }
  return { kind: 'vector', series };
}
