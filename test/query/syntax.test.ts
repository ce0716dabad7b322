import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { QueryFailure } from '../../query/query.ts';
import {
  parseExpression,
  parseSeriesSelector,
  printExpression,
  selectorsOf,
} from '../../query/syntax.ts';

function failureOf(text: string): QueryFailure {
  try {
    parseExpression(text);
  } catch (thrown) {
    if (thrown instanceof QueryFailure) return thrown;
    throw thrown;
  }
  throw new Error(`${text} was read without a failure`);
}

describe('the canonical text', () => {
  test.each([
    ['SUM( x )BY(a)', 'sum by (a) (x)'],
    ['sum without () (x)', 'sum without () (x)'],
    ['topk(5, x)', 'topk(5, x)'],
    ['x{b="c",a=~"d|e"}', 'x{b="c",a=~"d|e"}'],
    ['{__name__="x"}', '{__name__="x"}'],
    ['{"a.b", "c d"!="e"}', '{"a.b","c d"!="e"}'],
    ["x{a='it\\'s'}", 'x{a="it\'s"}'],
    ['rate(x[90s])', 'rate(x[1m30s])'],
    ['x[300]', 'x[5m]'],
    ['x[5m:] @ start() offset 1d', 'x[5m:] @ start() offset 1d'],
    ['x offset -5m @ 1.5', 'x @ 1.500 offset -5m'],
    ['a+on(b)group_left(c)d', 'a + on (b) group_left (c) d'],
    ['a / ignoring(x) group_right b', 'a / ignoring (x) group_right () b'],
    ['a > bool b', 'a > bool b'],
    ['a + fill(0) b', 'a + fill (0) b'],
    ['-(1)', '-(1)'],
    ['0x1F + 1_000 + .5 + 5. + Inf', '31 + 1000 + 0.5 + 5 + +Inf'],
    ['1e30', '1e+30'],
    ['rate(x[1m] smoothed)', 'rate(x[1m] smoothed)'],
    ['x[step() * 2]', 'x[step() * 2s]'],
    ['a atan2 b # a comment', 'a atan2 b'],
    ['# a comment\nsum( # why\n  x{a="#"} # that\n) by # these\n(a)', 'sum by (a) (x{a="#"})'],
  ])('%s', (text, canonical) => {
    expect(printExpression(parseExpression(text))).toBe(canonical);
    expect(printExpression(parseExpression(canonical))).toBe(canonical);
  });

  test('of any expression reads back as itself', () => {
    const name = fc.constantFrom('up', 'job:rate', '{"a b"}', 'x{a="1\\n", b!~"c.*"}');
    const range = fc.constantFrom('[5m]', '[1h30m] offset -1m', '[5m:10s] @ end()');
    const { vector } = fc.letrec<{ vector: string; scalar: string }>((tie) => ({
      vector: fc.oneof(
        { maxDepth: 4 },
        name,
        fc
          .tuple(fc.constantFrom('rate', 'sum_over_time'), name, range)
          .map(([f, n, r]) => `${f}(${n}${r})`),
        fc
          .tuple(fc.constantFrom('sum', 'max by (a)', 'count without (b, "c d")'), tie('vector'))
          .map(([a, v]) => `${a}(${v})`),
        fc
          .tuple(
            tie('vector'),
            fc.constantFrom(
              '+',
              '- on (a)',
              '^',
              'and',
              'or',
              '== bool',
              '* ignoring (b) group_left ()',
            ),
            tie('vector'),
          )
          // Matching needs a vector on either side, which brackets make sure of.
          .map(([a, op, b]) => (op.includes('(') ? `(${a}) ${op} (${b})` : `${a} ${op} ${b}`)),
        fc
          .tuple(tie('scalar'), fc.constantFrom('*', '%', '>= bool'), tie('vector'))
          .map(([a, op, b]) => `${a} ${op} ${b}`),
        tie('vector').map((v) => `-${v}`),
        tie('vector').map((v) => `(${v})`),
      ),
      scalar: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom('1', '-2.5', '1e9', 'NaN', '5m', 'time()', 'pi()'),
        fc
          .tuple(tie('scalar'), fc.constantFrom('+', '^', '/'), tie('scalar'))
          .map(([a, op, b]) => `${a} ${op} ${b}`),
        tie('vector').map((v) => `scalar(${v})`),
      ),
    }));
    fc.assert(
      fc.property(vector, (text) => {
        const once = printExpression(parseExpression(text));
        expect(printExpression(parseExpression(once))).toBe(once);
      }),
    );
  });
});

describe('precedence', () => {
  test.each([
    ['a + b * c', ['+', 'a', ['*', 'b', 'c']]],
    ['a - b - c', ['-', ['-', 'a', 'b'], 'c']],
    ['a ^ b ^ c', ['^', 'a', ['^', 'b', 'c']]],
    ['-a ^ b * c', ['*', ['neg', ['^', 'a', 'b']], 'c']],
    ['a or b and c == d + e', ['or', 'a', ['and', 'b', ['==', 'c', ['+', 'd', 'e']]]]],
    ['a + b offset 5m * c', ['+', 'a', ['*', 'b', 'c']]],
    ['a ^ -b ^ c', ['^', 'a', ['neg', ['^', 'b', 'c']]]],
  ])('%s', (text, shape) => {
    const shapeOf = (node: ReturnType<typeof parseExpression>): unknown => {
      if (node.kind === 'binary') return [node.operator, shapeOf(node.left), shapeOf(node.right)];
      if (node.kind === 'unary') return ['neg', shapeOf(node.inner)];
      return node.kind === 'selector' ? node.name : node.kind;
    };
    expect(shapeOf(parseExpression(text))).toEqual(shape);
  });

  test('a modifier belongs to the operand before it', () => {
    const [a, b] = selectorsOf(parseExpression('a + b offset 5m'));
    expect(a?.offset).toBeUndefined();
    expect(b?.offset).toMatchObject({ seconds: 300 });
  });
});

describe('failures say where and what', () => {
  test.each([
    ['', '1:1', 'no expression found in input'],
    ['sum(', '1:5', 'unexpected end of input'],
    ['foo + bar )', '1:11', "unexpected right parenthesis ')'"],
    ['up{job=}', '1:8', "unexpected right brace '}' in label matching"],
    ['1 +\n  frob(x)', '2:3', 'unknown function with name "frob"'],
    ['holt_winters(x[5m], 1, 1)', '1:1', 'called double_exponential_smoothing now'],
    ['rate(x)', '1:6', 'expected type range vector in call to function "rate", got instant vector'],
    ['abs(x, y)', '1:1', 'expected 1 argument(s) in call to "abs", got 2'],
    ['round()', '1:1', 'expected at least 1 argument(s) in call to "round", got 0'],
    ['"open', '1:1', 'unterminated quoted string'],
    ['"\\q"', '1:1', 'unknown escape sequence'],
    ['"\\xff"', '1:1', 'not valid UTF-8'],
    ['{}', '1:1', 'at least one non-empty matcher'],
    ['x{a=~"("}', '1:1', 'cannot be read'],
    ['x offset 5m offset 5m', '1:1', 'offset may not be set multiple times'],
    ['x[5m][5m]', '1:1', 'ranges only allowed for vector selectors'],
    ['1 and 2', '1:1', 'set operator "and" not allowed in binary scalar expression'],
    ['a + bool b', '1:1', 'bool modifier can only be used on comparison operators'],
    ['x{__name__="y"}', '1:1', 'metric name must not be set twice'],
  ])('%j', (text, position, words) => {
    const failure = failureOf(text);
    expect(failure.code).toBe('bad_data');
    expect(failure.message).toContain(`${position}: parse error: `);
    expect(failure.message).toContain(words);
    expect(failure.place).toBeDefined();
  });

  test('too long, too nested and too deep', () => {
    expect(failureOf(`x + ${' '.repeat(20_000)}1`).message).toContain(
      'more than the limit of 16384',
    );
    expect(failureOf(`${'('.repeat(65)}1${')'.repeat(65)}`).message).toContain('nested 65 deep');
    expect(failureOf(`1${'+1'.repeat(1000)}`).message).toContain('too deep');
    expect(failureOf(`${'-'.repeat(1000)}x`).message).toContain('too deep');
    expect(failureOf(`1${'^1'.repeat(1000)}`).message).toContain('too deep');
    const nested = `${'('.repeat(60)}1${`${'+1'.repeat(20)})`.repeat(60)}`;
    expect(failureOf(nested).message).toContain('too deep');
    expect(() => parseExpression(`1${'+1'.repeat(400)}`)).not.toThrow();
  });

  test('no input makes it fail in any other way', () => {
    const token = fc.constantFrom(
      ...'x 5m 1 0x1 sum rate by on ( ) [ ] { } , : = =~ != + - * / ^ % @ offset bool "a" \' ` start() inf # \n _ \\'.split(
        ' ',
      ),
    );
    const texts = fc.oneof(
      fc.string(),
      fc.array(token).map((tokens) => tokens.join(' ')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          parseExpression(text);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(QueryFailure);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('series selectors', () => {
  test('give matchers', () => {
    expect(parseSeriesSelector('up{job=~"a|b"}')).toEqual([
      { name: 'job', operator: '=~', value: 'a|b' },
      { name: '__name__', operator: '=', value: 'up' },
    ]);
  });

  test.each(['sum(up)', 'up offset 5m', 'up[5m]', '1'])('%s is none', (text) => {
    expect(() => parseSeriesSelector(text)).toThrow(QueryFailure);
  });
});
