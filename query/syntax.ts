import type { Matcher } from '../model/matcher.ts';
import type { Expression, VectorSelector } from './syntax/ast.ts';
import { checkTypes, typeOf } from './syntax/check.ts';
import { parseFailure } from './syntax/failure.ts';
import { printExpression } from './syntax/print.ts';
import { readExpression } from './syntax/read.ts';

export type { Expression, Place, ValueType, VectorSelector } from './syntax/ast.ts';
export { printExpression, typeOf };

/** Reads and checks a PromQL text of at most 16 Ki characters. Fails with a `QueryFailure` that has a place. */
export function parseExpression(text: string): Expression {
  const expression = readExpression(text);
  checkTypes(text, expression);
  return expression;
}

/** Reads the selector of a `match[]` parameter. */
export function parseSeriesSelector(text: string): readonly Matcher[] {
  const expression = parseExpression(text);
  if (expression.kind !== 'selector') {
    throw parseFailure(text, expression.place, 'expected a series selector such as up{job="node"}');
  }
  if (expression.offset || expression.pin || expression.edges) {
    throw parseFailure(
      text,
      expression.place,
      'a series selector takes no offset, @ or other modifier',
    );
  }
  return expression.matchers;
}

/** Every vector selector of an expression, in the order of the text. */
export function selectorsOf(expression: Expression): readonly VectorSelector[] {
  switch (expression.kind) {
    case 'number':
    case 'string':
      return [];
    case 'selector':
      return [expression];
    case 'matrix':
      return [expression.selector];
    case 'subquery':
    case 'unary':
    case 'parentheses':
      return selectorsOf(expression.inner);
    case 'call':
      return expression.arguments.flatMap(selectorsOf);
    case 'aggregation':
      return [
        ...(expression.parameter ? selectorsOf(expression.parameter) : []),
        ...selectorsOf(expression.inner),
      ];
    case 'binary':
      return [...selectorsOf(expression.left), ...selectorsOf(expression.right)];
  }
}
