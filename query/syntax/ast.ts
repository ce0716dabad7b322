import type { Matcher } from '../../model/matcher.ts';

/** Where a piece of the text is: UTF-16 offsets, end exclusive. */
export interface Place {
  readonly from: number;
  readonly to: number;
}

export type ValueType = 'scalar' | 'vector' | 'matrix' | 'string';

/** A query as a tree. Every node knows its place in the text that it was read from. */
export type Expression =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | Subquery
  | Call
  | Aggregation
  | Binary
  | Unary
  | Parentheses;

export interface NumberLiteral {
  readonly kind: 'number';
  readonly value: number;
  /** Written with units (`5m`), and printed so again. */
  readonly isDuration: boolean;
  readonly place: Place;
}

export interface StringLiteral {
  readonly kind: 'string';
  readonly value: string;
  readonly place: Place;
}

/** The instant to which `@` pins a selector or subquery. */
export type Pin =
  | { readonly kind: 'time'; readonly timeMs: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' };

export interface Shift {
  readonly offset: DurationExpression | undefined;
  readonly pin: Pin | undefined;
}

export interface VectorSelector extends Shift {
  readonly kind: 'selector';
  /** The name when written in front of the braces or in quotes within; also among the matchers. */
  readonly name: string | undefined;
  readonly matchers: readonly Matcher[];
  readonly edges: 'anchored' | 'smoothed' | undefined;
  readonly place: Place;
}

export interface MatrixSelector {
  readonly kind: 'matrix';
  readonly selector: VectorSelector;
  readonly range: DurationExpression;
  readonly place: Place;
}

export interface Subquery extends Shift {
  readonly kind: 'subquery';
  readonly inner: Expression;
  readonly range: DurationExpression;
  readonly step: DurationExpression | undefined;
  readonly place: Place;
}

export interface Call {
  readonly kind: 'call';
  readonly name: string;
  readonly arguments: readonly Expression[];
  readonly place: Place;
}

export type AggregationOperator =
  | 'sum'
  | 'avg'
  | 'count'
  | 'min'
  | 'max'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'topk'
  | 'bottomk'
  | 'quantile'
  | 'count_values'
  | 'limitk'
  | 'limit_ratio';

export interface Aggregation {
  readonly kind: 'aggregation';
  readonly operator: AggregationOperator;
  readonly inner: Expression;
  readonly parameter: Expression | undefined;
  readonly grouping: readonly string[];
  readonly without: boolean;
  readonly place: Place;
}

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '^' | 'atan2';
export type ComparisonOperator = '==' | '!=' | '>' | '<' | '>=' | '<=';
export type SetOperator = 'and' | 'or' | 'unless';
/** Operators that cut native histograms. */
export type TrimOperator = '</' | '>/';
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | SetOperator | TrimOperator;

export interface Matching {
  readonly cardinality: 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many';
  readonly on: boolean;
  readonly labels: readonly string[];
  /** Labels that group_left or group_right copies from the side of one. */
  readonly include: readonly string[];
  readonly fillLeft: number | undefined;
  readonly fillRight: number | undefined;
}

export interface Binary {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly returnBool: boolean;
  /** Present between vectors. */
  readonly matching: Matching | undefined;
  readonly place: Place;
}

export interface Unary {
  readonly kind: 'unary';
  readonly operator: '+' | '-';
  readonly inner: Expression;
  readonly place: Place;
}

export interface Parentheses {
  readonly kind: 'parentheses';
  readonly inner: Expression;
  readonly place: Place;
}

/** A length of time, in seconds, that may depend on the query's own range and step. */
export type DurationExpression =
  | {
      readonly kind: 'number';
      readonly seconds: number;
      readonly isDuration: boolean;
      readonly place: Place;
    }
  | { readonly kind: 'step' | 'range'; readonly place: Place }
  | {
      readonly kind: 'binary';
      readonly operator: '+' | '-' | '*' | '/' | '%' | '^';
      readonly left: DurationExpression;
      readonly right: DurationExpression;
      readonly place: Place;
    }
  | {
      readonly kind: 'min_of' | 'max_of';
      readonly left: DurationExpression;
      readonly right: DurationExpression;
      readonly place: Place;
    }
  | {
      readonly kind: 'unary';
      readonly operator: '+' | '-';
      readonly inner: DurationExpression;
      readonly place: Place;
    }
  | { readonly kind: 'parentheses'; readonly inner: DurationExpression; readonly place: Place };

export const SET_OPERATORS: ReadonlySet<BinaryOperator> = new Set<BinaryOperator>([
  'and',
  'or',
  'unless',
]);

export const COMPARISON_OPERATORS: ReadonlySet<BinaryOperator> = new Set<BinaryOperator>([
  '==',
  '!=',
  '>',
  '<',
  '>=',
  '<=',
]);
