import { assert } from '../../model/assert.ts';
import type {
  Expression,
  MatrixSelector,
  Pin,
  Subquery as SubqueryExpression,
  VectorSelector,
} from '../syntax/ast.ts';
import { durationMs } from './durations.ts';
import type { QuerySpan } from './durations.ts';
import type { PlanNode, Scan, Subquery } from './nodes.ts';

/** The step of a subquery that names none. */
const SUBQUERY_STEP_MS = 60_000;

/** The first plan of an expression: parentheses gone, durations, pins and the query's own times resolved. */
export function resolve(expression: Expression, span: QuerySpan): PlanNode {
  const { place } = expression;
  switch (expression.kind) {
    case 'number':
      return { kind: 'constant', value: expression.value, place };
    case 'string':
      return { kind: 'text', value: expression.value, place };
    case 'parentheses':
      return resolve(expression.inner, span);
    case 'selector':
      return { kind: 'select', scan: scanOf(expression, span), place };
    case 'matrix':
      return { kind: 'raw', ...rangeOf(expression, span), place };
    case 'subquery':
      return { kind: 'raw-subquery', subquery: subqueryOf(expression, span), place };
    case 'unary': {
      const inner = resolve(expression.inner, span);
      return expression.operator === '-' ? { kind: 'negate', inner, place } : inner;
    }
    case 'call':
      return resolveCall(expression, span);
    case 'aggregation':
      return {
        kind: 'aggregate',
        operator: expression.operator,
        inner: resolve(expression.inner, span),
        parameter: expression.parameter && resolve(expression.parameter, span),
        grouping: expression.grouping,
        without: expression.without,
        place,
      };
    case 'binary':
      return {
        kind: 'binary',
        operator: expression.operator,
        left: resolve(expression.left, span),
        right: resolve(expression.right, span),
        returnBool: expression.returnBool,
        matching: expression.matching,
        place,
      };
  }
}

function resolveCall(expression: Extract<Expression, { kind: 'call' }>, span: QuerySpan): PlanNode {
  const { name, place } = expression;
  const own = QUERY_VALUES[name];
  if (own) return { kind: 'constant', value: own(span), place };
  const parts = expression.arguments.map(unwrapped);
  const ranged = parts.findIndex((part) => part.kind === 'matrix' || part.kind === 'subquery');
  if (ranged === -1) {
    return { kind: 'call', name, arguments: parts.map((part) => resolve(part, span)), place };
  }
  const range = parts[ranged]!;
  assert(range.kind === 'matrix' || range.kind === 'subquery', 'the index points at a range');
  const source =
    range.kind === 'matrix'
      ? ({ kind: 'samples', ...rangeOf(range, span) } as const)
      : ({ kind: 'subquery', subquery: subqueryOf(range, span) } as const);
  return {
    kind: 'window',
    name,
    source,
    rangeMs: source.kind === 'samples' ? source.rangeMs : source.subquery.rangeMs,
    parameters: parts.filter((_, i) => i !== ranged).map((part) => resolve(part, span)),
    place,
    firstPlace: parts[0]!.place,
  };
}

/** Functions that tell about the query itself. */
const QUERY_VALUES: Readonly<Record<string, (span: QuerySpan) => number>> = {
  start: (span) => span.startMs / 1000,
  end: (span) => span.endMs / 1000,
  range: (span) => (span.endMs - span.startMs) / 1000,
  step: (span) => (span.startMs === span.endMs ? 0 : span.stepMs / 1000),
};

function unwrapped(expression: Expression): Expression {
  let inner = expression;
  while (inner.kind === 'parentheses') inner = inner.inner;
  return inner;
}

function scanOf(selector: VectorSelector, span: QuerySpan): Scan {
  return { matchers: selector.matchers, edges: selector.edges, ...shiftOf(selector, span) };
}

function rangeOf(matrix: MatrixSelector, span: QuerySpan): { scan: Scan; rangeMs: number } {
  return {
    scan: scanOf(matrix.selector, span),
    rangeMs: durationMs(matrix.range, span, { mayBeNegative: false }),
  };
}

function subqueryOf(subquery: SubqueryExpression, span: QuerySpan): Subquery {
  return {
    inner: resolve(subquery.inner, span),
    rangeMs: durationMs(subquery.range, span, { mayBeNegative: false }),
    stepMs: subquery.step
      ? durationMs(subquery.step, span, { mayBeNegative: false })
      : SUBQUERY_STEP_MS,
    ...shiftOf(subquery, span),
  };
}

function shiftOf(
  { offset, pin }: VectorSelector | SubqueryExpression,
  span: QuerySpan,
): { offsetMs: number; pinMs: number | undefined } {
  return {
    offsetMs: offset ? durationMs(offset, span, { mayBeNegative: true }) : 0,
    pinMs: pin && pinOf(pin, span),
  };
}

function pinOf(pin: Pin, span: QuerySpan): number {
  switch (pin.kind) {
    case 'time':
      return pin.timeMs;
    case 'start':
      return span.startMs;
    case 'end':
      return span.endMs;
  }
}
