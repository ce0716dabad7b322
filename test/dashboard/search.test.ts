import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  fleetSearch,
  parseSearch,
  rangeSearchOf,
  stringifySearch,
} from '../../dashboard/search.ts';

test('the fleet keeps what it knows of a URL', () => {
  const url = '?filter=web+01&sort=-cpu&show=hosts&utm=x';
  expect(fleetSearch(parseSearch(url))).toEqual({ filter: 'web 01', sort: '-cpu', show: 'hosts' });
  expect(fleetSearch({ filter: '', sort: 'colour', show: 'all' })).toEqual({});
  expect(fleetSearch({ filter: 'x'.repeat(5000) }).filter).toHaveLength(200);
});

test('a range that cannot be read is no range', () => {
  expect(rangeSearchOf(parseSearch('?from=now-5m&to=now'))).toEqual({ from: 'now-5m', to: 'now' });
  expect(rangeSearchOf(parseSearch('?from=now-3m'))).toEqual({ from: 'now-3m' });
  expect(rangeSearchOf(parseSearch('?from=tomorrow&to=now'))).toEqual({});
  expect(rangeSearchOf(parseSearch('?to=now'))).toEqual({});
});

test('a URL says the same after reading and writing it', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.string()), (search) => {
      expect(parseSearch(stringifySearch(search))).toEqual({ ...search });
    }),
  );
  expect(stringifySearch({ filter: undefined })).toBe('');
  expect(stringifySearch({ from: 'now-15m', to: 'now' })).toBe('?from=now-15m&to=now');
});
