import { assert } from '../../model/assert.ts';
import { NO_LABELS } from '../../model/labels.ts';
import type { Run } from '../engine/run.ts';
import { EMPTY_VECTOR, isEmpty } from '../engine/value.ts';
import type { ScalarValue, Series, Value, VectorValue } from '../engine/value.ts';
import { ELEMENTWISE, ELEMENTWISE_WITH_SCALARS } from '../functions/elementwise.ts';
import { labelJoin, labelReplace } from '../functions/labels.ts';
import { sortByLabels, sortByValue } from '../functions/sorting.ts';
import { stepTime } from '../plan/nodes.ts';
import type { Call, PlanNode, Steps } from '../plan/nodes.ts';
import { QueryFailure } from '../query.ts';
import { histogramFraction, histogramQuantile, histogramQuantiles } from './histograms.ts';
import { info } from './info.ts';
import { select } from './select.ts';
import { absent } from './window.ts';

type Operator = (run: Run, node: Call, steps: Steps) => Promise<Value>;

/** Functions over instant vectors and scalars that are more than a formula. */
const OPERATORS: Readonly<Record<string, Operator>> = {
  absent: async (run, node, steps) => {
    const [argument] = node.arguments;
    const { series } = await vectorOf(run, argument!, steps);
    return absent(series, steps, argument!.kind === 'select' ? argument.scan.matchers : []);
  },
  histogram_avg: nativeOnly,
  histogram_count: nativeOnly,
  histogram_sum: nativeOnly,
  histogram_stddev: nativeOnly,
  histogram_stdvar: nativeOnly,
  histogram_fraction: async (run, node, steps) => {
    const [lower, upper, vector] = node.arguments;
    const bounds = {
      lower: (await scalarOf(run, lower!, steps)).values,
      upper: (await scalarOf(run, upper!, steps)).values,
    };
    const { series } = await vectorOf(run, vector!, steps);
    return histogramFraction(run, bounds, series, vector!.place, steps);
  },
  histogram_quantile: async (run, node, steps) => {
    const [phi, vector] = node.arguments;
    const { values } = await scalarOf(run, phi!, steps);
    const { series } = await vectorOf(run, vector!, steps);
    const call = { phi: values, phiPlace: phi!.place, series, seriesPlace: vector!.place };
    return histogramQuantile(run, call, steps);
  },
  histogram_quantiles: async (run, node, steps) => {
    const [vector, label, ...phis] = node.arguments;
    const { series } = await vectorOf(run, vector!, steps);
    const calls = [];
    for (const phi of phis) {
      const { values } = await scalarOf(run, phi, steps);
      calls.push({ phi: values, phiPlace: phi.place, series, seriesPlace: vector!.place });
    }
    return histogramQuantiles(run, textOf(label!), calls, steps);
  },
  info,
  label_join: async (run, node, steps) => relabel(run, node, steps, labelJoin),
  label_replace: async (run, node, steps) => relabel(run, node, steps, labelReplace),
  max_of: async (run, node, steps) => ofTwoScalars(run, node, steps, Math.max),
  min_of: async (run, node, steps) => ofTwoScalars(run, node, steps, Math.min),
  pi: async (_, __, steps) => constant(Math.PI, steps),
  scalar: async (run, node, steps) => {
    const { series } = await vectorOf(run, node.arguments[0]!, steps);
    return onlyValue(series, steps);
  },
  sort: async (run, node, steps) =>
    sorted(run, node, steps, (series) => sortByValue(series, false)),
  sort_desc: async (run, node, steps) =>
    sorted(run, node, steps, (series) => sortByValue(series, true)),
  sort_by_label: async (run, node, steps) =>
    sorted(run, node, steps, (series, names) => sortByLabels(series, names, false)),
  sort_by_label_desc: async (run, node, steps) =>
    sorted(run, node, steps, (series, names) => sortByLabels(series, names, true)),
  start_timestamp: async (_, node) => {
    throw new QueryFailure(
      'execution',
      'start_timestamp() is not supported: start times of samples are not stored',
      { place: node.place },
    );
  },
  time: async (_, __, steps) => ({ kind: 'scalar', values: times(steps) }),
  timestamp,
  vector: async (run, node, steps) => {
    const { values } = await scalarOf(run, node.arguments[0]!, steps);
    return ofScalar(values);
  },
};

/** A function call over whole columns. */
export async function call(run: Run, node: Call, steps: Steps): Promise<Value> {
  const operator = OPERATORS[node.name];
  if (operator) return operator(run, node, steps);
  const simple = ELEMENTWISE[node.name];
  if (simple) {
    // The functions of the calendar look at the evaluation time when they are given nothing.
    const input =
      node.arguments.length === 0
        ? ofScalar(times(steps))
        : await vectorOf(run, node.arguments[0]!, steps);
    return mapped(run, input, steps, (value) => simple(value));
  }
  const formula = ELEMENTWISE_WITH_SCALARS[node.name];
  if (!formula) {
    throw new QueryFailure('execution', `function ${node.name}() is not supported yet`, {
      place: node.place,
    });
  }
  const input = await vectorOf(run, node.arguments[0]!, steps);
  const columns: Float64Array[] = [];
  for (const argument of node.arguments.slice(1)) {
    columns.push((await scalarOf(run, argument, steps)).values);
  }
  const [first, second] = columns;
  // Nothing lies between bounds that are the wrong way round.
  const excluded =
    node.name === 'clamp' ? (step: number) => second![step]! < first![step]! : undefined;
  return mapped(
    run,
    input,
    steps,
    (value, step) => formula(value, first?.[step] ?? 1, second?.[step] ?? 1),
    excluded,
  );
}

async function mapped(
  run: Run,
  input: VectorValue,
  steps: Steps,
  compute: (value: number, step: number) => number,
  excluded?: (step: number) => boolean,
): Promise<VectorValue> {
  const series: Series[] = [];
  for (const each of input.series) {
    await run.budget.breathe();
    run.budget.hold(steps.count);
    const values = new Float64Array(steps.count);
    const present = each.present.slice();
    for (let step = 0; step < steps.count; step++) {
      if (present[step] === 0) continue;
      if (excluded?.(step)) present[step] = 0;
      else values[step] = compute(each.values[step]!, step);
    }
    const column = { labels: each.labels, values, present, dropName: true };
    if (!isEmpty(column)) series.push(column);
  }
  return { kind: 'vector', series };
}

/** When the sample was taken, for a plain selector; the evaluation time for any other value. */
async function timestamp(run: Run, node: Call, steps: Steps): Promise<VectorValue> {
  const [argument] = node.arguments;
  if (argument!.kind === 'select' && !argument.scan.edges) {
    const { series } = await select(run, argument, steps, 'time');
    return { kind: 'vector', series: series.map((each) => ({ ...each, dropName: true })) };
  }
  const input = await vectorOf(run, argument!, steps);
  return mapped(run, input, steps, (_, step) => stepTime(steps, step) / 1000);
}

async function relabel(
  run: Run,
  node: Call,
  steps: Steps,
  change: (series: readonly Series[], texts: readonly string[]) => readonly Series[],
): Promise<VectorValue> {
  const [vector, ...texts] = node.arguments;
  const { series } = await vectorOf(run, vector!, steps);
  return { kind: 'vector', series: change(series, texts.map(textOf)) };
}

async function sorted(
  run: Run,
  node: Call,
  steps: Steps,
  sort: (series: readonly Series[], names: readonly string[]) => readonly Series[],
): Promise<VectorValue> {
  const [vector, ...names] = node.arguments;
  const input = await vectorOf(run, vector!, steps);
  if (steps.count === 1) return { kind: 'vector', series: sort(input.series, names.map(textOf)) };
  run.notes.warn(
    'sort is ineffective for range queries since results are always ordered by labels',
    node.place,
  );
  return input;
}

/** What these functions read is in native histograms only, which are not stored: there is none. */
async function nativeOnly(run: Run, node: Call, steps: Steps): Promise<VectorValue> {
  await vectorOf(run, node.arguments[0]!, steps);
  return EMPTY_VECTOR;
}

async function ofTwoScalars(
  run: Run,
  node: Call,
  steps: Steps,
  choose: (a: number, b: number) => number,
): Promise<ScalarValue> {
  const a = (await scalarOf(run, node.arguments[0]!, steps)).values;
  const b = (await scalarOf(run, node.arguments[1]!, steps)).values;
  return { kind: 'scalar', values: a.map((value, step) => choose(value, b[step]!)) };
}

function onlyValue(series: readonly Series[], steps: Steps): ScalarValue {
  const values = new Float64Array(steps.count).fill(NaN);
  const seen = new Uint8Array(steps.count);
  for (const each of series) {
    for (let step = 0; step < steps.count; step++) {
      if (each.present[step] === 0) continue;
      values[step] = seen[step] === 1 ? NaN : each.values[step]!;
      seen[step] = 1;
    }
  }
  return { kind: 'scalar', values };
}

function constant(value: number, steps: Steps): ScalarValue {
  return { kind: 'scalar', values: new Float64Array(steps.count).fill(value) };
}

function ofScalar(values: Float64Array): VectorValue {
  const present = new Uint8Array(values.length).fill(1);
  return { kind: 'vector', series: [{ labels: NO_LABELS, values, present, dropName: false }] };
}

function times(steps: Steps): Float64Array {
  return Float64Array.from({ length: steps.count }, (_, step) => stepTime(steps, step) / 1000);
}

async function vectorOf(run: Run, node: PlanNode, steps: Steps): Promise<VectorValue> {
  const value = await run.evaluate(node, steps);
  assert(value.kind === 'vector', 'the type check lets only vectors through here');
  return value;
}

async function scalarOf(run: Run, node: PlanNode, steps: Steps): Promise<ScalarValue> {
  const value = await run.evaluate(node, steps);
  assert(value.kind === 'scalar', 'the type check lets only scalars through here');
  return value;
}

function textOf(node: PlanNode): string {
  assert(node.kind === 'text', 'the type check lets only strings through here');
  return node.value;
}
