import { durationText } from '../../model/duration.ts';
import { matcherText } from '../../model/matcher.ts';
import { numberText } from '../wire.ts';
import { childrenOf } from './nodes.ts';
import type { PlanNode, Scan, Subquery } from './nodes.ts';

/** A plan as an indented outline, one node a line: what a test or a person reads. */
export function printPlan(node: PlanNode, indent = ''): string {
  const lines = childrenOf(node).map((child) => printPlan(child, `${indent}  `));
  return [`${indent}${headline(node)}`, ...lines].join('\n');
}

function headline(node: PlanNode): string {
  switch (node.kind) {
    case 'constant':
      return `constant ${numberText(node.value)}`;
    case 'text':
      return `text ${JSON.stringify(node.value)}`;
    case 'select':
      return `select ${scanText(node.scan)}`;
    case 'raw':
      return `raw ${scanText(node.scan)} range ${durationText(node.rangeMs)}`;
    case 'raw-subquery':
      return `raw ${subqueryText(node.subquery)}`;
    case 'window': {
      const { source } = node;
      return source.kind === 'samples'
        ? `window ${node.name} ${scanText(source.scan)} range ${durationText(node.rangeMs)}`
        : `window ${node.name} ${subqueryText(source.subquery)}`;
    }
    case 'call':
      return `call ${node.name}`;
    case 'aggregate': {
      const grouping = `${node.without ? 'without' : 'by'} (${node.grouping.join(', ')})`;
      return `aggregate ${node.operator} ${grouping}`;
    }
    case 'binary':
      return `binary ${node.operator}${node.returnBool ? ' bool' : ''}`;
    case 'negate':
      return 'negate';
    case 'hold':
      return 'hold';
  }
}

function scanText(scan: Scan): string {
  const matchers = scan.matchers.map(matcherText).join(', ');
  const edges = scan.edges ? ` ${scan.edges}` : '';
  return `{${matchers}}${edges}${shiftText(scan)}`;
}

function subqueryText(subquery: Subquery): string {
  const { rangeMs, stepMs } = subquery;
  return `subquery range ${durationText(rangeMs)} step ${durationText(stepMs)}${shiftText(subquery)}`;
}

function shiftText(shift: {
  readonly offsetMs: number;
  readonly pinMs: number | undefined;
}): string {
  const pin = shift.pinMs === undefined ? '' : ` @ ${numberText(shift.pinMs / 1000)}`;
  return `${pin}${shift.offsetMs === 0 ? '' : ` offset ${durationText(shift.offsetMs)}`}`;
}
