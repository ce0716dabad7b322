import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { metric } from '../../model/labels.ts';
import { compileMatcher, compilePattern, matcherText, matchesAll } from '../../model/matcher.ts';
import type { Matcher } from '../../model/matcher.ts';

const accepts = (operator: Matcher['operator'], value: string, candidate: string): boolean =>
  compileMatcher({ name: 'a', operator, value }).accepts(candidate);

describe('matchers', () => {
  test('each negative is the opposite of its positive, on any value', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('', 'a', 'a|b', 'a.*', '.+', '.*', '[ab]c?', '(?i)A'),
        fc.string(),
        (value, candidate) => {
          expect(accepts('!=', value, candidate)).toBe(!accepts('=', value, candidate));
          expect(accepts('!~', value, candidate)).toBe(!accepts('=~', value, candidate));
        },
      ),
    );
  });

  test('patterns are anchored, and a dot is any character', () => {
    expect(accepts('=~', 'ab', 'xab')).toBe(false);
    expect(accepts('=~', 'a|b', 'ab')).toBe(false);
    expect(accepts('=~', 'a.b', 'a\nb')).toBe(true);
    expect(accepts('=~', 'a|b|', '')).toBe(true);
    expect(accepts('=~', '.+', '')).toBe(false);
    expect(accepts('=~', '(?i)NODE', 'node')).toBe(true);
  });

  test('a list of plain words is matched as the regex engine would', () => {
    const word = fc.string({
      unit: fc.constantFrom('a', 'b', '0', '_', ':', '/', '-', '.', ' '),
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), word, (words, candidate) => {
        const pattern = words.join('|');
        expect(compilePattern(pattern)(candidate)).toBe(compilePattern(`(${pattern})`)(candidate));
      }),
    );
  });

  test('a pattern that would take a backtracking engine ages takes none', () => {
    const startedMs = performance.now();
    expect(accepts('=~', '(a+)+$', `${'a'.repeat(5_000)}!`)).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });

  test('what cannot be read fails with the pattern; what is too long is refused', () => {
    expect(() => compilePattern('(')).toThrow(/"\(" cannot be read/);
    expect(() => compilePattern('a'.repeat(5_000))).toThrow('too long');
  });

  test('all must hold, and an absent label is the empty text', () => {
    const labels = metric('up', { job: 'node' });
    const all = (...matchers: Matcher[]): boolean =>
      matchesAll(matchers.map(compileMatcher), labels);
    expect(all()).toBe(true);
    expect(
      all({ name: 'job', operator: '=', value: 'node' }, { name: 'x', operator: '=', value: '' }),
    ).toBe(true);
    expect(
      all({ name: 'job', operator: '=', value: 'node' }, { name: 'x', operator: '!=', value: '' }),
    ).toBe(false);
    expect(matcherText({ name: 'job', operator: '=~', value: 'a"b' })).toBe('job=~"a\\"b"');
  });
});
