import { expect, test } from 'vitest';
import { nearest } from '../../../server/config/nearest.ts';

const WORDS = ['serve', 'check', 'version', 'help'];

test.each([
  ['sreve', 'serve'],
  ['serv', 'serve'],
  ['chekc', 'check'],
  ['versions', 'version'],
  ['xxxxx', undefined],
  ['', undefined],
  ['s'.repeat(1000), undefined],
])('%.20s is nearest to %s', (word, expected) => {
  expect(nearest(word, WORDS)).toBe(expected);
});
