import { parser } from '@prometheus-io/lezer-promql';
import { assert } from '../../model/assert.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import type {
  Aggregation,
  AggregationOperator,
  Binary,
  BinaryOperator,
  DurationExpression,
  Expression,
  Matching,
  Pin,
  Place,
  VectorSelector,
} from './ast.ts';
import { SET_OPERATORS } from './ast.ts';
import { grammarFault } from './fault.ts';
import { parseFailure } from './failure.ts';
import { unquote } from './literals.ts';
import { mask } from './mask.ts';
import { Climber, flatten } from './precedence.ts';
import type { Operation } from './precedence.ts';
import { readDuration, readNumber } from './read-duration.ts';
import { childrenOf, placeOf } from './tree.ts';
import type { Node, Tree } from './tree.ts';

export const TEXT_CHARACTERS_MAX = 16_384;
export const NESTING_MAX = 64;
/** Chains such as a + b + c + … are deep without being nested; recursion over them stays well within the stack. */
const TREE_DEPTH_MAX = 512;

/** Reads a text into a tree; types are checked elsewhere. Fails with `bad_data`. */
export function readExpression(text: string): Expression {
  if (text.length > TEXT_CHARACTERS_MAX) {
    throw parseFailure(
      text,
      { from: TEXT_CHARACTERS_MAX, to: text.length },
      `the query has ${text.length} characters, more than the limit of ${TEXT_CHARACTERS_MAX}`,
    );
  }
  if (text.trim() === '')
    throw parseFailure(text, { from: 0, to: 0 }, 'no expression found in input');
  const masked = mask(text);
  if (masked.depth > NESTING_MAX) {
    throw parseFailure(
      text,
      { from: masked.deepest, to: masked.deepest + 1 },
      `brackets are nested ${masked.depth} deep, the limit is ${NESTING_MAX}`,
    );
  }
  let tree: Tree;
  try {
    tree = parser.parse(masked.text);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw tooDeep(text, { from: 0, to: text.length });
  }
  const fault = grammarFault(text, tree);
  if (fault) throw fault;
  const top = tree.topNode.firstChild;
  assert(top !== null, 'a tree without faults has an expression');
  return new Reader(text).expression(top, 0);
}

function tooDeep(text: string, place: Place): Error {
  return parseFailure(
    text,
    place,
    `the expression is too deep: more than ${TREE_DEPTH_MAX} levels`,
  );
}

class Reader {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  expression(node: Node, depth: number): Expression {
    const items = flatten(node, this.#text);
    // Every operator of a row may end up below another one.
    const deepest = depth + items.filter((item) => item.kind !== 'operand').length;
    if (deepest > TREE_DEPTH_MAX) throw tooDeep(this.#text, placeOf(node));
    return new Climber(items, {
      operand: (primary) => this.#primary(primary, deepest),
      postfix: (modifier, target) => this.#postfix(modifier, target),
      binary: (operation, left, right) => this.#binary(operation, left, right),
    }).parse();
  }

  #primary(node: Node, depth: number): Expression {
    const place = placeOf(node);
    switch (node.name) {
      case 'NumberDurationLiteral':
        return this.#literal(node);
      case 'StringLiteral':
        return { kind: 'string', value: this.#string(node), place };
      case 'VectorSelector':
        return this.#selector(node);
      case 'FunctionCall': {
        const [name, body] = childrenOf(node);
        return {
          kind: 'call',
          name: this.#slice(name!),
          arguments: childrenOf(body!).map((argument) => this.expression(argument, depth + 1)),
          place,
        };
      }
      case 'AggregateExpr':
        return this.#aggregation(node, depth);
      case 'ParenExpr':
        return {
          kind: 'parentheses',
          inner: this.expression(node.firstChild!, depth + 1),
          place,
        };
      default:
        throw parseFailure(this.#text, place, `unexpected ${node.name}`);
    }
  }

  #slice(node: Node): string {
    return this.#text.slice(node.from, node.to);
  }

  #string(node: Node): string {
    const read = unquote(this.#slice(node));
    if ('fault' in read) throw parseFailure(this.#text, placeOf(node), read.fault);
    return read.value;
  }

  #selector(node: Node): VectorSelector {
    let name: string | undefined;
    const matchers: Matcher[] = [];
    for (const child of childrenOf(node)) {
      if (child.name === 'Identifier') {
        name = this.#slice(child);
      } else {
        for (const part of childrenOf(child)) {
          if (part.name === 'QuotedLabelName') {
            if (name !== undefined) {
              throw parseFailure(
                this.#text,
                placeOf(part),
                `metric name must not be set twice: "${name}" or "${this.#string(part.firstChild!)}"`,
              );
            }
            name = this.#string(part.firstChild!);
          } else matchers.push(this.#matcher(part));
        }
      }
    }
    if (name !== undefined) {
      const second = matchers.find((matcher) => matcher.name === METRIC_NAME);
      if (second && node.firstChild?.name === 'Identifier') {
        throw parseFailure(
          this.#text,
          placeOf(node),
          `metric name must not be set twice: "${name}" or "${second.value}"`,
        );
      }
      matchers.push({ name: METRIC_NAME, operator: '=', value: name });
    }
    return {
      kind: 'selector',
      name,
      matchers,
      offset: undefined,
      pin: undefined,
      edges: undefined,
      place: placeOf(node),
    };
  }

  #matcher(node: Node): Matcher {
    const [label, operator, value] = childrenOf(node);
    const name =
      label!.name === 'QuotedLabelName' ? this.#string(label!.firstChild!) : this.#slice(label!);
    return {
      name,
      operator: this.#slice(operator!) as Matcher['operator'],
      value: this.#string(value!),
    };
  }

  /** A number without its sign, which `flatten` has made an operator. */
  #literal(node: Node): Expression {
    const text = this.#slice(node);
    const signLength = text.length - text.replace(/^[+-]\s*/, '').length;
    const { value, isDuration } = readNumber(this.#text, node, signLength);
    const place = { from: node.from + signLength, to: node.to };
    return { kind: 'number', value, isDuration, place };
  }

  /** What follows an operand: a range, a subquery, `offset`, `@` or a word about the edges. */
  #postfix(node: Node, target: Expression): Expression {
    const place = { from: target.place.from, to: node.to };
    const [, second, third] = childrenOf(node);
    switch (node.name) {
      case 'MatrixSelector':
        if (target.kind !== 'selector') {
          throw parseFailure(this.#text, place, 'ranges only allowed for vector selectors');
        }
        if (target.offset || target.pin || target.edges) {
          throw parseFailure(this.#text, place, 'no offset or @ modifiers allowed before range');
        }
        return {
          kind: 'matrix',
          selector: target,
          range: readDuration(this.#text, second!),
          place,
        };
      case 'SubqueryExpr':
        return {
          kind: 'subquery',
          inner: target,
          range: readDuration(this.#text, second!),
          step: third && readDuration(this.#text, third),
          offset: undefined,
          pin: undefined,
          place,
        };
      case 'OffsetExpr':
        return this.#shifted(target, place, { offset: readDuration(this.#text, third!) });
      case 'StepInvariantExpr':
        return this.#shifted(target, place, { pin: this.#pin(third!) });
      default:
        return this.#withEdges(
          node.name === 'AnchoredExpr' ? 'anchored' : 'smoothed',
          target,
          place,
        );
    }
  }

  #shifted(
    target: Expression,
    place: Place,
    change: { readonly offset?: DurationExpression; readonly pin?: Pin },
  ): Expression {
    const shift = target.kind === 'matrix' ? target.selector : target;
    if (shift.kind !== 'selector' && shift.kind !== 'subquery') {
      throw parseFailure(
        this.#text,
        place,
        `${change.offset ? 'offset' : '@'} modifier must be preceded by an instant vector selector ` +
          'or range vector selector or a subquery',
      );
    }
    if (change.offset && shift.offset) {
      throw parseFailure(this.#text, place, 'offset may not be set multiple times');
    }
    if (change.pin && shift.pin) {
      throw parseFailure(this.#text, place, '@ <timestamp> may not be set multiple times');
    }
    if (target.kind === 'matrix') {
      return { ...target, selector: { ...target.selector, ...change, place }, place };
    }
    return { ...shift, ...change, place };
  }

  #pin(node: Node): Pin {
    if (node.name === 'AtModifierPreprocessors') {
      return { kind: this.#slice(node).toLowerCase() === 'start' ? 'start' : 'end' };
    }
    const seconds = readNumber(this.#text, node).value;
    const timeMs = Math.round(seconds * 1000);
    if (!Number.isSafeInteger(timeMs)) {
      throw parseFailure(
        this.#text,
        placeOf(node),
        `timestamp out of bounds for @ modifier: ${seconds}`,
      );
    }
    return { kind: 'time', timeMs };
  }

  #withEdges(edges: 'anchored' | 'smoothed', target: Expression, place: Place): Expression {
    const selector = target.kind === 'matrix' ? target.selector : target;
    if (selector.kind !== 'selector' || (edges === 'anchored' && target.kind !== 'matrix')) {
      const allowed =
        edges === 'anchored' ? 'a range vector selector' : 'an instant or range vector selector';
      throw parseFailure(this.#text, place, `${edges} modifier must be preceded by ${allowed}`);
    }
    if (selector.edges) {
      throw parseFailure(this.#text, place, 'anchored and smoothed modifiers may be set only once');
    }
    return target.kind === 'matrix'
      ? { ...target, selector: { ...target.selector, edges, place }, place }
      : { ...selector, edges, place };
  }

  #aggregation(node: Node, depth: number): Aggregation {
    const place = placeOf(node);
    const parts = childrenOf(node);
    const operator = this.#slice(parts[0]!).toLowerCase() as AggregationOperator;
    const modifier = parts.find((part) => part.name === 'AggregateModifier');
    const body = childrenOf(parts.find((part) => part.name === 'FunctionCallBody')!);
    const wanted = PARAMETERISED.has(operator) ? 2 : 1;
    if (body.length === 0) {
      throw parseFailure(this.#text, place, 'no arguments for aggregate expression provided');
    }
    if (body.length !== wanted) {
      throw parseFailure(
        this.#text,
        place,
        `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${body.length}`,
      );
    }
    const [first, second] = body.map((argument) => this.expression(argument, depth + 1));
    return {
      kind: 'aggregation',
      operator,
      inner: wanted === 2 ? second! : first!,
      parameter: wanted === 2 ? first! : undefined,
      grouping: modifier ? this.#labels(modifier.lastChild!) : [],
      without: modifier?.firstChild?.name === 'Without',
      place,
    };
  }

  #labels(node: Node): string[] {
    return childrenOf(node).map((child) =>
      child.name === 'QuotedLabelName' ? this.#string(child.firstChild!) : this.#slice(child),
    );
  }

  #binary({ operator, modifiers }: Operation, left: Expression, right: Expression): Binary {
    return {
      kind: 'binary',
      operator,
      left,
      right,
      returnBool: modifiers.some((part) => part.name === 'BoolModifier'),
      matching: this.#matching(operator, modifiers),
      place: { from: left.place.from, to: right.place.to },
    };
  }

  #matching(operator: BinaryOperator, modifiers: readonly Node[]): Matching {
    const clause = modifiers.find((part) => part.name === 'MatchingModifierClause');
    const fill = modifiers.find((part) => part.name === 'FillModifier');
    const parts = clause ? childrenOf(clause) : [];
    const group = parts.find((part) => part.name === 'GroupLeft' || part.name === 'GroupRight');
    const labelLists = parts.filter((part) => part.name === 'GroupingLabels');
    let fillLeft: number | undefined;
    let fillRight: number | undefined;
    for (const part of fill ? childrenOf(fill) : []) {
      const { value } = readNumber(this.#text, part.lastChild!);
      if (part.name !== 'FillRightClause') fillLeft = value;
      if (part.name !== 'FillLeftClause') fillRight = value;
    }
    const setOperator = SET_OPERATORS.has(operator);
    if (setOperator && fill) {
      throw parseFailure(
        this.#text,
        placeOf(fill),
        'filling in missing series not allowed for set operators',
      );
    }
    if (setOperator && group) {
      throw parseFailure(
        this.#text,
        placeOf(group),
        `no grouping allowed for "${operator}" operation`,
      );
    }
    const on = parts[0]?.name === 'On';
    const labels = labelLists[0] ? this.#labels(labelLists[0]) : [];
    const include = labelLists[1] ? this.#labels(labelLists[1]) : [];
    const both = on ? include.find((label) => labels.includes(label)) : undefined;
    if (both !== undefined) {
      throw parseFailure(
        this.#text,
        placeOf(clause!),
        `label "${both}" must not occur in ON and GROUP clause at once`,
      );
    }
    return {
      cardinality: setOperator
        ? 'many-to-many'
        : group
          ? group.name === 'GroupLeft'
            ? 'many-to-one'
            : 'one-to-many'
          : 'one-to-one',
      on,
      labels,
      include,
      fillLeft,
      fillRight,
    };
  }
}

const PARAMETERISED: ReadonlySet<string> = new Set([
  'topk',
  'bottomk',
  'quantile',
  'count_values',
  'limitk',
  'limit_ratio',
]);
