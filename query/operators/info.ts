import { assert } from '../../model/assert.ts';
import {
  keepLabels,
  labelPairs,
  labelsFromMap,
  labelsKey,
  labelsToText,
  labelValue,
  METRIC_NAME,
  metricName,
  NO_LABELS,
} from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { compileMatcher, matchesAll } from '../../model/matcher.ts';
import type { CompiledMatcher, Matcher } from '../../model/matcher.ts';
import type { Run } from '../engine/run.ts';
import { emptySeries, isEmpty, sameLabelsFailure } from '../engine/value.ts';
import type { Series, VectorValue } from '../engine/value.ts';
import { childrenOf } from '../plan/nodes.ts';
import type { Call, PlanNode, Scan, Steps } from '../plan/nodes.ts';
import { QueryFailure } from '../query.ts';
import { select } from './select.ts';

/** Labels by which a series finds the info metrics about itself. */
const IDENTIFYING: ReadonlySet<string> = new Set(['instance', 'job']);
const TARGET_INFO: Matcher = { name: METRIC_NAME, operator: '=', value: 'target_info' };
const ANY_INFO: Matcher = { name: METRIC_NAME, operator: '=~', value: '.+_info' };

/**
 * `info(v, {…})`: adds to each series the labels of the info metrics that have the same instance and job.
 * The selector says which info metrics, by name, and which of their labels.
 */
export async function info(run: Run, node: Call, steps: Steps): Promise<VectorValue> {
  const [vector, selector] = node.arguments;
  const base = await run.evaluate(vector!, steps);
  assert(base.kind === 'vector', 'info() is over vectors');
  assert(!selector || selector.kind === 'select', 'the second argument of info() is a selector');
  const matchers = selector?.scan.matchers ?? [];
  const names = infoNames(matchers.filter((matcher) => matcher.name === METRIC_NAME));
  const data = matchers.filter((matcher) => matcher.name !== METRIC_NAME).map(compileMatcher);
  const infoMatchers = names.map(compileMatcher);
  // A series that is an info metric itself stays as it is.
  const isInfo = (series: Series): boolean =>
    infoMatchers.every((matcher) => matcher.accepts(metricName(series.labels)));
  const known = await infoSeries(
    run,
    node,
    base.series.filter((each) => !isInfo(each)),
    steps,
    [...names, ...data],
  );
  const join = new InfoJoin(known, data, steps);
  for (const each of base.series) {
    await run.budget.breathe();
    run.budget.hold(steps.count);
    if (isInfo(each)) join.keep(each);
    else join.enrich(each);
  }
  return { kind: 'vector', series: join.finish() };
}

/** Without a name that must match, any info metric does; without any, target_info. */
function infoNames(matchers: readonly Matcher[]): readonly Matcher[] {
  if (matchers.some(({ operator }) => operator === '=' || operator === '=~')) return matchers;
  return matchers.length > 0 ? [ANY_INFO, ...matchers] : [TARGET_INFO];
}

/** The info series that can concern the base, holding their samples' times. */
async function infoSeries(
  run: Run,
  node: Call,
  base: readonly Series[],
  steps: Steps,
  matchers: readonly Matcher[],
): Promise<readonly Series[]> {
  const values = new Map<string, Set<string>>();
  for (const { labels } of base) {
    for (const name of IDENTIFYING) {
      const value = labelValue(labels, name);
      if (value === '') continue;
      const known = values.get(name) ?? new Set();
      values.set(name, known.add(value));
    }
  }
  if (values.size === 0) return [];
  const scan: Scan = { matchers, edges: undefined, ...shiftOf(node.arguments[0]!) };
  const { series } = await select(run, { kind: 'select', scan, place: node.place }, steps, 'time');
  return series.filter(({ labels }) =>
    [...values].every(([name, known]) => known.has(labelValue(labels, name))),
  );
}

/** Info metrics are read as of the time at which the first selector of the argument reads. */
function shiftOf(
  node: PlanNode,
  offsetMs = 0,
  pinMs?: number,
): { readonly offsetMs: number; readonly pinMs: number | undefined } {
  const own =
    node.kind === 'select' || node.kind === 'raw'
      ? node.scan
      : node.kind === 'window' && node.source.kind === 'samples'
        ? node.source.scan
        : undefined;
  if (own) {
    return own.pinMs === undefined
      ? { offsetMs: own.offsetMs + offsetMs, pinMs }
      : { offsetMs: own.offsetMs, pinMs: own.pinMs };
  }
  if (node.kind === 'window' && node.source.kind === 'subquery') {
    const { subquery } = node.source;
    // A pin outside an already pinned subquery no longer matters.
    return subquery.pinMs === undefined
      ? shiftOf(subquery.inner, offsetMs + subquery.offsetMs, pinMs)
      : shiftOf(subquery.inner, subquery.offsetMs, subquery.pinMs);
  }
  for (const child of childrenOf(node)) {
    if (child.kind !== 'constant' && child.kind !== 'text') return shiftOf(child, offsetMs, pinMs);
  }
  return { offsetMs, pinMs };
}

class InfoJoin {
  readonly #data: readonly CompiledMatcher[];
  readonly #wanted: ReadonlySet<string>;
  readonly #steps: Steps;
  /** Info series by metric name and identifying labels. */
  readonly #known = new Map<string, Map<string, Series[]>>();
  readonly #results = new Map<string, Series>();

  constructor(known: readonly Series[], data: readonly CompiledMatcher[], steps: Steps) {
    this.#data = data;
    this.#wanted = new Set(data.map((matcher) => matcher.name));
    this.#steps = steps;
    for (const series of known) {
      const name = metricName(series.labels);
      const byIdentity = this.#known.get(name) ?? new Map<string, Series[]>();
      this.#known.set(name, byIdentity);
      const key = identity(series.labels);
      byIdentity.set(key, [...(byIdentity.get(key) ?? []), series]);
    }
  }

  keep(series: Series): void {
    for (let step = 0; step < this.#steps.count; step++) {
      if (series.present[step] === 1) this.#put(series, series.labels, step);
    }
  }

  enrich(series: Series): void {
    const key = identity(series.labels);
    const candidates = [...this.#known.values()].flatMap((byIdentity) => {
      const found = byIdentity.get(key);
      return found ? [found] : [];
    });
    // The same combination of info series gives the same labels.
    const labelsOf = new Map<string, Labels | undefined>();
    for (let step = 0; step < this.#steps.count; step++) {
      if (series.present[step] === 0) continue;
      const chosen = candidates.flatMap((group, i) => {
        const at = newest(group, step);
        return at === -1 ? [] : [{ info: group[at]!, id: `${i}:${at}` }];
      });
      const id = chosen.map((each) => each.id).join();
      if (!labelsOf.has(id)) {
        labelsOf.set(
          id,
          this.#joined(
            series.labels,
            chosen.map((each) => each.info),
          ),
        );
      }
      const labels = labelsOf.get(id);
      if (labels) this.#put(series, labels, step);
    }
  }

  finish(): Series[] {
    return [...this.#results.values()].filter((series) => !isEmpty(series));
  }

  /** Undefined when the selector wants a label that no info metric gave. */
  #joined(base: Labels, infos: readonly Series[]): Labels | undefined {
    const added = new Map<string, string>();
    for (const { labels } of infos) {
      for (const [name, value] of labelPairs(labels)) {
        if (name === METRIC_NAME || (this.#wanted.size > 0 && !this.#wanted.has(name))) continue;
        const other = added.get(name);
        if (other !== undefined && other !== value) {
          throw new QueryFailure('execution', `conflicting label: ${name}`);
        }
        if (labelValue(base, name) === '') added.set(name, value);
      }
    }
    if (infos.length === 0) return matchesAll(this.#data, NO_LABELS) ? base : undefined;
    return labelsFromMap(new Map([...labelPairs(base), ...added]));
  }

  #put(source: Series, labels: Labels, step: number): void {
    const key = labelsKey(labels);
    let target = this.#results.get(key);
    if (!target) {
      target = emptySeries(labels, this.#steps.count, source.dropName);
      this.#results.set(key, target);
    }
    if (target.present[step] === 1) throw sameLabelsFailure();
    target.present[step] = 1;
    target.values[step] = source.values[step]!;
  }
}

function identity(labels: Labels): string {
  return labelsKey(keepLabels(labels, IDENTIFYING));
}

/** Of several info series for the same target the one sampled last counts. */
function newest(group: readonly Series[], step: number): number {
  let best = -1;
  for (const [index, series] of group.entries()) {
    if (series.present[step] === 0) continue;
    const known = group[best];
    if (known && known.values[step] === series.values[step]) {
      throw new QueryFailure(
        'execution',
        `found duplicate series for info metric: existing ${labelsToText(known.labels)}, new ` +
          `${labelsToText(series.labels)}, both at ${series.values[step]}`,
      );
    }
    if (!known || known.values[step]! < series.values[step]!) best = index;
  }
  return best;
}
