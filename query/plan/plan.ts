import type { Expression } from '../syntax/ast.ts';
import type { QuerySpan } from './durations.ts';
import { foldConstants } from './fold-constants.ts';
import { hoistInvariant } from './hoist-invariant.ts';
import type { PlanNode } from './nodes.ts';
import { resolve } from './resolve.ts';

/** The rewrites, in the order in which they run. */
const REWRITES: readonly ((plan: PlanNode) => PlanNode)[] = [foldConstants, hoistInvariant];

/** Turns an expression into what will be done for it. */
export function planOf(expression: Expression, span: QuerySpan): PlanNode {
  return REWRITES.reduce((plan, rewrite) => rewrite(plan), resolve(expression, span));
}
