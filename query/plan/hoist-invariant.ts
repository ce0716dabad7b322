import { childrenOf, mapChildren } from './nodes.ts';
import type { PlanNode } from './nodes.ts';

/** Functions whose value depends on the evaluation time even when their arguments do not. */
const TIMED: ReadonlySet<string> = new Set([
  'time',
  'timestamp',
  'predict_linear',
  'days_in_month',
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'hour',
  'minute',
  'month',
  'year',
]);

/**
 * Puts a `hold` over the highest nodes that do not change from step to step (`rate(x[5m] @ end())`), so
 * that they are evaluated once. The inside of a subquery has steps of its own and is looked at anew.
 */
export function hoistInvariant(root: PlanNode): PlanNode {
  return hoisted(withHeldSubqueries(root));
}

function hoisted(node: PlanNode): PlanNode {
  if (isInvariant(node)) return worthHolding(node) ? held(node) : node;
  return mapOuter(node, hoisted);
}

/** Leaves the inside of subqueries alone. */
function mapOuter(node: PlanNode, change: (child: PlanNode) => PlanNode): PlanNode {
  const inner = subqueryInner(node);
  return mapChildren(node, (child) => (child === inner ? child : change(child)));
}

function withHeldSubqueries(node: PlanNode): PlanNode {
  const inner = subqueryInner(node);
  return mapChildren(node, (child) =>
    child === inner ? hoistInvariant(child) : withHeldSubqueries(child),
  );
}

function subqueryInner(node: PlanNode): PlanNode | undefined {
  if (node.kind === 'raw-subquery') return node.subquery.inner;
  return node.kind === 'window' && node.source.kind === 'subquery'
    ? node.source.subquery.inner
    : undefined;
}

function isInvariant(node: PlanNode): boolean {
  switch (node.kind) {
    case 'constant':
    case 'text':
      return true;
    case 'select':
    case 'raw':
      return node.scan.pinMs !== undefined;
    case 'raw-subquery':
      return node.subquery.pinMs !== undefined;
    case 'window': {
      const { source } = node;
      const pin = source.kind === 'samples' ? source.scan.pinMs : source.subquery.pinMs;
      return pin !== undefined && !TIMED.has(node.name) && node.parameters.every(isInvariant);
    }
    case 'call': {
      // The time of a pinned sample is pinned, too; that of any other value is the evaluation's.
      const [first] = node.arguments;
      if (node.name === 'timestamp' && first?.kind === 'select') return isInvariant(first);
      return !TIMED.has(node.name) && node.arguments.every(isInvariant);
    }
    case 'hold':
      return true;
    case 'aggregate':
    case 'binary':
    case 'negate':
      return childrenOf(node).every(isInvariant);
  }
}

function worthHolding(node: PlanNode): boolean {
  return !['constant', 'text', 'raw', 'raw-subquery', 'hold'].includes(node.kind);
}

function held(node: PlanNode): PlanNode {
  return { kind: 'hold', inner: node, place: node.place };
}
