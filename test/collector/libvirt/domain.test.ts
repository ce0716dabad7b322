import { describe, expect, test } from 'vitest';
import { BALLOON_FRESH_MS, Domain } from '../../../collector/sources/libvirt/domain.ts';
import { Readings, READINGS_MAX } from '../../../collector/sources/libvirt/readings.ts';
import { metric } from '../../../model/labels.ts';
import { Recorder } from './recorder.ts';

const NOW = 1_767_268_800_000;

/** Feeds statistics to one running domain and shows what comes out. */
class Reading {
  readonly domain = new Domain({ name: 'a', uuid: 'u', id: 1 });
  readonly seen = new Recorder();
  readonly #readings = new Readings();
  #timeMs = NOW;

  read(fields: Readonly<Record<string, number | string>>): this {
    this.domain.read(new Map(Object.entries(fields)), this.#readings, this.#timeMs);
    this.#readings.flush(this.seen);
    this.#timeMs += 1000;
    return this;
  }
}

describe("the guest's memory", () => {
  const told = {
    'balloon.current': 4096,
    'balloon.unused': 1000,
    'balloon.available': 4000,
    'balloon.usable': 1000,
    'balloon.disk_caches': 500,
    'balloon.swap_in': 0,
    'balloon.major_fault': 12,
    'balloon.rss': 2000,
  };
  const guestSide = [
    'libvirt_domain_memory_stats_unused_bytes',
    'libvirt_domain_memory_stats_available_bytes',
    'libvirt_domain_memory_stats_usable_bytes',
    'libvirt_domain_memory_stats_disk_cache_bytes',
    'libvirt_domain_memory_stats_disk_caches_bytes',
    'libvirt_domain_memory_stats_used_percent',
    'libvirt_domain_memory_stats_swap_in_bytes',
    'libvirt_domain_memory_stats_major_fault_total',
  ];
  const at = (timeMs: number): Record<string, number> => ({
    ...told,
    'balloon.last-update': Math.floor(timeMs / 1000),
  });

  test('is given while its driver speaks', () => {
    const { seen } = new Reading().read(at(NOW - 2000));
    for (const name of guestSide) expect(seen.value(name), name).toBeDefined();
    expect(seen.value('libvirt_domain_memory_stats_usable_bytes')).toBe(1_024_000);
    expect(seen.value('libvirt_domain_memory_stats_used_percent')).toBe(75);
    expect(seen.value('libvirt_domain_memory_stats_last_update_timestamp_seconds')).toBe(
      NOW / 1000 - 2,
    );
  });

  test.each([
    ['never spoke', { ...told, 'balloon.last-update': 0 }],
    ['fell silent', at(NOW - BALLOON_FRESH_MS - 1000)],
  ])('is absent, not zero, when the driver %s', (_, fields) => {
    const { seen } = new Reading().read(fields);
    for (const name of guestSide) expect(seen.all(name), name).toEqual([]);
    expect(seen.value('libvirt_domain_memory_stats_rss_bytes')).toBe(2_048_000);
    expect(seen.value('libvirt_domain_memory_stats_actual_balloon_bytes')).toBe(4_194_304);
    expect(seen.value('libvirt_domain_info_memory_usage_bytes')).toBe(4_194_304);
  });

  test('an update time of 0 is no time', () => {
    const { seen } = new Reading().read({ ...told, 'balloon.last-update': 0 });
    expect(seen.all('libvirt_domain_memory_stats_last_update_timestamp_seconds')).toEqual([]);
  });

  test('no use is computed without what it is computed from', () => {
    for (const part of ['balloon.available', 'balloon.usable']) {
      const fields = Object.fromEntries(Object.entries(at(NOW)).filter(([name]) => name !== part));
      const { seen } = new Reading().read(fields);
      expect(seen.all('libvirt_domain_memory_stats_used_percent')).toEqual([]);
    }
    const { seen } = new Reading().read({
      ...at(NOW),
      'balloon.available': 0,
      'balloon.usable': 0,
    });
    expect(seen.all('libvirt_domain_memory_stats_used_percent')).toEqual([]);
  });
});

describe('vCPUs', () => {
  const vcpu = (n: number, time: number): Record<string, number> => ({
    [`vcpu.${n}.state`]: 1,
    [`vcpu.${n}.time`]: time,
    [`vcpu.${n}.wait`]: 0,
  });

  test('keep their numbers when one between them is unplugged, and it alone ends', () => {
    const reading = new Reading()
      .read({
        'vcpu.current': 3,
        'vcpu.maximum': 4,
        ...vcpu(0, 1e9),
        ...vcpu(1, 2e9),
        ...vcpu(3, 3e9),
      })
      .read({ 'vcpu.current': 2, 'vcpu.maximum': 4, ...vcpu(0, 1e9), ...vcpu(3, 4e9) });
    const name = 'libvirt_domain_vcpu_time_seconds_total';
    expect(reading.seen.value(name, { vcpu: '3' })).toBe(4);
    expect(reading.seen.all(name, { vcpu: '1' })).toMatchObject([{ ended: true }]);
    expect(reading.seen.all(name, { vcpu: '0' })).toMatchObject([{ ended: false }]);
  });

  test('wait is given only where the kernel counts it, and then also when it stands still', () => {
    const name = 'libvirt_domain_vcpu_wait_seconds_total';
    const fields = { 'vcpu.maximum': 1, ...vcpu(0, 1e9) };
    const reading = new Reading().read(fields).read(fields);
    expect(reading.seen.all(name)).toEqual([]);
    reading.read({ ...fields, 'vcpu.0.wait': 5e8 }).read({ ...fields, 'vcpu.0.wait': 0 });
    expect(reading.seen.all(name)[0]?.values).toEqual([0.5, 0]);
  });
});

describe('devices', () => {
  const disks = (...names: readonly string[]): Record<string, number | string> =>
    Object.fromEntries([
      ['block.count', names.length],
      ...names.flatMap((name, i) => [
        [`block.${i}.name`, name],
        [`block.${i}.rd.bytes`, name.charCodeAt(2)],
      ]),
    ]) as Record<string, number | string>;
  const name = 'libvirt_domain_block_stats_read_bytes_total';

  test('are told by their names, not by their numbers', () => {
    const { seen } = new Reading().read(disks('vda', 'vdb', 'vdc')).read(disks('vda', 'vdc'));
    expect(seen.all(name, { target_device: 'vdb' })).toMatchObject([{ ended: true, values: [98] }]);
    expect(seen.all(name, { target_device: 'vdc' })).toMatchObject([
      { ended: false, values: [99, 99] },
    ]);
  });

  test('a busy domain that gives no block group keeps its disks', () => {
    const { seen } = new Reading().read(disks('vda')).read({ 'state.state': 1 });
    expect(seen.all(name)).toMatchObject([{ ended: false }]);
  });

  test('a NIC without counters has no series', () => {
    const { seen } = new Reading().read({ 'net.count': 1 });
    expect(seen.series.size).toBe(0);
  });

  test('a wild count does not hang the loop', () => {
    const { seen } = new Reading().read({
      'block.count': 4e9,
      'net.count': 4e9,
      'vcpu.maximum': 4e9,
    });
    expect(seen.all('libvirt_domain_vcpu_maximum')).toHaveLength(1);
  });
});

test('what libvirt marks as unknown is not a number', () => {
  const { seen } = new Reading().read({
    'cpu.time': Number.NaN,
    'cpu.user': -1,
    'block.count': 1,
    'block.0.name': 'vda',
    'block.0.rd.bytes': Number.NaN,
    'block.0.errors': -1,
  });
  expect(seen.series.size).toBe(0);
});

test('states beyond the known ones have numbers for names', () => {
  const { seen } = new Reading().read({ 'state.state': 9, 'state.reason': 99 });
  expect(seen.value('libvirt_domain_info_vstate')).toBe(9);
  expect(seen.value('libvirt_domain_state_reason', { state: '9', reason: '99' })).toBe(1);
});

test('readings that nobody fetches are dropped above a limit and counted; an end never is', () => {
  const readings = new Readings();
  const labels = metric('m');
  for (let i = 0; i < READINGS_MAX + 5; i++) readings.push(labels, i, i);
  readings.end(labels, 1);
  const seen: string[] = [];
  const dropped = readings.flush({ push: () => seen.push('push'), end: () => seen.push('end') });
  expect(dropped).toBe(5);
  expect(seen).toHaveLength(READINGS_MAX + 1);
  expect(seen.at(-1)).toBe('end');
  expect(readings.flush({ push() {}, end() {} })).toBe(0);
});
