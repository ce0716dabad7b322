import { executionFailure } from './failure.ts';
import { fixed, variadic } from './functions.ts';
import type { FunctionTable } from './functions.ts';
import { compareText, GoList, GoMap, GoNamed, GoStruct, GoTime, typeName } from './values.ts';
import type { Value } from './values.ts';

type Basic = string | boolean | bigint | number;

function basic(value: Value): Basic | undefined {
  if (value instanceof GoNamed) return value.value;
  return typeof value === 'object' || value === undefined ? undefined : value;
}

/** Integers and floats are never equal: Go calls that comparison an error, and rules rely on it. */
function equal(left: Value, right: Value): boolean {
  const a = basic(left);
  const b = basic(right);
  if (a !== undefined && b !== undefined) {
    if (typeof a !== typeof b) throw incompatible(left, right);
    return a === b;
  }
  for (const value of [left, right]) {
    if (value instanceof GoMap || value instanceof GoList) {
      throw executionFailure(`non-comparable type ${typeName(value)}`);
    }
  }
  if (left === undefined || right === undefined) return left === right;
  if (left instanceof GoTime && right instanceof GoTime) {
    return left.unixNanoseconds === right.unixNanoseconds;
  }
  if (left instanceof GoStruct && right instanceof GoStruct) return left === right;
  throw incompatible(left, right);
}

function incompatible(left: Value, right: Value): Error {
  return executionFailure(
    `incompatible types for comparison: ${typeName(left)} and ${typeName(right)}`,
  );
}

function less(left: Value, right: Value): boolean {
  const a = basic(left);
  const b = basic(right);
  if (a === undefined || b === undefined || typeof a === 'boolean' || typeof b === 'boolean') {
    throw executionFailure('invalid type for comparison');
  }
  if (typeof a !== typeof b) throw incompatible(left, right);
  if (typeof a === 'string') return compareText(a, b as string) < 0;
  return a < (b as bigint | number);
}

function lessOrEqual(left: Value, right: Value): boolean {
  return less(left, right) || equal(left, right);
}

export const COMPARISONS: FunctionTable = new Map([
  [
    'eq',
    variadic(2, ([first, ...others]) => {
      // All are looked at until one is equal, so that a wrong type before it is still an error.
      for (const other of others) if (equal(first, other)) return true;
      return false;
    }),
  ],
  ['ne', fixed(2, ([left, right]) => !equal(left, right))],
  ['lt', fixed(2, ([left, right]) => less(left, right))],
  ['le', fixed(2, ([left, right]) => lessOrEqual(left, right))],
  // Negations, as in Go: `gt NaN 1.0` is true.
  ['gt', fixed(2, ([left, right]) => !lessOrEqual(left, right))],
  ['ge', fixed(2, ([left, right]) => !less(left, right))],
]);
