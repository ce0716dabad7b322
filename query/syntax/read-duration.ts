import type { DurationExpression } from './ast.ts';
import { parseFailure } from './failure.ts';
import { parseNumber } from './literals.ts';
import { childrenOf, placeOf } from './tree.ts';
import type { Node } from './tree.ts';

/** A number or duration as the text has it, from `skip` characters into the node on. */
export function readNumber(
  text: string,
  node: Node,
  skip = 0,
): { readonly value: number; readonly isDuration: boolean } {
  const written = text.slice(node.from + skip, node.to);
  const number = parseNumber(written);
  if (number) return number;
  throw parseFailure(
    text,
    placeOf(node),
    `error parsing number: "${written}" is neither a number nor a duration`,
  );
}

/** A length of time: a number, a duration, or arithmetic with them. */
export function readDuration(text: string, node: Node): DurationExpression {
  const place = placeOf(node);
  if (node.name === 'NumberDurationLiteralInDurationContext') {
    const { value, isDuration } = readNumber(text, node);
    return { kind: 'number', seconds: value, isDuration, place };
  }
  const [first, second, third] = childrenOf(node);
  switch (first!.name) {
    case 'UnaryOp': {
      const operator = text[first!.from] === '-' ? '-' : '+';
      return { kind: 'unary', operator, inner: readDuration(text, second!), place };
    }
    case 'DurationStep':
      return { kind: 'step', place };
    case 'DurationRange':
      return { kind: 'range', place };
    case 'DurationMinOf':
    case 'DurationMaxOf':
      return {
        kind: first!.name === 'DurationMinOf' ? 'min_of' : 'max_of',
        left: readDuration(text, second!),
        right: readDuration(text, third!),
        place,
      };
    default:
  }
  const left = readDuration(text, first!);
  if (third) {
    const operator = text.slice(second!.from, second!.to) as '+' | '-' | '*' | '/' | '%' | '^';
    return { kind: 'binary', operator, left, right: readDuration(text, third), place };
  }
  return text[node.from] === '(' ? { kind: 'parentheses', inner: left, place } : left;
}
