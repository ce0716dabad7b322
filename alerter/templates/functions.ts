import { executionFailure } from './failure.ts';
import { typeName } from './values.ts';
import type { Value } from './values.ts';

/** What a function may use of the run that calls it: the budget that keeps every template short. */
export interface Work {
  /** Accounts for work before it is done; fails with `limit` when the run has had its share. */
  charge(units: number): void;
}

/** One callable of a template. A piped value arrives as the last argument. */
export interface TemplateFunction {
  readonly min: number;
  readonly max: number;
  readonly call: (args: readonly Value[], work: Work) => Value;
}

export type FunctionTable = ReadonlyMap<string, TemplateFunction>;

export function fixed(count: number, call: TemplateFunction['call']): TemplateFunction {
  return { min: count, max: count, call };
}

export function variadic(min: number, call: TemplateFunction['call']): TemplateFunction {
  return { min, max: Infinity, call };
}

/** A function of one text. */
export function ofText(call: (text: string) => Value): TemplateFunction {
  return fixed(1, (args) => call(textArgument(args[0])));
}

export function textArgument(value: Value): string {
  if (typeof value === 'string') return value;
  throw executionFailure(`wrong type for value; expected string; got ${typeName(value)}`);
}
