import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareLabels,
  dropLabels,
  equalLabels,
  isSortedLabels,
  keepLabels,
  labelPairs,
  labelValue,
  labelsFrom,
  labelsFromPairs,
  labelsKey,
  labelsToRecord,
  labelsToText,
  metric,
  metricName,
  withLabels,
} from '../../model/labels.ts';

const name = fc.string({ minLength: 1, maxLength: 4, unit: 'grapheme' });
const pairs = fc.array(fc.tuple(name, fc.string({ maxLength: 4, unit: 'grapheme' })), {
  maxLength: 8,
});

describe('label sets', () => {
  test('are sorted, without duplicates and empty values, whatever they are made from', () => {
    fc.assert(
      fc.property(pairs, (given) => {
        const labels = labelsFromPairs(given);
        expect(isSortedLabels(labels)).toBe(true);
        // Of a repeated name the last counts, and an empty value is no label.
        const last = new Map(given);
        const wanted = [...last].filter(([, value]) => value !== '');
        expect(new Map(labelPairs(labels))).toEqual(new Map(wanted));
        for (const [label] of given) expect(labelValue(labels, label)).toBe(last.get(label));
      }),
    );
  });

  test('have the same key exactly when they are equal, and then compare as equal', () => {
    fc.assert(
      fc.property(pairs, pairs, (a, b) => {
        const [first, second] = [labelsFromPairs(a), labelsFromPairs(b)];
        const equal = equalLabels(first, second);
        expect(labelsKey(first) === labelsKey(second)).toBe(equal);
        expect(compareLabels(first, second) === 0).toBe(equal);
        expect(Math.sign(compareLabels(first, second))).toBe(
          -Math.sign(compareLabels(second, first)) + 0,
        );
      }),
    );
  });

  test('are split by name into what is kept and what is dropped', () => {
    fc.assert(
      fc.property(pairs, fc.uniqueArray(name), (given, names) => {
        const labels = labelsFromPairs(given);
        const set = new Set(names);
        const again = labelsFromPairs([
          ...labelPairs(keepLabels(labels, set)),
          ...labelPairs(dropLabels(labels, set)),
        ]);
        expect(again).toEqual(labels);
        expect([...labelPairs(keepLabels(labels, set))].every(([label]) => set.has(label))).toBe(
          true,
        );
      }),
    );
  });

  test('change without changing the original; an empty value removes', () => {
    const labels = metric('up', { job: 'node', instance: 'a' });
    expect(labelsToRecord(withLabels(labels, { job: '', zone: 'z' }))).toEqual({
      __name__: 'up',
      instance: 'a',
      zone: 'z',
    });
    expect(labelsToRecord(labels)).toEqual({ __name__: 'up', instance: 'a', job: 'node' });
    expect(metricName(labels)).toBe('up');
    expect(labelValue(labels, 'zone')).toBe('');
  });

  test('keep a label called __proto__ a label', () => {
    const record = labelsToRecord(labelsFromPairs([['__proto__', 'x']]));
    expect(Object.keys(record)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(record)).toBe(Object.prototype);
  });

  test('are written as people write them', () => {
    expect(labelsToText(metric('up'))).toBe('up');
    expect(labelsToText(metric('up', { job: 'a"b' }))).toBe('up{job="a\\"b"}');
    expect(labelsToText(metric('gpu temp', { 'a b': 'c' }))).toBe('{"gpu temp", "a b"="c"}');
    expect(labelsToText(labelsFrom({ job: 'x' }))).toBe('{job="x"}');
  });
});
