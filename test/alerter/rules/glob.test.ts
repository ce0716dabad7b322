import fc from 'fast-check';
import { expect, test } from 'vitest';
import { namePattern } from '../../../alerter/rules/glob.ts';

test.each([
  ['*.yml', 'a.yml', true],
  ['*.yml', 'a.yaml', false],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['[a-c]x', 'bx', true],
  ['[^a-c]x', 'bx', false],
  ['[!a]x', 'bx', true],
  ['a*b*c', 'aXbYc', true],
  ['a*b*c', 'aXcYb', false],
  ['\\*', '*', true],
  ['\\*', 'x', false],
  ['[', '[', true],
  ['*', '', true],
  ['a.b', 'axb', false],
])('%s on %s: %s', (pattern, name, expected) => {
  expect(namePattern(pattern)(name)).toBe(expected);
});

test('a name matches itself with any part replaced by a star, and many stars stay cheap', () => {
  const plain = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-', 'ä') });
  fc.assert(
    fc.property(plain, plain, plain, (before, middle, after) => {
      expect(namePattern(`${before}*${after}`)(before + middle + after)).toBe(true);
      expect(namePattern(`${before}*${after}x`)(before + middle + after)).toBe(false);
    }),
  );
  expect(namePattern(`${'a*'.repeat(500)}b`)('a'.repeat(5000))).toBe(false);
});
