import { applyOperator } from '../operators/arithmetic.ts';
import { mapChildren } from './nodes.ts';
import type { PlanNode } from './nodes.ts';

/** Computes arithmetic between constants once: `5 * 60` is `300`. */
export function foldConstants(root: PlanNode): PlanNode {
  const node = mapChildren(root, foldConstants);
  if (node.kind === 'negate' && node.inner.kind === 'constant') {
    return { kind: 'constant', value: -node.inner.value, place: node.place };
  }
  if (node.kind !== 'binary' || node.left.kind !== 'constant' || node.right.kind !== 'constant') {
    return node;
  }
  const value = applyOperator(node.operator, node.left.value, node.right.value);
  return { kind: 'constant', value, place: node.place };
}
