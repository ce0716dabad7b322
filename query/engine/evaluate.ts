import { assert } from '../../model/assert.ts';
import { aggregate } from '../operators/aggregate.ts';
import { binary } from '../operators/binary.ts';
import { call } from '../operators/call.ts';
import { select } from '../operators/select.ts';
import { slideWindow } from '../operators/window.ts';
import type { PlanNode, Steps } from '../plan/nodes.ts';
import { QueryFailure } from '../query.ts';
import type { Run } from './run.ts';
import { countPresent } from './value.ts';
import type { Series, Value } from './value.ts';

/** Runs a plan node for a grid of steps. What its operands held is given back; its own value is counted. */
export async function evaluate(run: Run, node: PlanNode, steps: Steps): Promise<Value> {
  const { budget } = run;
  budget.check();
  const heldBefore = budget.samplesHeld;
  const value = await operate(run, node, steps);
  budget.settle(heldBefore);
  budget.hold(value.kind === 'vector' ? value.series.length * steps.count : steps.count);
  return value;
}

/** The only place where plan nodes become operators. */
async function operate(run: Run, node: PlanNode, steps: Steps): Promise<Value> {
  switch (node.kind) {
    case 'constant':
      return { kind: 'scalar', values: new Float64Array(steps.count).fill(node.value) };
    case 'text':
      return { kind: 'text', value: node.value };
    case 'select':
      return select(run, node, steps);
    case 'window':
      return slideWindow(run, node, steps);
    case 'call':
      return call(run, node, steps);
    case 'aggregate':
      return aggregate(run, node, steps);
    case 'binary':
      return binary(run, node, steps);
    case 'negate':
      return negated(await run.evaluate(node.inner, steps));
    case 'hold':
      return held(run, await run.evaluate(node.inner, { ...steps, count: 1 }), steps);
    case 'raw':
    case 'raw-subquery':
      throw new QueryFailure(
        'bad_data',
        'invalid expression type "range vector" for range query, must be Scalar or instant Vector',
        { place: node.place },
      );
  }
}

function negated(value: Value): Value {
  assert(value.kind !== 'text', 'strings have no sign');
  if (value.kind === 'scalar') {
    return { kind: 'scalar', values: value.values.map((each) => -each) };
  }
  return {
    kind: 'vector',
    series: value.series.map((series) => ({
      ...series,
      values: series.values.map((each) => -each),
      dropName: true,
    })),
  };
}

/** The value of the first step at all steps. */
function held(run: Run, value: Value, steps: Steps): Value {
  if (steps.count === 1 || value.kind === 'text') return value;
  const { count } = steps;
  if (value.kind === 'scalar') {
    return { kind: 'scalar', values: new Float64Array(count).fill(value.values[0]!) };
  }
  const series: Series[] = [];
  for (const each of value.series) {
    if (countPresent(each) === 0) continue;
    run.budget.hold(count);
    series.push({
      ...each,
      values: new Float64Array(count).fill(each.values[0]!),
      present: new Uint8Array(count).fill(1),
    });
  }
  return { kind: 'vector', series };
}
