import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { labelsFrom, metric } from '../../model/labels.ts';
import type { QueryAnswer } from '../../query/query.ts';
import {
  decodeAnswer,
  encodeAnswer,
  encodeFailure,
  numberFromText,
  numberText,
  secondsText,
} from '../../query/wire.ts';

describe('numbers', () => {
  test.each([
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [-1.5, '-1.5'],
    [0.1, '0.1'],
    [1e-7, '0.0000001'],
    [-1.25e-9, '-0.00000000125'],
    [1e21, '1000000000000000000000'],
    [-1.5e22, '-15000000000000000000000'],
    [123456789012345680000, '123456789012345680000'],
    [5e-324, `0.${'0'.repeat(323)}5`],
    [1.7976931348623157e308, `17976931348623157${'0'.repeat(292)}`],
    [Infinity, '+Inf'],
    [-Infinity, '-Inf'],
    [NaN, 'NaN'],
  ])('%s is printed as Prometheus prints it', (value, text) => {
    expect(numberText(value)).toBe(text);
  });

  test('every number reads back as itself and has no exponent', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        const text = numberText(value);
        expect(text).not.toMatch(/[eE]/);
        expect(numberFromText(text)).toBe(value);
      }),
    );
  });

  test('times have up to three decimals', () => {
    expect(secondsText(1_700_000_000_000)).toBe('1700000000');
    expect(secondsText(1_700_000_000_500)).toBe('1700000000.5');
    expect(secondsText(-1)).toBe('-0.001');
    expect(secondsText(0)).toBe('0');
  });
});

describe('answers', () => {
  const notes = { warnings: [], infos: [] };

  test('a vector', () => {
    const answer: QueryAnswer = {
      value: {
        kind: 'vector',
        timeMs: 1500,
        elements: [{ labels: metric('up', { job: 'a "quoted" one' }), value: Infinity }],
      },
      warnings: ['careful'],
      infos: [],
    };
    expect(encodeAnswer(answer)).toBe(
      '{"status":"success","data":{"resultType":"vector","result":[' +
        '{"metric":{"__name__":"up","job":"a \\"quoted\\" one"},"value":[1.5,"+Inf"]}]},"warnings":["careful"]}',
    );
    expect(decodeAnswer(encodeAnswer(answer))).toEqual(answer);
  });

  test('a scalar and a string', () => {
    const scalar: QueryAnswer = { value: { kind: 'scalar', timeMs: 4000, value: 2 }, ...notes };
    expect(encodeAnswer(scalar)).toBe(
      '{"status":"success","data":{"resultType":"scalar","result":[4,"2"]}}',
    );
    const text: QueryAnswer = { value: { kind: 'string', timeMs: 0, value: 'é\n' }, ...notes };
    expect(decodeAnswer(encodeAnswer(text))).toEqual(text);
  });

  test('any matrix comes back as it went', () => {
    const series = fc
      .record({
        labels: fc.dictionary(fc.string({ minLength: 1 }), fc.string({ minLength: 1 })),
        points: fc.array(fc.tuple(fc.integer({ min: -1e12, max: 1e13 }), fc.double()), {
          maxLength: 20,
        }),
      })
      .map(({ labels, points }) => ({
        labels: labelsFrom(labels),
        times: Float64Array.from(points, ([time]) => time),
        values: Float64Array.from(points, ([, value]) => value),
      }));
    fc.assert(
      fc.property(fc.array(series, { maxLength: 5 }), (all) => {
        const answer: QueryAnswer = { value: { kind: 'matrix', series: all }, ...notes };
        expect(decodeAnswer(JSON.parse(encodeAnswer(answer)))).toEqual(answer);
      }),
    );
  });

  test('a failure is thrown with its kind', () => {
    expect(() => decodeAnswer(encodeFailure('bad_data', '1:5: parse error: so'))).toThrow(
      expect.objectContaining({ code: 'bad_data', message: '1:5: parse error: so' }),
    );
  });

  test('what is no answer is refused, never misread', () => {
    fc.assert(
      fc.property(fc.anything(), (json) => {
        expect(() => decodeAnswer(json)).toThrow(
          expect.objectContaining({ name: 'AnswerFailure' }),
        );
      }),
    );
  });
});
