import { expect, test } from 'vitest';
import { planOf } from '../../query/plan/plan.ts';
import { printPlan } from '../../query/plan/print.ts';
import { parseExpression } from '../../query/syntax.ts';

function planText(text: string): string {
  const span = { text, startMs: 0, endMs: 60_000, stepMs: 10_000 };
  return printPlan(planOf(parseExpression(text), span));
}

/** An outline as it is indented in this file. */
function outline(text: string): string {
  return text.trim().replaceAll(/^ {4}/gm, '');
}

test('arithmetic between constants is done once', () => {
  expect(planText('x * (60 * -(2 + 3))')).toBe(
    outline(`
    binary *
      select {__name__="x"}
      constant -300`),
  );
});

test('durations, pins and the query’s own times become numbers', () => {
  expect(planText('rate(x[step() * 6] @ end() offset 5m) > start() + range()')).toBe(
    outline(`
    hold
      binary >
        window rate {__name__="x"} @ 60 offset 5m range 1m
        constant 60`),
  );
});

test('what does not change from step to step is held, as high up as can be', () => {
  expect(planText('sum(x @ 10) + sum(x)')).toBe(
    outline(`
    binary +
      hold
        aggregate sum by ()
          select {__name__="x"} @ 10
      aggregate sum by ()
        select {__name__="x"}`),
  );
});

test('functions of the evaluation time are never held', () => {
  expect(planText('predict_linear(x[5m] @ 10, 60) + minute(vector(0))')).toBe(
    outline(`
    binary +
      window predict_linear {__name__="x"} @ 10 range 5m
        constant 60
      call minute
        hold
          call vector
            constant 0`),
  );
});

test('the inside of a subquery has steps of its own', () => {
  expect(planText('max_over_time((x + x @ 10)[10m:1m])')).toBe(
    outline(`
    window max_over_time subquery range 10m step 1m
      binary +
        select {__name__="x"}
        hold
          select {__name__="x"} @ 10`),
  );
});
