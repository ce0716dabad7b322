import type { Matcher } from '../../model/matcher.ts';
import type { AggregationOperator, BinaryOperator, Matching, Place } from '../syntax/ast.ts';

/**
 * What will be done for a query, with every duration and pin resolved to milliseconds. A plan is plain
 * data; `print.ts` shows it, the rewrites beside this file change it, `engine/evaluate.ts` runs it.
 */
export type PlanNode =
  | Constant
  | { readonly kind: 'text'; readonly value: string; readonly place: Place }
  | Select
  | Raw
  | RawSubquery
  | Window
  | Call
  | Aggregate
  | Binary
  | { readonly kind: 'negate'; readonly inner: PlanNode; readonly place: Place }
  | Hold;

export interface Constant {
  readonly kind: 'constant';
  readonly value: number;
  readonly place: Place;
}

/** Which series, and at which time relative to the evaluation. */
export interface Scan {
  readonly matchers: readonly Matcher[];
  readonly offsetMs: number;
  /** The instant that `@` gave; undefined: the evaluation time. */
  readonly pinMs: number | undefined;
  readonly edges: 'anchored' | 'smoothed' | undefined;
}

/** The newest sample of each series within the look-back. */
export interface Select {
  readonly kind: 'select';
  readonly scan: Scan;
  readonly place: Place;
}

/** A range as the whole answer. */
export interface Raw {
  readonly kind: 'raw';
  readonly scan: Scan;
  readonly rangeMs: number;
  readonly place: Place;
}

export interface Subquery {
  readonly inner: PlanNode;
  readonly rangeMs: number;
  readonly stepMs: number;
  readonly offsetMs: number;
  readonly pinMs: number | undefined;
}

export interface RawSubquery {
  readonly kind: 'raw-subquery';
  readonly subquery: Subquery;
  readonly place: Place;
}

/** A function over a window of samples that slides from step to step. */
export interface Window {
  readonly kind: 'window';
  readonly name: string;
  readonly source:
    | { readonly kind: 'samples'; readonly scan: Scan }
    | { readonly kind: 'subquery'; readonly subquery: Subquery };
  readonly rangeMs: number;
  /** The arguments that are scalars, in their order. */
  readonly parameters: readonly PlanNode[];
  readonly place: Place;
  /** Of the first argument, for annotations. */
  readonly firstPlace: Place;
}

export interface Call {
  readonly kind: 'call';
  readonly name: string;
  readonly arguments: readonly PlanNode[];
  readonly place: Place;
}

export interface Aggregate {
  readonly kind: 'aggregate';
  readonly operator: AggregationOperator;
  readonly inner: PlanNode;
  readonly parameter: PlanNode | undefined;
  readonly grouping: readonly string[];
  readonly without: boolean;
  readonly place: Place;
}

export interface Binary {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: PlanNode;
  readonly right: PlanNode;
  readonly returnBool: boolean;
  readonly matching: Matching | undefined;
  readonly place: Place;
}

/** Does not depend on the step: evaluated once, its value held over all steps. */
export interface Hold {
  readonly kind: 'hold';
  readonly inner: PlanNode;
  readonly place: Place;
}

/** The grid of times for which a query is evaluated. */
export interface Steps {
  readonly startMs: number;
  /** Positive, also for a single step. */
  readonly stepMs: number;
  readonly count: number;
}

export function stepTime(steps: Steps, index: number): number {
  return steps.startMs + index * steps.stepMs;
}

export function lastStepTime(steps: Steps): number {
  return stepTime(steps, steps.count - 1);
}

export function childrenOf(node: PlanNode): readonly PlanNode[] {
  switch (node.kind) {
    case 'constant':
    case 'text':
    case 'select':
    case 'raw':
      return [];
    case 'raw-subquery':
      return [node.subquery.inner];
    case 'window':
      return node.source.kind === 'subquery'
        ? [node.source.subquery.inner, ...node.parameters]
        : node.parameters;
    case 'call':
      return node.arguments;
    case 'aggregate':
      return node.parameter ? [node.parameter, node.inner] : [node.inner];
    case 'binary':
      return [node.left, node.right];
    case 'negate':
    case 'hold':
      return [node.inner];
  }
}

/** The same node over changed children. */
export function mapChildren(node: PlanNode, change: (child: PlanNode) => PlanNode): PlanNode {
  switch (node.kind) {
    case 'constant':
    case 'text':
    case 'select':
    case 'raw':
      return node;
    case 'raw-subquery':
      return { ...node, subquery: { ...node.subquery, inner: change(node.subquery.inner) } };
    case 'window': {
      const { source } = node;
      return {
        ...node,
        source:
          source.kind === 'samples'
            ? source
            : { ...source, subquery: { ...source.subquery, inner: change(source.subquery.inner) } },
        parameters: node.parameters.map(change),
      };
    }
    case 'call':
      return { ...node, arguments: node.arguments.map(change) };
    case 'aggregate':
      return {
        ...node,
        inner: change(node.inner),
        parameter: node.parameter && change(node.parameter),
      };
    case 'binary':
      return { ...node, left: change(node.left), right: change(node.right) };
    case 'negate':
    case 'hold':
      return { ...node, inner: change(node.inner) };
  }
}
