import { expect, test } from 'vitest';
import { isolate, toggle } from '../../../dashboard/panels/visibility.ts';

const KEYS = ['a', 'b', 'c'];
const hidden = (...keys: string[]): ReadonlySet<string> => new Set(keys);

test('a click shows one alone, another shows all again', () => {
  const alone = isolate(KEYS, hidden(), 'b');
  expect(alone).toEqual(hidden('a', 'c'));
  expect(isolate(KEYS, alone, 'b')).toEqual(hidden());
  expect(isolate(KEYS, alone, 'a')).toEqual(hidden('b', 'c'));
});

test('a click with a modifier hides one and shows it again, but never hides the last', () => {
  expect(toggle(KEYS, hidden(), 'b')).toEqual(hidden('b'));
  expect(toggle(KEYS, hidden('b'), 'b')).toEqual(hidden());
  expect(toggle(KEYS, hidden('a', 'b'), 'c')).toEqual(hidden('a', 'b'));
});
