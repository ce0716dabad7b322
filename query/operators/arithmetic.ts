import { unreachable } from '../../model/assert.ts';
import { QueryFailure } from '../query.ts';
import type { BinaryOperator } from '../syntax/ast.ts';

/** Operators after which a value no longer is what its metric name says. */
const CHANGES_METRIC: ReadonlySet<BinaryOperator> = new Set<BinaryOperator>([
  '+',
  '-',
  '*',
  '/',
  '%',
  '^',
  'atan2',
]);

export function changesMetric(operator: BinaryOperator): boolean {
  return CHANGES_METRIC.has(operator);
}

/** A power as IEEE 754-2008 has it: 1 to any power and anything to 0 is 1, which JavaScript sees otherwise. */
export function power(base: number, exponent: number): number {
  if (base === 1) return 1;
  if (base === -1 && (exponent === Infinity || exponent === -Infinity)) return 1;
  return base ** exponent;
}

/** Between two numbers; comparisons give 1 or 0. */
export function applyOperator(operator: BinaryOperator, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
    case '^':
      return power(left, right);
    case 'atan2':
      return Math.atan2(left, right);
    case '==':
      return left === right ? 1 : 0;
    case '!=':
      return left !== right ? 1 : 0;
    case '>':
      return left > right ? 1 : 0;
    case '<':
      return left < right ? 1 : 0;
    case '>=':
      return left >= right ? 1 : 0;
    case '<=':
      return left <= right ? 1 : 0;
    case 'and':
    case 'or':
    case 'unless':
      throw new QueryFailure('bad_data', `set operator "${operator}" works on vectors only`);
    case '</':
    case '>/':
      throw new QueryFailure('execution', `operator "${operator}" works on native histograms only`);
    default:
      return unreachable(operator);
  }
}
