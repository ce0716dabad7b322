import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { TestContext } from 'vitest';
import { createLibvirtSource } from '../../collector/sources/libvirt/source.ts';
import type { Source } from '../../collector/source.ts';
import { labelValue, metricName } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { SILENT } from '../../platform/log.ts';
import { nodeClock } from '../../platform/node/clock.ts';
import { nodeNetwork } from '../../platform/node/network.ts';
import { NO_TELEMETRY } from '../../platform/telemetry.ts';
import { startLibvirt } from '../real/libvirt.ts';
import type { Guest, RealLibvirt, Start } from '../real/libvirt.ts';
import { until } from '../real/until.ts';

/** The libvirt source against a real libvirtd and real guests, checked against what virsh and /proc say. */

interface Seen {
  readonly labels: Labels;
  value: number;
  timeMs: number;
  samples: number;
  /** The longest time between two samples. */
  gapMs: number;
  endedAt: number | undefined;
}

/** Samples a source and keeps what it gave, by the very object that it used as the series. */
class Watch {
  readonly series = new Map<Labels, Seen>();
  readonly source: Source;
  lastError: unknown;

  constructor(libvirt: RealLibvirt) {
    this.source = createLibvirtSource(
      { sockets: [libvirt.socket], intervalMs: 1000, uri: libvirt.uri },
      { clock: nodeClock, network: nodeNetwork, log: SILENT, telemetry: NO_TELEMETRY },
    );
  }

  async sample(): Promise<void> {
    const woken = Math.round(nodeClock.now());
    this.lastError = undefined;
    const sink = {
      push: (labels: Labels, value: number, timeMs = woken): void => {
        const seen = this.series.get(labels);
        const samples = (seen?.samples ?? 0) + 1;
        const gapMs = seen ? Math.max(seen.gapMs, timeMs - seen.timeMs) : 0;
        this.series.set(labels, { labels, value, timeMs, samples, gapMs, endedAt: undefined });
      },
      end: (labels: Labels, timeMs = woken): void => {
        const seen = this.series.get(labels);
        if (!seen) throw new Error(`${labels.join(' ')} ended without having begun`);
        seen.endedAt = timeMs;
      },
    };
    try {
      await this.source.sample(sink, new AbortController().signal);
    } catch (thrown) {
      this.lastError = thrown;
    }
  }

  find(name: string, where: Readonly<Record<string, string>> = {}): Seen | undefined {
    for (const seen of this.series.values()) {
      const isIt =
        metricName(seen.labels) === name &&
        Object.entries(where).every(([label, value]) => labelValue(seen.labels, label) === value);
      if (isIt && seen.endedAt === undefined) return seen;
    }
    return undefined;
  }

  of(guest: Guest): readonly Seen[] {
    return [...this.series.values()].filter(
      ({ labels }) => labelValue(labels, 'uuid') === guest.uuid,
    );
  }

  async untilSampled(
    what: string,
    limitMs: number,
    check: () => boolean,
    everyMs = 200,
  ): Promise<void> {
    await until(
      what,
      limitMs,
      async () => {
        await this.sample();
        return check();
      },
      everyMs,
    );
  }
}

let start: Start;
let libvirt: RealLibvirt;
let spin: Guest;
let idle: Guest;
const nova = {
  instanceName: 'web <&> 1',
  flavor: 'm1.tiny',
  userName: 'alice',
  userUuid: '11111111-1111-4111-8111-111111111111',
  projectName: 'Wetter & Söhne',
  projectUuid: '22222222-2222-4222-8222-222222222222',
  imageUuid: '33333333-3333-4333-8333-333333333333',
};

beforeAll(async () => {
  start = await startLibvirt();
  if (start.kind === 'unavailable') return;
  libvirt = start.libvirt;
  spin = await libvirt.startGuest({ name: 'nephoscope-e2e-spin', work: 'spin', nova });
  idle = await libvirt.startGuest({ name: 'nephoscope-e2e-idle', work: 'idle' });
});

afterAll(async () => {
  await libvirt?.close();
});

beforeEach((context: TestContext) => {
  if (start.kind === 'unavailable') context.skip(start.reason);
});

/** `virsh domstats` as libvirt's field names to texts. */
async function domstats(guest: Guest): Promise<ReadonlyMap<string, string>> {
  const text = await libvirt.virsh('domstats', guest.uuid);
  return new Map(
    text
      .split('\n')
      .map((line) => line.trim().split('='))
      .map(([field, ...value]) => [field!, value.join('=')]),
  );
}

const COMPARED: readonly (readonly [string, string, number])[] = [
  ['libvirt_domain_info_vstate', 'state.state', 1],
  ['libvirt_domain_info_cpu_time_seconds_total', 'cpu.time', 1e-9],
  ['libvirt_domain_vcpu_current', 'vcpu.current', 1],
  ['libvirt_domain_info_virtual_cpus', 'vcpu.current', 1],
  ['libvirt_domain_vcpu_maximum', 'vcpu.maximum', 1],
  ['libvirt_domain_vcpu_state', 'vcpu.0.state', 1],
  ['libvirt_domain_vcpu_time_seconds_total', 'vcpu.0.time', 1e-9],
  ['libvirt_domain_vcpu_delay_seconds_total', 'vcpu.0.delay', 1e-9],
  ['libvirt_domain_interface_stats_receive_bytes_total', 'net.0.rx.bytes', 1],
  ['libvirt_domain_interface_stats_receive_packets_total', 'net.0.rx.pkts', 1],
  ['libvirt_domain_interface_stats_receive_errors_total', 'net.0.rx.errs', 1],
  ['libvirt_domain_interface_stats_receive_drops_total', 'net.0.rx.drop', 1],
  ['libvirt_domain_interface_stats_transmit_bytes_total', 'net.0.tx.bytes', 1],
  ['libvirt_domain_interface_stats_transmit_packets_total', 'net.0.tx.pkts', 1],
  ['libvirt_domain_interface_stats_transmit_errors_total', 'net.0.tx.errs', 1],
  ['libvirt_domain_interface_stats_transmit_drops_total', 'net.0.tx.drop', 1],
  ['libvirt_domain_block_stats_read_bytes_total', 'block.0.rd.bytes', 1],
  ['libvirt_domain_block_stats_read_requests_total', 'block.0.rd.reqs', 1],
  ['libvirt_domain_block_stats_read_time_seconds_total', 'block.0.rd.times', 1e-9],
  ['libvirt_domain_block_stats_write_bytes_total', 'block.0.wr.bytes', 1],
  ['libvirt_domain_block_stats_write_requests_total', 'block.0.wr.reqs', 1],
  ['libvirt_domain_block_stats_write_time_seconds_total', 'block.0.wr.times', 1e-9],
  ['libvirt_domain_block_stats_flush_requests_total', 'block.0.fl.reqs', 1],
  ['libvirt_domain_block_stats_flush_time_seconds_total', 'block.0.fl.times', 1e-9],
  ['libvirt_domain_block_stats_allocation', 'block.0.allocation', 1],
  ['libvirt_domain_block_stats_capacity_bytes', 'block.0.capacity', 1],
  ['libvirt_domain_block_stats_physicalsize_bytes', 'block.0.physical', 1],
  ['libvirt_domain_memory_stats_actual_balloon_bytes', 'balloon.current', 1024],
  ['libvirt_domain_memory_stats_current_balloon_bytes', 'balloon.current', 1024],
  ['libvirt_domain_info_memory_usage_bytes', 'balloon.current', 1024],
  ['libvirt_domain_memory_stats_maximum_bytes', 'balloon.maximum', 1024],
  ['libvirt_domain_info_maximum_memory_bytes', 'balloon.maximum', 1024],
];

test('names and values are those of virsh domstats', async () => {
  for (const guest of [spin, idle]) {
    // The slow tier comes at once after connecting, so one sample between two of virsh's holds everything.
    const before = await domstats(guest);
    const watch = new Watch(libvirt);
    const compared = COMPARED.filter(
      ([, field]) => guest.tap !== undefined || !field.startsWith('net.'),
    );
    await watch.untilSampled('all tiers', 10_000, () =>
      compared.every(([name]) => watch.find(name, { uuid: guest.uuid }) !== undefined),
    );
    const after = await domstats(guest);
    for (const [name, field, factor] of compared) {
      const value = watch.find(name, { uuid: guest.uuid })!.value;
      expect(value, `${name} of ${guest.name}`).toBeGreaterThanOrEqual(
        Number(before.get(field)) * factor * (1 - 1e-12),
      );
      expect(value, `${name} of ${guest.name}`).toBeLessThanOrEqual(
        Number(after.get(field)) * factor * (1 + 1e-12),
      );
    }
    await watch.source.close?.();
  }
});

test('what the guest has not told is absent, not zero', async () => {
  const watch = new Watch(libvirt);
  await watch.untilSampled('the balloon', 10_000, () =>
    watch.of(idle).some(({ labels }) => metricName(labels).endsWith('_balloon_bytes')),
  );
  const names = new Set(watch.of(idle).map(({ labels }) => metricName(labels)));
  for (const name of ['unused', 'available', 'usable', 'disk_cache', 'disk_caches']) {
    expect(names).not.toContain(`libvirt_domain_memory_stats_${name}_bytes`);
  }
  expect(names).not.toContain('libvirt_domain_memory_stats_used_percent');
  expect(names).toContain('libvirt_domain_memory_stats_rss_bytes');
  await watch.source.close?.();
});

test('identity comes from the XML under the names of both exporters', async () => {
  const watch = new Watch(libvirt);
  await watch.untilSampled('the metadata', 10_000, () =>
    Boolean(watch.find('libvirt_domain_openstack_info', { uuid: spin.uuid })),
  );
  expect(
    watch.find('libvirt_domain_info_meta', {
      domain: spin.name,
      uuid: spin.uuid,
      instance_name: nova.instanceName,
      flavor: nova.flavor,
      user_name: nova.userName,
      user_uuid: nova.userUuid,
      project_name: nova.projectName,
      project_uuid: nova.projectUuid,
      root_type: 'image',
      root_uuid: nova.imageUuid,
    })?.value,
  ).toBe(1);
  expect(
    watch.find('libvirt_domain_openstack_info', {
      instance_id: spin.uuid,
      project_id: nova.projectUuid,
      flavor_name: nova.flavor,
    }),
  ).toBeDefined();
  expect(
    watch.find('libvirt_domain_block_meta', {
      target_device: 'vda',
      serial: `volume-of-${spin.name}`,
      cache: 'none',
      discard: 'unmap',
    }),
  ).toBeDefined();
  if (spin.tap !== undefined) {
    expect(
      watch.find('libvirt_domain_interface_stats_info', {
        target_device: spin.tap,
        interface_type: 'ethernet',
        model_type: 'virtio',
      }),
    ).toBeDefined();
  }
  await watch.source.close?.();
});

test('a changed Nova metadata ends the old identity and begins a new one', async () => {
  const watch = new Watch(libvirt);
  const flavorOf = (): string =>
    labelValue(
      watch.find('libvirt_domain_info_meta', { uuid: idle.uuid })?.labels ?? ([] as never),
      'flavor',
    );
  await watch.untilSampled('the metadata', 10_000, () =>
    Boolean(watch.find('libvirt_domain_info_meta', { uuid: idle.uuid })),
  );
  const cpu = watch.find('libvirt_domain_info_cpu_time_seconds_total', { uuid: idle.uuid })!.labels;
  await libvirt.virsh(
    'metadata',
    idle.uuid,
    '--uri',
    'http://openstack.org/xmlns/libvirt/nova/1.1',
    '--key',
    'nova',
    '--set',
    '<instance><name>db-2</name><flavor name="m1.huge"/></instance>',
    '--live',
  );
  await watch.untilSampled('the new flavor', 5000, () => flavorOf() === 'm1.huge');
  const old = watch
    .of(idle)
    .filter(({ labels }) => metricName(labels) === 'libvirt_domain_info_meta');
  expect(old.filter(({ endedAt }) => endedAt !== undefined)).toHaveLength(1);
  expect(
    watch.find('libvirt_domain_info_cpu_time_seconds_total', { uuid: idle.uuid })!.labels,
  ).toBe(cpu);
  await watch.source.close?.();
});

test('a busy vCPU is seen as the kernel sees it, an idle one as idle', async () => {
  const watch = new Watch(libvirt);
  const name = 'libvirt_domain_vcpu_time_seconds_total';
  await watch.untilSampled('both vCPUs', 10_000, () =>
    Boolean(watch.find(name, { uuid: spin.uuid }) && watch.find(name, { uuid: idle.uuid })),
  );
  const read = (): number[] =>
    [spin, idle].flatMap((guest) => {
      const seen = watch.find(name, { uuid: guest.uuid })!;
      return [seen.value, seen.timeMs, libvirt.vcpuSeconds(guest), performance.now()];
    });
  const first = read();
  await watch.untilSampled(
    'five seconds of samples',
    20_000,
    () => watch.find(name, { uuid: spin.uuid })!.timeMs - first[1]! >= 5000,
    500,
  );
  const last = read();
  const share = (at: number): number =>
    ((last[at]! - first[at]!) * 1000) / (last[at + 1]! - first[at + 1]!);
  expect(Math.abs(share(0) - share(2))).toBeLessThan(0.03);
  expect(share(4)).toBeLessThan(0.03);
  await watch.source.close?.();
});

test('a domain is seen when it starts and ended within two seconds of being destroyed', async () => {
  const watch = new Watch(libvirt);
  await watch.untilSampled('the two', 10_000, () => watch.find('libvirt_domains')?.value === 2);
  const guest = await libvirt.startGuest({ name: 'nephoscope-e2e-short', work: 'idle' });
  await watch.untilSampled(
    'the third with all its devices',
    5000,
    () =>
      Boolean(watch.find('libvirt_domain_block_stats_read_bytes_total', { uuid: guest.uuid })) &&
      Boolean(watch.find('libvirt_domain_info_meta', { uuid: guest.uuid })),
  );
  await libvirt.destroyGuest(guest);
  const destroyed = performance.now();
  await watch.untilSampled('its end', 5000, () =>
    watch.of(guest).every(({ endedAt }) => endedAt !== undefined),
  );
  expect(performance.now() - destroyed).toBeLessThan(2000);
  expect(watch.of(guest).length).toBeGreaterThan(30);
  expect(watch.of(spin).every(({ endedAt }) => endedAt === undefined)).toBe(true);
  await watch.sample();
  expect(watch.find('libvirt_domains')?.value).toBe(2);
  await watch.source.close?.();
});

test('a persistent domain that is off keeps its state and its identity only', async () => {
  const watch = new Watch(libvirt);
  const guest = await libvirt.startGuest({
    name: 'nephoscope-e2e-kept',
    work: 'idle',
    isPersistent: true,
  });
  const stateIs = (value: number): boolean =>
    watch.find('libvirt_domain_info_vstate', { uuid: guest.uuid })?.value === value;
  await watch.untilSampled('it to run', 10_000, () => stateIs(1));
  await libvirt.destroyGuest(guest);
  await watch.untilSampled('it to be off', 5000, () => stateIs(5));
  const left = watch
    .of(guest)
    .filter(({ endedAt }) => endedAt === undefined)
    .map(({ labels }) => metricName(labels));
  expect(left.filter((name) => /cpu|vcpu|stats_(read|write|receive|transmit)/.test(name))).toEqual(
    [],
  );
  expect(left).toContain('libvirt_domain_info_meta');
  expect(
    watch.find('libvirt_domain_state_reason', {
      uuid: guest.uuid,
      state: 'shutoff',
      reason: 'destroyed',
    }),
  ).toBeDefined();
  await libvirt.virsh('undefine', guest.uuid);
  await watch.untilSampled('its end', 5000, () =>
    watch.of(guest).every(({ endedAt }) => endedAt !== undefined),
  );
  await watch.source.close?.();
});

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'libvirtd ended with %s is noticed, ends nothing, and its guests go on as the same series',
  async (signal) => {
    const watch = new Watch(libvirt);
    const cpu = (): Seen | undefined =>
      watch.find('libvirt_domain_info_cpu_time_seconds_total', { uuid: spin.uuid });
    await watch.untilSampled('the guests', 10_000, () => cpu() !== undefined);
    const before = { ...cpu()! };
    await libvirt.stopDaemon(signal);
    await watch.untilSampled(
      'libvirt_up to be 0',
      5000,
      () => watch.find('libvirt_up')?.value === 0,
    );
    expect(watch.lastError).toMatchObject({ code: 'unreachable' });
    expect([...watch.series.values()].every(({ endedAt }) => endedAt === undefined)).toBe(true);
    await libvirt.startDaemon();
    await watch.untilSampled('new samples', 30_000, () => cpu()!.samples > before.samples);
    expect(cpu()!.labels).toBe(before.labels);
    expect(cpu()!.value).toBeGreaterThanOrEqual(before.value);
    expect(watch.find('libvirt_up')?.value).toBe(1);
    expect(watch.of(spin).every(({ endedAt }) => endedAt === undefined)).toBe(true);
    await watch.source.close?.();
  },
);

test('a libvirtd that hangs holds nobody up, is told, and is used again when it wakes', async () => {
  const watch = new Watch(libvirt);
  const name = 'libvirt_domain_info_cpu_time_seconds_total';
  await watch.untilSampled('the guests', 10_000, () =>
    Boolean(watch.find(name, { uuid: spin.uuid })),
  );
  libvirt.freeze('daemon');
  try {
    await watch.untilSampled(
      'libvirt_up to be 0',
      10_000,
      () => watch.find('libvirt_up')?.value === 0,
      0,
    );
    expect(watch.lastError).toMatchObject({ code: 'timeout' });
    const started = performance.now();
    await watch.sample();
    expect(performance.now() - started).toBeLessThan(1000);
    expect([...watch.series.values()].every(({ endedAt }) => endedAt === undefined)).toBe(true);
  } finally {
    libvirt.thaw('daemon');
  }
  const { samples } = watch.find(name, { uuid: spin.uuid })!;
  await watch.untilSampled(
    'samples again',
    30_000,
    () => watch.find(name, { uuid: spin.uuid })!.samples > samples + 1,
  );
  expect(watch.find('libvirt_up')?.value).toBe(1);
  await watch.source.close?.();
});

test('one frozen QEMU costs only what it alone can tell', async () => {
  const watch = new Watch(libvirt);
  const name = 'libvirt_domain_info_cpu_time_seconds_total';
  const block = 'libvirt_domain_block_stats_read_bytes_total';
  await watch.untilSampled('the guests', 10_000, () =>
    Boolean(watch.find(block, { uuid: spin.uuid }) && watch.find(block, { uuid: idle.uuid })),
  );
  libvirt.freeze(idle);
  try {
    const before = watch.find(name, { uuid: spin.uuid })!.samples;
    await watch.untilSampled(
      'the other to go on',
      20_000,
      () => watch.find(name, { uuid: spin.uuid })!.samples >= before + 5,
      500,
    );
    const blockBefore = watch.find(block, { uuid: spin.uuid })!.samples;
    await watch.untilSampled(
      "the other's disk to go on",
      20_000,
      () => watch.find(block, { uuid: spin.uuid })!.samples >= blockBefore + 2,
      500,
    );
    const frozen = watch.find(block, { uuid: idle.uuid })!;
    const { samples } = frozen;
    await watch.sample();
    await watch.sample();
    expect(watch.find(block, { uuid: idle.uuid })!.samples).toBe(samples);
    // Its host-side CPU time goes on; only the first call, which met it unprepared, was lost.
    expect(watch.find(name, { uuid: spin.uuid })!.gapMs).toBeLessThan(4000);
    expect(frozen.endedAt).toBeUndefined();
    expect(watch.find('libvirt_up')?.value).toBe(1);
  } finally {
    libvirt.thaw(idle);
  }
  const { samples } = watch.find(block, { uuid: idle.uuid })!;
  await watch.untilSampled(
    'the thawed one to be back',
    20_000,
    () => watch.find(block, { uuid: idle.uuid })!.samples > samples,
    500,
  );
  await watch.source.close?.();
});
