import { assert } from '../../model/assert.ts';
import { labelsFromMap, labelValue, metricName } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { RawSeries } from '../../store/store.ts';
import { quantileNote } from '../engine/notes.ts';
import type { Run } from '../engine/run.ts';
import { emptySeries, isEmpty } from '../engine/value.ts';
import type { Series, VectorValue } from '../engine/value.ts';
import { EDGE_FUNCTIONS, extendedPoints } from '../functions/edges.ts';
import type { Edges } from '../functions/edges.ts';
import { NONE } from '../functions/window-function.ts';
import type { Columns, Frame, WindowFunction } from '../functions/window-function.ts';
import { WINDOW_FUNCTIONS } from '../functions/window-functions.ts';
import { lastStepTime, stepTime } from '../plan/nodes.ts';
import type { Raw, Scan, Steps, Subquery, Window } from '../plan/nodes.ts';
import { QueryFailure } from '../query.ts';
import { referenceTime } from './select.ts';

/** Samples that a window can slide over, from the store or from a subquery. */
interface Source extends RawSeries {
  readonly dropName: boolean;
}

/** Functions that act like an offset: what they give is still a sample of the metric. */
const KEEPS_NAME: ReadonlySet<string> = new Set(['last_over_time', 'first_over_time']);
const COUNTER_FUNCTIONS: ReadonlySet<string> = new Set(['rate', 'increase']);
const COUNTER_NAME = /_(?:total|sum|count|bucket)$/;

/** Slides a window over the samples of each series, one pass for all steps. */
export async function slideWindow(run: Run, node: Window, steps: Steps): Promise<VectorValue> {
  const { source } = node;
  const edges = source.kind === 'samples' ? source.scan.edges : undefined;
  if (edges) checkEdges(node.name, edges);
  const parameters = await scalarColumns(run, node, steps);
  if (node.name === 'quantile_over_time') noteQuantiles(run, node, parameters[0]!);
  const shift = source.kind === 'samples' ? source.scan : source.subquery;
  const sources =
    source.kind === 'samples'
      ? await samplesOf(run, source.scan, node.rangeMs, steps)
      : await subquerySamples(run, source.subquery, steps);
  const reach = reachOf(edges, run.lookbackMs);
  const make = WINDOW_FUNCTIONS[node.name]!(edges);
  const series: Series[] = [];
  for (const each of sources) {
    await run.budget.breathe();
    run.budget.hold(steps.count);
    const column = emptySeries(
      each.labels,
      steps.count,
      each.dropName || !KEEPS_NAME.has(node.name),
    );
    fill(
      column,
      each,
      make(each, parameters),
      { ...shift, rangeMs: node.rangeMs, ...reach },
      steps,
    );
    if (isEmpty(column)) continue;
    series.push(column);
    if (COUNTER_FUNCTIONS.has(node.name)) noteCounter(run, node, each.labels);
  }
  return node.name === 'absent_over_time'
    ? absent(series, steps, source.kind === 'samples' ? source.scan.matchers : [])
    : { kind: 'vector', series };
}

interface Reach {
  readonly before: number;
  readonly after: number;
}

/** How far beyond the window its function wants to see. */
function reachOf(edges: Edges | undefined, lookbackMs: number): Reach {
  return { before: edges ? lookbackMs : 0, after: edges === 'smoothed' ? lookbackMs : 0 };
}

function fill(
  column: Series,
  { times }: Columns,
  compute: WindowFunction,
  window: Reach & {
    readonly rangeMs: number;
    readonly offsetMs: number;
    readonly pinMs: number | undefined;
  },
  steps: Steps,
): void {
  const frame: Frame = { lo: 0, hi: 0, startMs: 0, endMs: 0, evaluationMs: 0, step: 0 };
  for (let step = 0; step < steps.count; step++) {
    const timeMs = stepTime(steps, step);
    const endMs = referenceTime(window, timeMs);
    const from = endMs - window.rangeMs - window.before;
    const to = endMs + window.after;
    while (frame.hi < times.length && times[frame.hi]! <= to) frame.hi++;
    while (frame.lo < frame.hi && times[frame.lo]! <= from) frame.lo++;
    if (frame.lo === frame.hi) continue;
    frame.startMs = endMs - window.rangeMs;
    frame.endMs = endMs;
    frame.evaluationMs = timeMs;
    frame.step = step;
    const value = compute(frame);
    if (value === NONE) continue;
    column.values[step] = value;
    column.present[step] = 1;
  }
}

async function scalarColumns(run: Run, node: Window, steps: Steps): Promise<Float64Array[]> {
  const columns: Float64Array[] = [];
  for (const parameter of node.parameters) {
    const value = await run.evaluate(parameter, steps);
    assert(value.kind === 'scalar', 'the parameters of window functions are scalars');
    columns.push(value.values);
  }
  return columns;
}

async function samplesOf(
  run: Run,
  scan: Scan,
  rangeMs: number,
  steps: Steps,
): Promise<readonly Source[]> {
  const reach = reachOf(scan.edges, run.lookbackMs);
  const fromMs = referenceTime(scan, steps.startMs) - rangeMs - reach.before + 1;
  const toMs = referenceTime(scan, lastStepTime(steps)) + reach.after;
  const selection = await run.source.selectReal(scan, fromMs, toMs);
  return selection.map((raw) => ({ ...raw, dropName: false }));
}

/** The grid on which a subquery is evaluated: multiples of its own step. */
function subquerySteps(subquery: Subquery, steps: Steps): Steps {
  const { stepMs, rangeMs } = subquery;
  const leftEdge = referenceTime(subquery, steps.startMs) - rangeMs;
  const startMs = Math.floor(leftEdge / stepMs) * stepMs + stepMs;
  const endMs = referenceTime(subquery, lastStepTime(steps));
  return { startMs, stepMs, count: Math.max(0, Math.floor((endMs - startMs) / stepMs) + 1) };
}

/** Evaluates the inside of a subquery and gives its values as samples. */
export async function subquerySamples(
  run: Run,
  subquery: Subquery,
  steps: Steps,
): Promise<readonly Source[]> {
  const grid = subquerySteps(subquery, steps);
  if (grid.count === 0) return [];
  run.budget.hold(grid.count);
  const value = await run.evaluate(subquery.inner, grid);
  assert(value.kind === 'vector', 'subqueries are over vectors');
  return value.series.map((series) => ({
    labels: series.labels,
    dropName: series.dropName,
    ...pointsOf(series, grid),
  }));
}

/** The values that are there, with their times. */
export function pointsOf(series: Series, steps: Steps): Columns {
  let count = 0;
  for (const flag of series.present) count += flag;
  const times = new Float64Array(count);
  const values = new Float64Array(count);
  let row = 0;
  for (let step = 0; step < series.present.length; step++) {
    if (series.present[step] === 0) continue;
    times[row] = stepTime(steps, step);
    values[row++] = series.values[step]!;
  }
  return { times, values };
}

/** A range as the answer itself: the samples of (t - range, t]. */
export async function rawSamples(run: Run, node: Raw, steps: Steps): Promise<readonly Source[]> {
  const { scan, rangeMs } = node;
  const sources = await samplesOf(run, scan, rangeMs, steps);
  const { edges } = scan;
  if (!edges) return sources;
  const endMs = referenceTime(scan, steps.startMs);
  return sources
    .map((source) => {
      const frame: Frame = {
        lo: 0,
        hi: source.times.length,
        startMs: endMs - rangeMs,
        endMs,
        evaluationMs: steps.startMs,
        step: 0,
      };
      return { ...source, ...extendedPoints(source, frame, edges) };
    })
    .filter((source) => source.times.length > 0);
}

function checkEdges(name: string, edges: Edges): void {
  const allowed = EDGE_FUNCTIONS[edges];
  if (allowed.includes(name)) return;
  throw new QueryFailure(
    'execution',
    `${edges} modifier can only be used with: ${allowed.join(', ')} - not with ${name}`,
  );
}

function noteCounter(run: Run, node: Window, labels: Labels): void {
  const name = metricName(labels);
  if (name === '' || COUNTER_NAME.test(name) || labelValue(labels, '__type__') === 'counter')
    return;
  run.notes.info(
    `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${JSON.stringify(name)}`,
    node.firstPlace,
  );
}

function noteQuantiles(run: Run, node: Window, quantiles: Float64Array): void {
  for (const quantile of quantiles) {
    if (!(quantile >= 0 && quantile <= 1)) run.notes.warn(quantileNote(quantile), node.firstPlace);
  }
}

/** One series with 1 at every step that no other has a value for; its labels are what the matchers say. */
export function absent(
  series: readonly Series[],
  steps: Steps,
  matchers: readonly Matcher[],
): VectorValue {
  const column = emptySeries(absentLabels(matchers), steps.count, true);
  for (let step = 0; step < steps.count; step++) {
    if (series.some(({ present }) => present[step] === 1)) continue;
    column.values[step] = 1;
    column.present[step] = 1;
  }
  return { kind: 'vector', series: isEmpty(column) ? [] : [column] };
}

function absentLabels(matchers: readonly Matcher[]): Labels {
  const labels = new Map<string, string>();
  const seen = new Set<string>();
  for (const { name, operator, value } of matchers) {
    if (name === '__name__') continue;
    if (operator === '=' && !seen.has(name)) {
      labels.set(name, value);
      seen.add(name);
    } else labels.delete(name);
  }
  return labelsFromMap(labels);
}
