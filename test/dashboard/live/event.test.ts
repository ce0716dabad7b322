import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEvent, seriesKey } from '../../../dashboard/live/event.ts';

describe('decodeEvent', () => {
  test('reads the series of a panel', () => {
    const line = '{"kind":"series","panel":"cpu","series":[{"mode":"user"},{"mode":"idle"}]}';
    expect(decodeEvent(line)).toEqual({
      kind: 'series',
      panel: 'cpu',
      series: [{ mode: 'user' }, { mode: 'idle' }],
    });
  });

  test('reads a tick with missing and special values', () => {
    const line =
      '{"kind":"tick","timeMs":1000,"values":{"a":[1.5,null,"+Inf","-Inf","NaN"],"b":[]}}';
    const event = decodeEvent(line);
    expect(event?.kind === 'tick' && event.timeMs).toBe(1000);
    expect(event?.kind === 'tick' && [...event.values]).toEqual([
      ['a', Float64Array.of(1.5, NaN, Infinity, -Infinity, NaN)],
      ['b', Float64Array.of()],
    ]);
  });

  test('reads an error of one panel', () => {
    expect(decodeEvent('{"kind":"error","panel":"cpu","message":"too many series"}')).toEqual({
      kind: 'error',
      panel: 'cpu',
      message: 'too many series',
    });
  });

  test('passes over kinds that a newer server may send', () => {
    expect(decodeEvent('{"kind":"heartbeat"}')).toBeUndefined();
  });

  test.each([
    ['not JSON', 'tick'],
    ['not an object', '[1]'],
    ['a tick without a time', '{"kind":"tick","values":{}}'],
    ['a tick without values', '{"kind":"tick","timeMs":1}'],
    ['values that are no list', '{"kind":"tick","timeMs":1,"values":{"a":1}}'],
    ['series that are no list', '{"kind":"series","panel":"a","series":{}}'],
    ['a series without labels', '{"kind":"series","panel":"a","series":[1]}'],
  ])('refuses %s', (_what, line) => {
    expect(() => decodeEvent(line)).toThrow(SyntaxError);
  });
});

test('a series key ignores the order of labels and nothing else', () => {
  const labels = fc.dictionary(fc.string(), fc.string());
  fc.assert(
    fc.property(labels, labels, (a, b) => {
      const turned = Object.fromEntries(Object.entries(a).reverse());
      expect(seriesKey(turned)).toBe(seriesKey(a));
      const sorted = (record: object): string =>
        JSON.stringify(Object.entries(record).sort(([x], [y]) => (x < y ? -1 : 1)));
      expect(seriesKey(a) === seriesKey(b)).toBe(sorted(a) === sorted(b));
    }),
  );
});
