import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { TestContext } from 'vitest';
import { startLibvirt } from '../real/libvirt.ts';
import type { Guest, RealLibvirt } from '../real/libvirt.ts';
import { until } from '../real/until.ts';
import { startNephoscope, temporaryDirectory } from './process.ts';
import type { RunningNephoscope } from './process.ts';
import { inventory, query, valueOf } from './prometheus-api.ts';

// The whole path on real input: this machine and two real guests, seen through the public API.

const WINDOW_SECONDS = 20;

const directory = temporaryDirectory();
let nephoscope: RunningNephoscope;
let libvirt: RealLibvirt | undefined;
let busy: Guest;
let idle: Guest;
let whyNoGuests = '';

beforeAll(async () => {
  const started = await startLibvirt();
  if (started.kind === 'unavailable') whyNoGuests = started.reason;
  else {
    libvirt = started.libvirt;
    busy = await libvirt.startGuest({ name: 'nephoscope-busy', work: 'spin' });
    idle = await libvirt.startGuest({ name: 'nephoscope-idle', work: 'idle' });
  }
  nephoscope = await startNephoscope({
    data: directory.path,
    args: libvirt ? ['--set', `collector.libvirt.sockets=${libvirt.socket}`] : [],
  });
});

afterAll(async () => {
  await nephoscope?.stop();
  await libvirt?.close();
  directory.remove();
});

beforeEach((context: TestContext) => {
  if (context.task.name.includes('guest') && !libvirt) context.skip(whyNoGuests);
});

test('the CPU of this machine has a sample in each second', async () => {
  const seconds = await until('half a minute of samples', 60_000, async () => {
    const [series] = await query(
      nephoscope.url,
      'node_cpu_seconds_total{cpu="0",mode="idle"}[30s]',
    );
    const times = (series?.values ?? []).map(([time]) => time);
    const isLongEnough = times.length > 0 && times.at(-1)! - times[0]! > 28.5;
    return isLongEnough ? new Set(times.map(Math.floor)) : undefined;
  });
  expect(seconds.size).toBeGreaterThanOrEqual(29);
});

test('what it says of the machine is what the kernel says', async () => {
  const total = await valueOf(nephoscope.url, 'node_memory_MemTotal_bytes');
  const { readFileSync } = await import('node:fs');
  const meminfo = readFileSync('/proc/meminfo', 'utf8');
  expect(total).toBe(Number(/^MemTotal:\s+(\d+) kB/m.exec(meminfo)![1]) * 1024);
  const cpus = await valueOf(nephoscope.url, 'count(node_cpu_seconds_total{mode="idle"})');
  expect(cpus).toBe(readFileSync('/proc/stat', 'utf8').match(/^cpu\d+/gm)!.length);
});

test('a spinning and an idle guest are as busy as the kernel says of their vCPU threads', async () => {
  const guests = [busy, idle];
  const vcpuTime = (guest: Guest): string =>
    `libvirt_domain_vcpu_time_seconds_total{uuid="${guest.uuid}"}`;
  await until('samples of both guests', 20_000, async () => {
    const seen = await Promise.all(guests.map((guest) => valueOf(nephoscope.url, vcpuTime(guest))));
    return seen.every((value) => value !== undefined);
  });
  const before = guests.map((guest) => ({
    seconds: libvirt!.vcpuSeconds(guest),
    atMs: Date.now(),
  }));
  // A window's worth of samples has to come in; the newest sample's own time says when.
  const windowEndMs = before[0]!.atMs + WINDOW_SECONDS * 1000;
  await until('the window to pass', (WINDOW_SECONDS + 10) * 1000, () => Date.now() >= windowEndMs);
  const kernel = guests.map((guest, i) => {
    const passedSeconds = (Date.now() - before[i]!.atMs) / 1000;
    return ((libvirt!.vcpuSeconds(guest) - before[i]!.seconds) / passedSeconds) * 100;
  });
  const seen = await Promise.all(
    guests.map(async (guest) => {
      const newest = await until('a sample from the end of the window', 5_000, async () => {
        const seconds = await valueOf(nephoscope.url, `timestamp(${vcpuTime(guest)})`);
        return seconds !== undefined && seconds * 1000 >= windowEndMs - 1000;
      });
      expect(newest).toBe(true);
      const rate = await valueOf(
        nephoscope.url,
        `100 * rate(${vcpuTime(guest)}[${WINDOW_SECONDS}s])`,
        windowEndMs,
      );
      return rate!;
    }),
  );
  expect(Math.abs(seen[0]! - kernel[0]!)).toBeLessThan(3);
  expect(Math.abs(seen[1]! - kernel[1]!)).toBeLessThan(3);
  expect(seen[0]!).toBeGreaterThan(20);
  expect(seen[1]!).toBeLessThan(5);
});

test('a destroyed guest has ended within 5 s, and is never drawn as zero', async () => {
  const cpuTime = `libvirt_domain_info_cpu_time_seconds_total{uuid="${idle.uuid}"}`;
  expect(await valueOf(nephoscope.url, cpuTime)).toBeGreaterThan(0);
  const destroyedMs = Date.now();
  await libvirt!.destroyGuest(idle);
  const ended = await until('the guest to be marked ended', 5_000, async () => {
    const { instances } = await inventory(nephoscope.url);
    const instance = instances.find(({ uuid }) => uuid === idle.uuid);
    const value = await valueOf(nephoscope.url, cpuTime);
    return instance?.state === 'ended' && value === undefined ? instance : undefined;
  });
  expect(ended.endedAtMs).toBeGreaterThanOrEqual(destroyedMs - 1500);
  expect(ended.endedAtMs).toBeLessThanOrEqual(Date.now());
  const [series] = await query(nephoscope.url, `${cpuTime}[1m]`);
  expect(series!.values!.map(([, value]) => Number(value)).filter((value) => value === 0)).toEqual(
    [],
  );
  const { instances } = await inventory(nephoscope.url);
  expect(instances.find(({ uuid }) => uuid === busy.uuid)?.state).toBe('running');
});
