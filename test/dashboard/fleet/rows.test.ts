import { describe, expect, test } from 'vitest';
import type {
  Inventory,
  InventoryHost,
  InventoryInstance,
} from '../../../dashboard/api/inventory.ts';
import { MEASURES } from '../../../dashboard/fleet/queries.ts';
import {
  NO_LOAD,
  capacityText,
  fleetRows,
  hostStateNow,
  instanceStateNow,
  summarise,
} from '../../../dashboard/fleet/rows.ts';
import type { Row } from '../../../dashboard/fleet/rows.ts';
import { seriesKey } from '../../../dashboard/live/event.ts';

const host = (changes: Partial<InventoryHost> = {}): InventoryHost => ({
  instance: 'kvm-01',
  lastSeenMs: 1000,
  state: 'live',
  cpus: 4,
  memoryBytes: 1000,
  libvirt: 'up',
  instances: 1,
  ...changes,
});

const instance = (changes: Partial<InventoryInstance> = {}): InventoryInstance => ({
  uuid: 'u1',
  domain: 'instance-1',
  name: 'web',
  host: 'kvm-01',
  project: '',
  flavor: '',
  vcpus: 2,
  memoryBytes: 500,
  firstSeenMs: 0,
  lastSeenMs: 1000,
  state: 'running',
  endedAtMs: null,
  ...changes,
});

const inventory = (hosts: InventoryHost[], instances: InventoryInstance[]): Inventory => ({
  nowMs: 1000,
  hosts,
  instances,
  truncated: false,
});

/** The stream says one of everything, about everything. */
const everything = (kind: 'host' | 'instance'): ReadonlyMap<string, number> =>
  new Map([[seriesKey(kind === 'host' ? { instance: 'kvm-01' } : { uuid: 'u1' }), 1]]);
const nothing = (): ReadonlyMap<string, number> => new Map();

const only = (rows: readonly Row[], kind: Row['kind']): Row =>
  rows.find((row) => row.kind === kind)!;

describe('a row', () => {
  test('joins what a host has with what it uses', () => {
    const [row] = fleetRows(inventory([host()], []), everything);
    expect(row).toMatchObject({
      kind: 'host',
      load: { cores: 1, cpu: 0.25, memoryBytes: 1, memory: 0.001, received: 1, written: 1 },
    });
  });

  test('of an instance counts the share of its vCPUs', () => {
    const rows = fleetRows(inventory([host()], [instance()]), everything);
    expect(only(rows, 'instance').load).toMatchObject({ cores: 1, cpu: 0.5 });
  });

  test('of an instance never fills more than all of the memory that is assigned', () => {
    const rows = fleetRows(inventory([host()], [instance({ memoryBytes: 0.25 })]), everything);
    expect(only(rows, 'instance').load).toMatchObject({ memoryBytes: 1, memory: 1 });
  });

  test('without values in the stream has none, not noughts', () => {
    const rows = fleetRows(inventory([host()], [instance()]), nothing);
    expect(rows.map((row) => row.load)).toEqual([NO_LOAD, NO_LOAD]);
  });

  test('never divides by a capacity that is not known', () => {
    for (const none of [0, null]) {
      const rows = fleetRows(
        inventory([host({ cpus: none })], [instance({ vcpus: none })]),
        everything,
      );
      expect(rows.map((row) => row.load.cpu)).toEqual([null, null]);
    }
  });

  test.each(['ended', 'unknown', 'shutoff', 'crashed'] as const)(
    'that is %s shows no number, whatever the stream says',
    (state) => {
      const rows = fleetRows(inventory([host()], [instance({ state })]), everything);
      expect(only(rows, 'instance')).toMatchObject({ state, load: NO_LOAD });
    },
  );

  test.each(['running', 'paused', 'blocked'] as const)('that is %s shows its load', (state) => {
    const rows = fleetRows(inventory([host()], [instance({ state })]), everything);
    expect(only(rows, 'instance').load.cores).toBe(1);
  });
});

describe('a silent host', () => {
  const silent = host({ state: 'stale' });

  test('shows no number, and of its instances nothing is known', () => {
    const rows = fleetRows(inventory([silent], [instance()]), everything);
    expect(rows.map((row) => row.load)).toEqual([NO_LOAD, NO_LOAD]);
    expect(only(rows, 'instance')).toMatchObject({ state: 'unknown' });
  });

  test('changes nothing about what had ended before', () => {
    const ended = instance({ state: 'ended', endedAtMs: 500 });
    expect(only(fleetRows(inventory([silent], [ended]), everything), 'instance')).toMatchObject({
      state: 'ended',
    });
  });
});

test('once the inventory is outdated every host counts as silent', () => {
  const rows = fleetRows(inventory([host()], [instance()]), everything, true);
  expect(rows).toMatchObject([
    { kind: 'host', host: { state: 'stale' }, load: NO_LOAD },
    { kind: 'instance', state: 'unknown', load: NO_LOAD },
  ]);
});

test('the summary counts by state, and capacity of live hosts only', () => {
  const hosts = [host(), host({ instance: 'kvm-02', state: 'stale', cpus: 64 })];
  const states = ['running', 'running', 'paused', 'ended', 'crashed'] as const;
  const instances = states.map((state, i) => instance({ uuid: `u${i}`, state }));
  instances.push(instance({ uuid: 'lost', host: 'kvm-02' }));
  expect(summarise(fleetRows(inventory(hosts, instances), nothing))).toEqual({
    hostsLive: 1,
    hostsStale: 1,
    cpus: { known: 4, hostsUnknown: 0 },
    memoryBytes: { known: 1000, hostsUnknown: 0 },
    running: 2,
    ended: 1,
    unknown: 1,
    otherwise: 2,
  });
});

test('the summary counts hosts of unknown capacity, and does not take them for empty', () => {
  const hosts = [host(), host({ instance: 'kvm-02', cpus: null, memoryBytes: null })];
  const rows = fleetRows(inventory(hosts, []), nothing);
  expect(summarise(rows)).toMatchObject({
    cpus: { known: 4, hostsUnknown: 1 },
    memoryBytes: { known: 1000, hostsUnknown: 1 },
  });
});

describe('a capacity in words', () => {
  test.each([
    [{ known: 96, hostsUnknown: 0 }, 'of 96 cores'],
    [{ known: 96, hostsUnknown: 1 }, 'of at least 96 cores'],
    [{ known: 0, hostsUnknown: 2 }, 'of –'],
    [{ known: 0, hostsUnknown: 0 }, 'of –'],
  ])('%o', (capacity, words) => {
    expect(capacityText('cores', capacity)).toBe(words);
  });
});

test('what a host and an instance do is not said once nothing is heard', () => {
  expect(hostStateNow('live', false)).toBe('live');
  expect(hostStateNow('live', true)).toBe('stale');
  expect(instanceStateNow('running', false)).toBe('running');
  expect(instanceStateNow('running', true)).toBe('unknown');
  expect(instanceStateNow('ended', true)).toBe('ended');
});

test('hosts and instances are asked about the same measures', () => {
  expect([...MEASURES].sort()).toEqual(['cores', 'memory', 'read', 'received', 'sent', 'written']);
});
