import { beforeEach, describe, expect, test } from 'vitest';
import { metric } from '../../model/labels.ts';
import { STALE } from '../../model/staleness.ts';
import { NO_TELEMETRY } from '../../platform/telemetry.ts';
import { DEFAULT_QUERIER_OPTIONS, openQuerier } from '../../query/open.ts';
import { createInventory } from '../../server/inventory.ts';
import type {
  Inventory,
  InventoryInstance,
  InventoryLimits,
  InventoryReader,
} from '../../server/inventory.ts';
import { MemoryStore } from './memory-store.ts';

const NOW = 1_700_000_000_000;
const HOUR = 3_600_000;
const SECOND = 1000;

let store: MemoryStore;
let reader: InventoryReader;
let readerOf: (options?: InventoryLimits) => InventoryReader;
let nowMs: number;

beforeEach(() => {
  store = new MemoryStore();
  nowMs = NOW;
  const clock = { now: () => nowMs, monotonic: () => nowMs, after: () => () => {} };
  const querier = openQuerier(DEFAULT_QUERIER_OPTIONS, store, { clock, telemetry: NO_TELEMETRY });
  readerOf = (options) => createInventory(store, querier, clock, options);
  reader = readerOf();
});

function* every(
  stepMs: number,
  fromMs: number,
  toMs: number,
  value = 1,
): Generator<[number, number]> {
  for (let time = fromMs; time <= toMs; time += stepMs) yield [time, value];
}

/** A host that is read each second, as the collector does it. */
function host(
  instance: string,
  fromMs: number,
  toMs: number,
  libvirtUp: number | 'none' = 1,
): void {
  store.add(metric('node_load1', { instance, job: 'node' }), every(SECOND, fromMs, toMs, 0.5));
  store.add(
    metric('node_memory_MemTotal_bytes', { instance, job: 'node' }),
    every(10 * SECOND, fromMs, toMs, 64e9),
  );
  for (const cpu of ['0', '1']) {
    const labels = { instance, job: 'node', cpu, mode: 'idle' };
    store.add(metric('node_cpu_seconds_total', labels), every(10 * SECOND, fromMs, toMs));
  }
  if (libvirtUp !== 'none') {
    store.add(
      metric('libvirt_up', { instance, job: 'libvirt' }),
      every(SECOND, fromMs, toMs, libvirtUp),
    );
  }
}

interface Guest {
  readonly uuid: string;
  readonly instance?: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly state?: number;
  readonly more?: Readonly<Record<string, string>>;
}

function guest({ uuid, instance = 'kvm-1', fromMs, toMs, state = 1, more = {} }: Guest): void {
  const own = { uuid, instance, job: 'libvirt', domain: `domain-${uuid}` };
  store.add(
    metric('libvirt_domain_info_meta', { ...own, ...more }),
    every(10 * SECOND, fromMs, toMs),
  );
  store.add(metric('libvirt_domain_info_vstate', own), every(SECOND, fromMs, toMs, state));
  store.add(metric('libvirt_domain_info_virtual_cpus', own), every(SECOND, fromMs, toMs, 2));
  store.add(
    metric('libvirt_domain_info_maximum_memory_bytes', own),
    every(SECOND, fromMs, toMs, 2e9),
  );
}

function endMarkers(
  uuid: string,
  timeMs: number,
  more: Readonly<Record<string, string>> = {},
): void {
  const own = { uuid, instance: 'kvm-1', job: 'libvirt', domain: `domain-${uuid}` };
  store.add(metric('libvirt_domain_info_meta', { ...own, ...more }), [[timeMs, STALE]]);
  store.add(metric('libvirt_domain_info_vstate', own), [[timeMs, STALE]]);
}

function only(inventory: Inventory): InventoryInstance {
  expect(inventory.instances).toHaveLength(1);
  return inventory.instances[0]!;
}

const NOTHING: Inventory = { nowMs: NOW, hosts: [], instances: [], truncated: false };

test('an empty store has nothing', async () => {
  expect(await reader.read(HOUR)).toEqual(NOTHING);
});

test('a live host with a running instance', async () => {
  host('kvm-1', NOW - HOUR / 4, NOW);
  const more = { instance_name: 'web', project_name: 'shop', flavor: 'm1.small' };
  guest({ uuid: 'a', fromMs: NOW - 600_000, toMs: NOW, more });
  const inventory = await reader.read(HOUR);
  expect(inventory.hosts).toEqual([
    {
      instance: 'kvm-1',
      lastSeenMs: NOW,
      state: 'live',
      cpus: 2,
      memoryBytes: 64e9,
      libvirt: 'up',
      instances: 1,
    },
  ]);
  expect(inventory.instances).toEqual([
    {
      uuid: 'a',
      domain: 'domain-a',
      name: 'web',
      host: 'kvm-1',
      project: 'shop',
      flavor: 'm1.small',
      vcpus: 2,
      memoryBytes: 2e9,
      firstSeenMs: NOW - 600_000,
      lastSeenMs: NOW,
      state: 'running',
      endedAtMs: null,
    },
  ]);
});

test.each([
  [0, 'nostate'],
  [3, 'paused'],
  [5, 'shutoff'],
  [6, 'crashed'],
  [7, 'pmsuspended'],
])('state %i of libvirt is %s', async (state, word) => {
  host('kvm-1', NOW - 60_000, NOW);
  guest({ uuid: 'a', fromMs: NOW - 60_000, toMs: NOW, state });
  expect(only(await reader.read(HOUR)).state).toBe(word);
});

describe('sizes', () => {
  test('an instance that has ended keeps the size it had', async () => {
    host('kvm-1', NOW - HOUR, NOW);
    const endMs = NOW - HOUR / 2;
    guest({ uuid: 'a', fromMs: NOW - HOUR, toMs: endMs });
    const own = { uuid: 'a', instance: 'kvm-1', job: 'libvirt', domain: 'domain-a' };
    for (const name of ['meta', 'vstate', 'virtual_cpus', 'maximum_memory_bytes']) {
      store.add(metric(`libvirt_domain_info_${name}`, own), [[endMs + 500, STALE]]);
    }
    const inventory = await reader.read(HOUR);
    expect(inventory.instances).toMatchObject([
      { state: 'ended', endedAtMs: endMs + 500, vcpus: 2, memoryBytes: 2e9 },
    ]);
  });
});

test('sizes of many that have ended are looked up a few at a time, until all are known', async () => {
  host('kvm-1', NOW - HOUR, NOW);
  for (const uuid of ['a', 'b', 'c']) {
    guest({ uuid, fromMs: NOW - HOUR / 2, toMs: NOW - HOUR / 4 });
    endMarkers(uuid, NOW - HOUR / 4 + 500);
  }
  const slow = readerOf({ lookUpsMax: 1 });
  for (const known of [1, 2, 3]) {
    const { instances } = await slow.read(HOUR);
    expect(instances.filter(({ vcpus }) => vcpus === 2)).toHaveLength(known);
    nowMs += 1000;
    host('kvm-1', nowMs, nowMs);
  }
});

describe('ended', () => {
  test('by its end marker, at the time of the marker', async () => {
    host('kvm-1', NOW - HOUR / 4, NOW);
    guest({ uuid: 'a', fromMs: NOW - 600_000, toMs: NOW - 3000 });
    endMarkers('a', NOW - 2500);
    const inventory = await reader.read(HOUR);
    expect(only(inventory)).toMatchObject({ state: 'ended', endedAtMs: NOW - 2500 });
    expect(inventory.hosts[0]!.instances).toBe(0);
  });

  test('half an hour ago, found without reading that half hour for everybody', async () => {
    host('kvm-1', NOW - HOUR, NOW);
    guest({ uuid: 'a', fromMs: NOW - HOUR, toMs: NOW - HOUR / 2 });
    endMarkers('a', NOW - HOUR / 2 + 500);
    expect(only(await reader.read(2 * HOUR))).toMatchObject({
      state: 'ended',
      endedAtMs: NOW - HOUR / 2 + 500,
      firstSeenMs: NOW - HOUR,
    });
    store.samplesRead = 0;
    nowMs += 5000;
    expect(only(await reader.read(2 * HOUR)).endedAtMs).toBe(NOW - HOUR / 2 + 500);
    expect(store.samplesRead).toBeLessThan(2000);
  });

  test('by silence while its host is read', async () => {
    host('kvm-1', NOW - 600_000, NOW);
    guest({ uuid: 'a', fromMs: NOW - 600_000, toMs: NOW - 10_000 });
    expect(only(await reader.read(HOUR))).toMatchObject({
      state: 'ended',
      endedAtMs: NOW - 10_000,
    });
  });

  test('and started again is running again', async () => {
    host('kvm-1', NOW - 600_000, NOW);
    guest({ uuid: 'a', fromMs: NOW - 600_000, toMs: NOW - 300_000 });
    endMarkers('a', NOW - 299_000);
    expect(only(await reader.read(HOUR)).state).toBe('ended');
    nowMs += 1000;
    guest({ uuid: 'a', fromMs: NOW - 100_000, toMs: NOW });
    expect(only(await reader.read(HOUR)).state).toBe('running');
  });
});

describe('unknown, never ended', () => {
  test('when its host is silent', async () => {
    host('kvm-1', NOW - 600_000, NOW - 30_000);
    guest({ uuid: 'a', fromMs: NOW - 600_000, toMs: NOW - 30_000 });
    const inventory = await reader.read(HOUR);
    expect(only(inventory)).toMatchObject({ state: 'unknown', endedAtMs: null });
    expect(inventory.hosts).toMatchObject([{ state: 'stale', lastSeenMs: NOW - 30_000 }]);
  });

  test('when its host fell silent long ago', async () => {
    host('kvm-1', NOW - HOUR, NOW - HOUR / 2);
    guest({ uuid: 'a', fromMs: NOW - HOUR, toMs: NOW - HOUR / 2 });
    const inventory = await reader.read(2 * HOUR);
    expect(only(inventory).state).toBe('unknown');
    expect(inventory.hosts).toMatchObject([{ state: 'stale', lastSeenMs: NOW - HOUR / 2 }]);
  });

  test('when libvirt does not answer', async () => {
    host('kvm-1', NOW - 600_000, NOW, 0);
    guest({ uuid: 'a', fromMs: NOW - 600_000, toMs: NOW - 30_000 });
    const inventory = await reader.read(HOUR);
    expect(only(inventory).state).toBe('unknown');
    expect(inventory.hosts).toMatchObject([{ state: 'live', libvirt: 'down', instances: 1 }]);
  });
});

test('a host without libvirt is a normal host', async () => {
  host('plain', NOW - 60_000, NOW, 'none');
  expect((await reader.read(HOUR)).hosts).toMatchObject([
    { instance: 'plain', state: 'live', libvirt: 'none', instances: 0 },
  ]);
});

describe('what nobody has told', () => {
  test('is null, not nought', async () => {
    store.add(metric('node_load1', { instance: 'new' }), every(SECOND, NOW - 5000, NOW));
    store.add(metric('libvirt_up', { instance: 'new' }), every(SECOND, NOW - 5000, NOW));
    const own = { uuid: 'a', instance: 'new', domain: 'd' };
    store.add(metric('libvirt_domain_info_meta', own), [[NOW - 1000, 1]]);
    store.add(metric('libvirt_domain_info_vstate', own), [[NOW - 1000, 1]]);
    const inventory = await reader.read(HOUR);
    expect(inventory.hosts).toMatchObject([{ state: 'live', cpus: null, memoryBytes: null }]);
    expect(only(inventory)).toMatchObject({ state: 'running', vcpus: null, memoryBytes: null });
  });

  test('is null for an instance that ended without having told it', async () => {
    host('kvm-1', NOW - HOUR, NOW);
    const own = { uuid: 'a', instance: 'kvm-1', domain: 'd' };
    store.add(metric('libvirt_domain_info_meta', own), [[NOW - HOUR / 2, 1]]);
    store.add(metric('libvirt_domain_info_meta', own), [[NOW - HOUR / 2 + 1, STALE]]);
    expect(only(await reader.read(HOUR))).toMatchObject({
      state: 'ended',
      vcpus: null,
      memoryBytes: null,
    });
  });

  test('whether a silent host has libvirt is unknown', async () => {
    host('with', NOW - HOUR / 2, NOW - 30_000);
    host('without', NOW - HOUR / 2, NOW - 30_000, 'none');
    host('long', NOW - HOUR / 2, NOW - HOUR / 4);
    const { hosts } = await reader.read(HOUR);
    expect(hosts.map(({ state, libvirt }) => [state, libvirt])).toEqual([
      ['stale', 'unknown'],
      ['stale', 'unknown'],
      ['stale', 'unknown'],
    ]);
  });

  test('libvirt that was there within the window is not absent', async () => {
    host('kvm-1', NOW - HOUR / 2, NOW, 'none');
    const up = metric('libvirt_up', { instance: 'kvm-1', job: 'libvirt' });
    store.add(up, every(SECOND, NOW - HOUR / 2, NOW - HOUR / 4));
    expect((await reader.read(HOUR)).hosts).toMatchObject([{ state: 'live', libvirt: 'unknown' }]);
  });
});

test('beyond the limit instances are left out, ended ones first, and that is said', async () => {
  host('kvm-1', NOW - HOUR / 2, NOW);
  for (const uuid of ['a', 'c']) {
    guest({ uuid, fromMs: NOW - HOUR / 2, toMs: NOW - HOUR / 4 });
    endMarkers(uuid, NOW - HOUR / 4 + 500);
  }
  for (const uuid of ['b', 'd']) guest({ uuid, fromMs: NOW - 60_000, toMs: NOW });
  const few = await readerOf({ instancesMax: 2 }).read(HOUR);
  expect(few.instances.map(({ uuid }) => uuid)).toEqual(['b', 'd']);
  expect(few.truncated).toBe(true);
  expect(await readerOf({ instancesMax: 4 }).read(HOUR)).toMatchObject({ truncated: false });
});

test('a host that is read every fifteen seconds is live between its samples', async () => {
  store.add(metric('node_load1', { instance: 'slow' }), every(15_000, NOW - 600_000, NOW - 14_000));
  expect((await reader.read(HOUR)).hosts).toMatchObject([{ instance: 'slow', state: 'live' }]);
});

test('who asks within a second gets the same answer, and it is not kept longer', async () => {
  host('kvm-1', NOW - 60_000, NOW);
  const [first, second] = await Promise.all([reader.read(HOUR), reader.read(HOUR)]);
  expect(second).toBe(first);
  nowMs += 1000;
  expect(await reader.read(HOUR)).not.toBe(first);
});

test('an instance that was migrated is one instance, where it is now', async () => {
  host('kvm-1', NOW - 600_000, NOW);
  host('kvm-2', NOW - 600_000, NOW);
  guest({ uuid: 'a', fromMs: NOW - 600_000, toMs: NOW - 60_000 });
  endMarkers('a', NOW - 59_500);
  guest({ uuid: 'a', instance: 'kvm-2', fromMs: NOW - 59_000, toMs: NOW });
  expect(only(await reader.read(HOUR))).toMatchObject({
    host: 'kvm-2',
    state: 'running',
    firstSeenMs: NOW - 600_000,
  });
});

test('an instance that was resized shows its present flavor', async () => {
  host('kvm-1', NOW - 600_000, NOW);
  guest({ uuid: 'a', fromMs: NOW - 600_000, toMs: NOW - 300_000, more: { flavor: 'small' } });
  guest({ uuid: 'a', fromMs: NOW - 290_000, toMs: NOW, more: { flavor: 'large' } });
  expect(only(await reader.read(HOUR))).toMatchObject({ flavor: 'large', state: 'running' });
});

test('what was not seen within the window is not there', async () => {
  host('kvm-1', NOW - 3 * HOUR, NOW - 2 * HOUR);
  guest({ uuid: 'a', fromMs: NOW - 3 * HOUR, toMs: NOW - 2 * HOUR });
  expect(await reader.read(HOUR)).toEqual(NOTHING);
});

test('hundreds of instances are found in a few batches', async () => {
  host('kvm-1', NOW - 120_000, NOW);
  for (let i = 0; i < 250; i++) {
    guest({ uuid: `u-${String(i).padStart(3, '0')}`, fromMs: NOW - 30_000, toMs: NOW });
  }
  const { instances, hosts } = await reader.read(HOUR);
  expect(instances).toHaveLength(250);
  expect(instances.every(({ state }) => state === 'running')).toBe(true);
  expect(hosts[0]!.instances).toBe(250);
});
