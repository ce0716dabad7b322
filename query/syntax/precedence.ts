import { assert } from '../../model/assert.ts';
import type { BinaryOperator, Expression, Place } from './ast.ts';
import { childrenOf } from './tree.ts';
import type { Node } from './tree.ts';

/**
 * The published grammar reads the right pieces in the right order, but it lets `offset`, `@`, ranges and
 * subqueries reach over operators: in `a + b offset 5m` it shifts the sum. Here the pieces are laid out
 * in a row again and put together by the language's own precedences: a modifier belongs to the operand
 * right before it, `^` binds to the right and tighter than a sign.
 *
 *   - a offset 5m ^ 2 * b   →   sign  operand  postfix  ^  operand  *  operand
 */
export interface Operation {
  readonly operator: BinaryOperator;
  /** The grammar's nodes for bool, matching and fill. */
  readonly modifiers: readonly Node[];
}

type Item =
  | { readonly kind: 'sign'; readonly sign: '+' | '-'; readonly from: number }
  | { readonly kind: 'operand'; readonly node: Node }
  | { readonly kind: 'postfix'; readonly node: Node }
  | ({ readonly kind: 'operation' } & Operation);

const POSTFIXES: ReadonlySet<string> = new Set([
  'MatrixSelector',
  'SubqueryExpr',
  'OffsetExpr',
  'StepInvariantExpr',
  'AnchoredExpr',
  'SmoothedExpr',
]);

/** Lays out everything that is not inside brackets. A loop, because long chains make deep trees. */
export function flatten(root: Node, text: string): Item[] {
  const items: Item[] = [];
  const waiting: (Node | Item)[] = [root];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if ('kind' in next) {
      items.push(next);
      continue;
    }
    const parts = childrenOf(next);
    // Pushed in reverse: what comes first in the text must be popped first.
    if (next.name === 'BinaryExpr') {
      const operator = text.slice(parts[1]!.from, parts[1]!.to).toLowerCase() as BinaryOperator;
      waiting.push(parts.at(-1)!, { kind: 'operation', operator, modifiers: parts.slice(2, -1) });
      waiting.push(parts[0]!);
    } else if (next.name === 'UnaryExpr') {
      waiting.push(parts[1]!, signAt(text, next.from));
    } else if (POSTFIXES.has(next.name)) {
      waiting.push({ kind: 'postfix', node: next }, parts[0]!);
    } else {
      if (next.name === 'NumberDurationLiteral' && /[+-]/.test(text[next.from]!)) {
        items.push(signAt(text, next.from));
      }
      items.push({ kind: 'operand', node: next });
    }
  }
  return items;
}

function signAt(text: string, from: number): Item {
  return { kind: 'sign', sign: text[from] === '-' ? '-' : '+', from };
}

const POWER = 6;
const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '>': 3,
  '<': 3,
  '>=': 3,
  '<=': 3,
  '</': 3,
  '>/': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  atan2: 5,
  '^': POWER,
};

/** How the pieces become expressions. */
interface Builder {
  operand(node: Node): Expression;
  postfix(node: Node, target: Expression): Expression;
  binary(operation: Operation, left: Expression, right: Expression): Expression;
}

/** Precedence climbing over a row of items. */
export class Climber {
  readonly #items: readonly Item[];
  readonly #build: Builder;
  #at = 0;

  constructor(items: readonly Item[], build: Builder) {
    this.#items = items;
    this.#build = build;
  }

  parse(least = 0): Expression {
    let left = this.#operand();
    for (let next = this.#peek(); next?.kind === 'operation'; next = this.#peek()) {
      const precedence = PRECEDENCE[next.operator];
      if (precedence < least) break;
      this.#at++;
      const right = this.parse(next.operator === '^' ? precedence : precedence + 1);
      left = this.#build.binary(next, left, right);
    }
    return left;
  }

  #peek(): Item | undefined {
    return this.#items[this.#at];
  }

  #operand(): Expression {
    const item = this.#items[this.#at++];
    if (item?.kind === 'sign') {
      const inner = this.parse(POWER);
      return signed(item.sign, inner, { from: item.from, to: inner.place.to });
    }
    assert(item?.kind === 'operand', 'between operators stand operands');
    let operand = this.#build.operand(item.node);
    for (let next = this.#peek(); next?.kind === 'postfix'; next = this.#peek()) {
      this.#at++;
      operand = this.#build.postfix(next.node, operand);
    }
    return operand;
  }
}

/** A sign before a number is part of it, so that -1 prints as it was written. */
function signed(sign: '+' | '-', inner: Expression, place: Place): Expression {
  if (inner.kind === 'number') {
    return { ...inner, value: sign === '-' ? -inner.value : inner.value, place };
  }
  return { kind: 'unary', operator: sign, inner, place };
}
