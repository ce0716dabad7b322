import { compileMatcher } from '../../model/matcher.ts';
import { messageOf } from '../../model/failure.ts';
import type { Aggregation, Binary, Call, Expression, ValueType, VectorSelector } from './ast.ts';
import { COMPARISON_OPERATORS, SET_OPERATORS } from './ast.ts';
import { parseFailure } from './failure.ts';
import { RENAMED_FUNCTIONS, SIGNATURES } from './signatures.ts';

/** What an expression evaluates to. */
export function typeOf(expression: Expression): ValueType {
  switch (expression.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'selector':
    case 'aggregation':
      return 'vector';
    case 'matrix':
    case 'subquery':
      return 'matrix';
    case 'call':
      return SIGNATURES.get(expression.name)?.gives ?? 'vector';
    case 'parentheses':
    case 'unary':
      return typeOf(expression.inner);
    case 'binary':
      // A long chain leans to the left, so this does not walk it twice.
      return typeOf(expression.right) === 'scalar' && typeOf(expression.left) === 'scalar'
        ? 'scalar'
        : 'vector';
  }
}

/** As people read it in Prometheus's messages. */
const TYPE_NAMES: Readonly<Record<ValueType, string>> = {
  scalar: 'scalar',
  vector: 'instant vector',
  matrix: 'range vector',
  string: 'string',
};

export function typeName(type: ValueType): string {
  return TYPE_NAMES[type];
}

/** Fails with `bad_data` unless every part has the type that its surroundings need. */
export function checkTypes(text: string, expression: Expression): void {
  new Checker(text).visit(expression);
}

class Checker {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Returns the type as well, so that deep chains are typed once. */
  visit(expression: Expression): ValueType {
    switch (expression.kind) {
      case 'number':
      case 'string':
        return typeOf(expression);
      case 'selector':
        this.#selector(expression);
        return 'vector';
      case 'matrix':
        this.#selector(expression.selector);
        return 'matrix';
      case 'subquery':
        if (this.visit(expression.inner) !== 'vector') {
          throw this.#fault(
            expression,
            `subquery is only allowed on instant vector, got ${typeName(typeOf(expression.inner))} instead`,
          );
        }
        return 'matrix';
      case 'parentheses':
        return this.visit(expression.inner);
      case 'unary': {
        const type = this.visit(expression.inner);
        if (type !== 'scalar' && type !== 'vector') {
          throw this.#fault(
            expression,
            `unary expression only allowed on expressions of type scalar or instant vector, got "${typeName(type)}"`,
          );
        }
        return type;
      }
      case 'aggregation':
        return this.#aggregation(expression);
      case 'call':
        return this.#call(expression);
      case 'binary':
        return this.#binary(expression);
    }
  }

  #fault(node: Expression, what: string): Error {
    return parseFailure(this.#text, node.place, what);
  }

  #expect(node: Expression, wanted: ValueType, context: string): void {
    const type = this.visit(node);
    if (type !== wanted) {
      throw this.#fault(
        node,
        `expected type ${typeName(wanted)} in ${context}, got ${typeName(type)}`,
      );
    }
  }

  #selector(selector: VectorSelector, { mayMatchAll = false } = {}): void {
    let selective = mayMatchAll;
    for (const matcher of selector.matchers) {
      try {
        if (!compileMatcher(matcher).accepts('')) selective = true;
      } catch (thrown) {
        throw this.#fault(selector, messageOf(thrown));
      }
    }
    if (!selective) {
      throw this.#fault(selector, 'vector selector must contain at least one non-empty matcher');
    }
  }

  #aggregation(node: Aggregation): ValueType {
    if (node.parameter) {
      const wanted = node.operator === 'count_values' ? 'string' : 'scalar';
      this.#expect(node.parameter, wanted, 'aggregation parameter');
    }
    this.#expect(node.inner, 'vector', 'aggregation expression');
    return 'vector';
  }

  #call(node: Call): ValueType {
    const signature = SIGNATURES.get(node.name);
    if (!signature) {
      const renamed = RENAMED_FUNCTIONS.get(node.name);
      throw this.#fault(
        node,
        `unknown function with name "${node.name}"${renamed ? `; it is called ${renamed} now` : ''}`,
      );
    }
    const most = signature.takes.length + signature.repeat;
    const least = signature.takes.length - signature.optional;
    const count = node.arguments.length;
    if (count < least || count > most) {
      const wanted =
        least === most ? `${least}` : count < least ? `at least ${least}` : `at most ${most}`;
      throw this.#fault(
        node,
        `expected ${wanted} argument(s) in call to "${node.name}", got ${count}`,
      );
    }
    node.arguments.forEach((argument, i) => {
      const wanted = signature.takes[Math.min(i, signature.takes.length - 1)]!;
      if (node.name === 'info' && i === 1) this.#infoSelector(argument);
      else this.#expect(argument, wanted, `call to function "${node.name}"`);
    });
    return signature.gives;
  }

  /** The second argument of info() only narrows which labels and metrics are joined; it may match anything. */
  #infoSelector(argument: Expression): void {
    if (argument.kind !== 'selector') {
      throw this.#fault(
        argument,
        'expected label selectors as the second argument to "info" function',
      );
    }
    if (argument.name !== undefined) {
      throw this.#fault(argument, 'expected label selectors only, got vector selector instead');
    }
    this.#selector(argument, { mayMatchAll: true });
  }

  #binary(node: Binary): ValueType {
    const left = this.visit(node.left);
    const right = this.visit(node.right);
    const comparison = COMPARISON_OPERATORS.has(node.operator);
    for (const [side, type] of [
      [node.left, left],
      [node.right, right],
    ] as const) {
      if (type !== 'scalar' && type !== 'vector') {
        throw this.#fault(
          side,
          `binary expression must contain only scalar and instant vector types`,
        );
      }
    }
    if (node.returnBool && !comparison) {
      throw this.#fault(node, 'bool modifier can only be used on comparison operators');
    }
    if (comparison && !node.returnBool && left === 'scalar' && right === 'scalar') {
      throw this.#fault(node, 'comparisons between scalars must use BOOL modifier');
    }
    if (left === 'vector' && right === 'vector') return 'vector';
    const matching = node.matching;
    if (matching && (matching.labels.length > 0 || matching.on || matching.include.length > 0)) {
      throw this.#fault(node, 'vector matching only allowed between instant vectors');
    }
    if (matching && (matching.fillLeft !== undefined || matching.fillRight !== undefined)) {
      throw this.#fault(node, 'filling in missing series only allowed between instant vectors');
    }
    if (SET_OPERATORS.has(node.operator)) {
      throw this.#fault(
        node,
        `set operator "${node.operator}" not allowed in binary scalar expression`,
      );
    }
    return left === 'scalar' && right === 'scalar' ? 'scalar' : 'vector';
  }
}
