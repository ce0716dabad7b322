import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  DEFAULT_SORT,
  barScale,
  filterRows,
  nextSort,
  orderRows,
  parseSort,
  sortText,
} from '../../../dashboard/fleet/order.ts';
import { NO_LOAD } from '../../../dashboard/fleet/rows.ts';
import type { Row } from '../../../dashboard/fleet/rows.ts';

function host(name: string, cpu: number | null = null): Row {
  return {
    kind: 'host',
    id: `host ${name}`,
    host: {
      instance: name,
      lastSeenMs: 0,
      state: 'live',
      cpus: 1,
      memoryBytes: 1,
      libvirt: 'up',
      instances: 0,
    },
    load: { ...NO_LOAD, cpu },
  };
}

function instance(name: string, on: string, cpu: number | null = null): Row {
  return {
    kind: 'instance',
    id: name,
    instance: {
      uuid: name,
      domain: `domain-${name}`,
      name,
      host: on,
      project: 'shop',
      flavor: 'm1.tiny',
      vcpus: 1,
      memoryBytes: 1,
      firstSeenMs: 0,
      lastSeenMs: 0,
      state: 'running',
      endedAtMs: null,
    },
    state: 'running',
    load: { ...NO_LOAD, cpu },
  };
}

const ROWS = [
  instance('web-10', 'kvm-2', 0.9),
  instance('web-2', 'kvm-2', 0.1),
  host('kvm-10', 0.5),
  host('kvm-2', 0.2),
  instance('db', 'kvm-10', null),
];
const names = (rows: readonly Row[]): string[] => rows.map((row) => row.id.replace('host ', ''));

describe('orderRows', () => {
  test('stands instances below their host, numbers in names counting as numbers', () => {
    expect(names(orderRows(ROWS, 'all', DEFAULT_SORT))).toEqual([
      'kvm-2',
      'web-2',
      'web-10',
      'kvm-10',
      'db',
    ]);
  });

  test('sorts hosts, and instances within their host, by load', () => {
    const sort = { column: 'cpu', descending: true } as const;
    expect(names(orderRows(ROWS, 'all', sort))).toEqual([
      'kvm-10',
      'db',
      'kvm-2',
      'web-10',
      'web-2',
    ]);
  });

  test('makes one list of one kind; what has no value comes last in either direction', () => {
    const instances = filterRows(ROWS, 'instances', '');
    const by = (descending: boolean): string[] =>
      names(orderRows(instances, 'instances', { column: 'cpu', descending }));
    expect(by(true)).toEqual(['web-10', 'web-2', 'db']);
    expect(by(false)).toEqual(['web-2', 'web-10', 'db']);
  });

  test('keeps every row, even when its host is filtered out', () => {
    const kept = filterRows(ROWS, 'all', 'web');
    expect(names(orderRows(kept, 'all', DEFAULT_SORT))).toEqual(['web-2', 'web-10']);
  });
});

describe('filterRows', () => {
  test.each([
    ['every word must be found', 'shop kvm-2', ['web-10', 'web-2']],
    ['letters of either size', 'WEB-1', ['web-10']],
    ['a host by its name', 'kvm-10', ['kvm-10', 'db']],
    ['nothing for what is not there', 'web nowhere', []],
    ['all for blanks', '  ', ['web-10', 'web-2', 'kvm-10', 'kvm-2', 'db']],
  ])('%s', (_what, filter, expected) => {
    expect(names(filterRows(ROWS, 'all', filter))).toEqual(expected);
  });

  test('shows one kind', () => {
    expect(names(filterRows(ROWS, 'hosts', ''))).toEqual(['kvm-10', 'kvm-2']);
  });
});

describe('sorting', () => {
  test('reads from a URL what it writes there, and nothing else', () => {
    expect(parseSort('-cpu')).toEqual({ column: 'cpu', descending: true });
    expect(sortText(parseSort('-cpu'))).toBe('-cpu');
    expect(parseSort('colour')).toEqual(DEFAULT_SORT);
    expect(parseSort(undefined)).toEqual(DEFAULT_SORT);
  });

  test('starts numbers with the largest and names with A, and turns on a second click', () => {
    expect(nextSort(DEFAULT_SORT, 'cpu')).toEqual({ column: 'cpu', descending: true });
    expect(nextSort({ column: 'cpu', descending: true }, 'cpu').descending).toBe(false);
    expect(nextSort({ column: 'cpu', descending: true }, 'name')).toEqual(DEFAULT_SORT);
  });
});

test('bars end at a round number above all values', () => {
  expect(barScale([null, 3], 100)).toBe(100);
  expect(barScale([130], 100)).toBe(200);
  expect(barScale([4e6, 5.1e6], 100)).toBe(1e7);
  const values = fc.array(fc.double({ min: 0, max: 1e12, noNaN: true }));
  fc.assert(
    fc.property(values, (values) => {
      const scale = barScale(values, 100);
      const largest = Math.max(100, ...values);
      expect(scale).toBeGreaterThanOrEqual(largest * (1 - 1e-9));
      expect(scale).toBeLessThanOrEqual(largest * 2.51);
    }),
  );
});

test('instances are sorted by the memory that they take, whatever share of theirs it is', () => {
  const taking = (name: string, memoryBytes: number, memory: number): Row => ({
    ...instance(name, 'kvm-1'),
    load: { ...NO_LOAD, memoryBytes, memory },
  });
  const rows = [taking('tiny', 90, 1), taking('large', 4000, 0.5), taking('full', 1000, 1)];
  const ordered = orderRows(rows, 'instances', { column: 'memory', descending: true });
  expect(ordered.map(({ id }) => id)).toEqual(['large', 'full', 'tiny']);
});
