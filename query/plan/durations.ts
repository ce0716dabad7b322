import { QueryFailure } from '../query.ts';
import type { DurationExpression } from '../syntax/ast.ts';
import { lineAndColumn } from '../syntax/failure.ts';

/** What a duration expression may depend on. */
export interface QuerySpan {
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
  /** Zero for an instant query. */
  readonly stepMs: number;
}

const SECONDS_MAX = 9_007_199_254_740; // Milliseconds beyond this are not exact.

/** Milliseconds of a duration expression. Fails with `bad_data` when it has no usable value. */
export function durationMs(
  expression: DurationExpression,
  span: QuerySpan,
  { mayBeNegative }: { readonly mayBeNegative: boolean },
): number {
  const seconds = secondsOf(expression, span);
  const fault = !Number.isFinite(seconds)
    ? 'duration is NaN or infinite'
    : seconds <= 0 && !mayBeNegative
      ? 'duration must be greater than 0'
      : Math.abs(seconds) > SECONDS_MAX
        ? 'duration is out of range'
        : undefined;
  if (fault) {
    throw new QueryFailure(
      'bad_data',
      `${lineAndColumn(span.text, expression.place.from)}: ${fault}`,
      { place: expression.place },
    );
  }
  const ms = Math.trunc(roundedAway(seconds * 1000));
  return ms === 0 ? 0 : ms;
}

/** 4.35 s is 4350 ms although the product is a hair less. */
function roundedAway(ms: number): number {
  const nearest = Math.round(ms);
  return Math.abs(nearest - ms) < 1e-6 ? nearest : ms;
}

function secondsOf(expression: DurationExpression, span: QuerySpan): number {
  switch (expression.kind) {
    case 'number':
      return expression.seconds;
    case 'step':
      return span.stepMs / 1000;
    case 'range':
      return (span.endMs - span.startMs) / 1000;
    case 'min_of':
      return Math.min(secondsOf(expression.left, span), secondsOf(expression.right, span));
    case 'max_of':
      return Math.max(secondsOf(expression.left, span), secondsOf(expression.right, span));
    case 'unary':
      return (expression.operator === '-' ? -1 : 1) * secondsOf(expression.inner, span);
    case 'parentheses':
      return secondsOf(expression.inner, span);
    case 'binary': {
      const left = secondsOf(expression.left, span);
      const right = secondsOf(expression.right, span);
      switch (expression.operator) {
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
          return left ** right;
      }
    }
  }
}
