import {
  dropLabels,
  keepLabels,
  labelsKey,
  labelsToText,
  labelValue,
  withLabels,
} from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { Run } from '../engine/run.ts';
import { emptySeries, isEmpty, METADATA_LABELS, sameLabelsFailure } from '../engine/value.ts';
import type { Series, VectorValue } from '../engine/value.ts';
import type { Binary, Steps } from '../plan/nodes.ts';
import { QueryFailure } from '../query.ts';
import { COMPARISON_OPERATORS } from '../syntax/ast.ts';
import type { Matching } from '../syntax/ast.ts';
import { applyOperator, changesMetric } from './arithmetic.ts';
import { bySignature, matchedLabels } from './signatures.ts';

/**
 * Arithmetic and comparisons between vectors. The side of one is looked up by signature; with
 * group_right the sides trade places, and operands are put back in order only to compute.
 */
export async function matchVectors(
  run: Run,
  node: Binary,
  left: readonly Series[],
  right: readonly Series[],
  steps: Steps,
): Promise<VectorValue> {
  const matching = node.matching!;
  const swapped = matching.cardinality === 'one-to-many';
  const match = new Match(run, node, matching, swapped, steps);
  const many = bySignature(swapped ? right : left, matching);
  const one = bySignature(swapped ? left : right, matching);
  for (const [signature, members] of many) await match.group(members, one.get(signature) ?? []);
  if (match.fillsMany) {
    for (const [signature, ones] of one) if (!many.has(signature)) await match.group([], ones);
  } else {
    for (const [signature, ones] of one) if (!many.has(signature)) match.checkUnique(ones, right);
  }
  return { kind: 'vector', series: match.finish() };
}

class Match {
  readonly #run: Run;
  readonly #node: Binary;
  readonly #matching: Matching;
  readonly #swapped: boolean;
  readonly #steps: Steps;
  readonly #results = new Map<string, Series>();
  readonly #labelsOf: (labels: Labels) => Labels;
  /** What stands in for a missing series on the side of many and on the side of one. */
  readonly #fillMany: number | undefined;
  readonly #fillOne: number | undefined;

  constructor(run: Run, node: Binary, matching: Matching, swapped: boolean, steps: Steps) {
    this.#run = run;
    this.#node = node;
    this.#matching = matching;
    this.#swapped = swapped;
    this.#steps = steps;
    this.#labelsOf = matchedLabels(matching);
    this.#fillMany = swapped ? matching.fillRight : matching.fillLeft;
    this.#fillOne = swapped ? matching.fillLeft : matching.fillRight;
  }

  get fillsMany(): boolean {
    return this.#fillMany !== undefined;
  }

  /** Everything that has one signature. */
  async group(many: readonly Series[], one: readonly Series[]): Promise<void> {
    if (one.length === 0 && this.#fillOne === undefined) return;
    await this.#run.budget.breathe();
    const owner = this.#owners(one);
    // Whether the signature has produced anything at a step, filtered out or not.
    const matched = new Uint8Array(this.#steps.count);
    const produced = new Map<string, Uint8Array>();
    for (const member of many) {
      await this.#run.budget.breathe();
      this.#member(member, one, owner, matched, produced);
    }
    if (this.#fillMany === undefined) return;
    for (const [index, each] of one.entries()) this.#fill(each, index, owner, matched);
  }

  checkUnique(one: readonly Series[], others: readonly Series[]): void {
    if (one.length > 1 && others.length > 0) this.#owners(one);
  }

  finish(): Series[] {
    return [...this.#results.values()].filter((series) => !isEmpty(series));
  }

  /** For each step the index of the one series that has a value, or -1; two are a failure. */
  #owners(one: readonly Series[]): Int32Array {
    const owner = new Int32Array(this.#steps.count).fill(-1);
    for (const [index, series] of one.entries()) {
      for (let step = 0; step < owner.length; step++) {
        if (series.present[step] === 0) continue;
        if (owner[step] !== -1) throw this.#duplicate(one[owner[step]!]!, series);
        owner[step] = index;
      }
    }
    return owner;
  }

  #member(
    member: Series,
    one: readonly Series[],
    owner: Int32Array,
    matched: Uint8Array,
    produced: Map<string, Uint8Array>,
  ): void {
    const { cardinality } = this.#matching;
    const fillOne = this.#fillOne;
    // The result's labels depend on the partner, which may change from step to step.
    const targets = new Map<number, { series: Series; taken: Uint8Array }>();
    for (let step = 0; step < this.#steps.count; step++) {
      if (member.present[step] === 0) continue;
      const partner = owner[step]!;
      if (partner === -1 && fillOne === undefined) continue;
      let target = targets.get(partner);
      if (!target) {
        const partnerLabels = partner === -1 ? this.#labelsOf(member.labels) : one[partner]!.labels;
        const series = this.#target(member.labels, partnerLabels);
        const key = labelsKey(series.labels);
        const taken = produced.get(key) ?? new Uint8Array(this.#steps.count);
        produced.set(key, taken);
        target = { series, taken };
        targets.set(partner, target);
      }
      if (cardinality === 'one-to-one' && matched[step] === 1) throw this.#manyToOne();
      if (target.taken[step] === 1) throw this.#ambiguous();
      matched[step] = 1;
      target.taken[step] = 1;
      const other = partner === -1 ? fillOne! : one[partner]!.values[step]!;
      this.#compute(target.series, step, member.values[step]!, other);
    }
  }

  #fill(each: Series, index: number, owner: Int32Array, matched: Uint8Array): void {
    let target: Series | undefined;
    for (let step = 0; step < this.#steps.count; step++) {
      if (owner[step] !== index || matched[step] === 1) continue;
      target ??= this.#target(this.#labelsOf(each.labels), each.labels);
      this.#compute(target, step, this.#fillMany!, each.values[step]!);
    }
  }

  #compute(target: Series, step: number, many: number, one: number): void {
    const { operator, returnBool } = this.#node;
    const left = this.#swapped ? one : many;
    const right = this.#swapped ? many : one;
    const result = applyOperator(operator, left, right);
    const filters = COMPARISON_OPERATORS.has(operator) && !returnBool;
    if (filters && result === 0) return;
    if (target.present[step] === 1) throw sameLabelsFailure();
    target.values[step] = filters ? left : result;
    target.present[step] = 1;
  }

  #target(many: Labels, one: Labels): Series {
    const labels = this.#resultLabels(many, one);
    const key = labelsKey(labels);
    let series = this.#results.get(key);
    if (!series) {
      this.#run.budget.hold(this.#steps.count);
      series = emptySeries(labels, this.#steps.count, this.#node.returnBool);
      this.#results.set(key, series);
    }
    return series;
  }

  #resultLabels(many: Labels, one: Labels): Labels {
    const { cardinality, on, labels: names, include } = this.#matching;
    let labels = changesMetric(this.#node.operator) ? dropLabels(many, METADATA_LABELS) : many;
    if (cardinality === 'one-to-one') {
      const set = new Set(names);
      labels = on ? keepLabels(labels, set) : dropLabels(labels, set);
    }
    if (include.length === 0) return labels;
    return withLabels(
      labels,
      Object.fromEntries(include.map((name) => [name, labelValue(one, name)])),
    );
  }

  #duplicate(a: Series, b: Series): QueryFailure {
    const side = this.#swapped ? 'left' : 'right';
    const [first, second] = [labelsToText(a.labels), labelsToText(b.labels)].sort();
    return new QueryFailure(
      'execution',
      `found duplicate series for the match group ${labelsToText(this.#labelsOf(b.labels))} on the ${side} ` +
        `hand-side of the operation: [${first}, ${second}];many-to-many matching not allowed: ` +
        'matching labels must be unique on one side',
      { place: this.#node.place },
    );
  }

  #manyToOne(): QueryFailure {
    return new QueryFailure(
      'execution',
      'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
      { place: this.#node.place },
    );
  }

  #ambiguous(): QueryFailure {
    return new QueryFailure(
      'execution',
      'multiple matches for labels: grouping labels must ensure unique matches',
      { place: this.#node.place },
    );
  }
}
