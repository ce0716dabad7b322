import { describe, expect, test } from 'vitest';
import { hostSources } from '../../../collector/sources.ts';
import type { Source } from '../../../collector/source.ts';
import type { FileSystemSpace, KernelTree } from '../../../platform/kernel-tree.ts';
import { SimulatedClock, settle } from '../../simulation/simulated-clock.ts';
import { SimulatedKernel } from '../../simulation/simulated-kernel.ts';
import { ReadingSink, read } from '../exposition.ts';

function machine(files: Readonly<Record<string, string>> = {}) {
  const kernel = new SimulatedKernel();
  kernel.setAll(files);
  const clock = new SimulatedClock();
  const sources = hostSources(kernel, clock, 1000).map(({ source }) => source);
  return { kernel, clock, source: (name: string) => named(sources, name) };
}

function named(sources: readonly Source[], name: string): Source {
  return sources.find((source) => source.name === name)!;
}

describe('cpu', () => {
  const cpuLine = (idle: number, iowait = 0, user = 100): string =>
    `cpu0 ${user} 0 50 ${idle} ${iowait} 0 0 0 0 0\n`;
  const series = (mode: string): string => `node_cpu_seconds_total{cpu="0", mode="${mode}"}`;

  test('a small step back is held, a large one is a restart', async () => {
    const { kernel, source } = machine();
    const cpu = source('cpu');
    const idle: (number | undefined)[] = [];
    const iowait: (number | undefined)[] = [];
    for (const [idleTicks, iowaitTicks] of [
      [100_000, 700],
      [99_990, 690],
      [100_100, 710],
      [50, 5],
      [60, 6],
    ] as const) {
      kernel.set('/proc/stat', cpuLine(idleTicks, iowaitTicks));
      const reading = await read(cpu);
      idle.push(reading.value(series('idle')));
      iowait.push(reading.value(series('iowait')));
    }
    expect(idle).toEqual([1000, 1000, 1001, 0.5, 0.6]);
    expect(iowait).toEqual([7, 7, 7.1, 0.05, 0.06]);
  });

  test('a CPU that was away starts anew', async () => {
    const { kernel, source } = machine({ '/proc/stat': cpuLine(250, 0, 200) });
    const cpu = source('cpu');
    expect((await read(cpu)).value(series('user'))).toBe(2);
    kernel.set('/proc/stat', 'ctxt 1\n');
    expect((await read(cpu)).lines).toEqual([]);
    kernel.set('/proc/stat', cpuLine(1, 0, 3));
    expect((await read(cpu)).value(series('user'))).toBe(0.03);
  });

  test('cpu and stat share one reading of a slot, and stat reads by itself in another', async () => {
    const { kernel, clock, source } = machine({ '/proc/stat': `${cpuLine(1)}ctxt 5\n` });
    const [cpu, stat] = [source('cpu'), source('stat')];
    await read(cpu);
    kernel.reads = 0;
    expect((await read(stat)).value('node_context_switches_total')).toBe(5);
    expect(kernel.reads).toBe(0);
    kernel.set('/proc/stat', 'ctxt 6\n');
    await clock.advance(1000);
    expect((await read(stat)).value('node_context_switches_total')).toBe(6);
  });

  test('without /proc/stat the reading fails and says why', async () => {
    await expect(read(machine().source('cpu'))).rejects.toThrow('/proc/stat cannot be read');
  });
});

test('a counter that goes back is passed on as it is', async () => {
  const { kernel, source } = machine();
  const values: (number | undefined)[] = [];
  for (const bytes of [500, 20]) {
    kernel.set('/proc/net/dev', `eth0: ${bytes} 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n`);
    const reading = await read(source('netdev'));
    values.push(reading.value('node_network_receive_bytes_total{device="eth0"}'));
  }
  expect(values).toEqual([500, 20]);
});

test('rows that change places keep their own series', async () => {
  const { kernel, source } = machine();
  const line = (device: string, bytes: number): string =>
    `${device}: ${bytes} 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0`;
  const netdev = source('netdev');
  const show = async (lines: readonly string[]): Promise<readonly string[]> => {
    kernel.set('/proc/net/dev', lines.join('\n'));
    const { lines: all } = await read(netdev);
    return all.filter((one) => one.startsWith('node_network_receive_bytes_total'));
  };
  await show([line('tap1', 1), line('tap2', 2), line('tap3', 3)]);
  expect(await show([line('tap3', 30), line('tap1', 10), line('tap22', 22)])).toEqual([
    'node_network_receive_bytes_total{device="tap1"} 10',
    'node_network_receive_bytes_total{device="tap22"} 22',
    'node_network_receive_bytes_total{device="tap3"} 30',
  ]);
});

test('files that may be long are not read as short ones', async () => {
  const { kernel, clock } = machine({
    '/proc/cpuinfo': 'processor : 0\n\nprocessor : 1\n',
    '/proc/diskstats': '8 0 sda 1 2 3\n',
    '/proc/mdstat': 'md0 : active raid1 sda1[0]\n      100 blocks [2/1] [U_]\n',
    '/proc/self/mountinfo': '1 1 8:1 / / rw - ext4 /dev/sda1 rw\n',
  });
  const tree: KernelTree = {
    open: (path) => kernel.open(path),
    list: (path) => kernel.list(path),
    // The real one gives the beginning of a long file; here nothing is short enough.
    readText: () => undefined,
    readLink: (path) => kernel.readLink(path),
    fileSystem: (path) => kernel.fileSystem(path),
  };
  const sources = hostSources(tree, clock, 1000).map(({ source }) => source);
  const series = async (name: string): Promise<string> =>
    (await read(named(sources, name))).lines.join('\n');
  expect(await series('cpuinfo')).toContain('node_cpu_info{cpu="1"} 1');
  expect(await series('diskinfo')).toContain('node_disk_info{device="sda"');
  expect(await series('mdadm')).toContain('node_md_disks_required{device="md0"} 2');
  expect(await series('filesystem')).toContain('node_filesystem_device_error{device="/dev/sda1"');
});

describe('filesystem', () => {
  const space: FileSystemSpace = {
    sizeBytes: 100,
    freeBytes: 60,
    availableBytes: 50,
    files: 10,
    filesFree: 5,
  };
  const mountinfo = [
    '1 1 8:1 / / rw - ext4 /dev/sda1 rw',
    '2 1 0:50 / /mnt/a rw - nfs4 server:/a rw',
    '3 1 0:51 / /mnt/b rw - nfs4 server:/b rw',
    '4 1 8:2 / /home rw - xfs /dev/sda2 rw',
  ].join('\n');

  function servers() {
    const { kernel, clock } = machine({ '/proc/self/mountinfo': mountinfo });
    const asked: string[] = [];
    const silent = new Map<string, (space: FileSystemSpace) => void>();
    const isSilent = new Set<string>();
    const tree: KernelTree = {
      open: (path) => kernel.open(path),
      list: (path) => kernel.list(path),
      readText: (path) => kernel.readText(path),
      readLink: (path) => kernel.readLink(path),
      fileSystem(path) {
        asked.push(path);
        if (!isSilent.has(path)) return Promise.resolve(space);
        return new Promise((resolve) => {
          silent.set(path, resolve);
        });
      },
    };
    const source = named(
      hostSources(tree, clock, 1000).map((one) => one.source),
      'filesystem',
    );
    const take = async (): Promise<ReadingSink> => {
      const sink = new ReadingSink();
      const reading = Promise.resolve(source.sample(sink, new AbortController().signal));
      await clock.complete(reading);
      return sink;
    };
    return { asked, silent, isSilent, take };
  }

  const avail = (device: string, type: string, mountpoint: string): string =>
    `node_filesystem_avail_bytes{device="${device}", fstype="${type}", mountpoint="${mountpoint}"}`;

  test('a dead server costs one question and hides no local disk', async () => {
    const { asked, silent, isSilent, take } = servers();
    isSilent.add('/mnt/a');
    const first = await take();
    expect(first.value(avail('/dev/sda1', 'ext4', '/'))).toBe(50);
    expect(first.value(avail('/dev/sda2', 'xfs', '/home'))).toBe(50);
    const error = (mountpoint: string, reason: string, device: string): string =>
      `node_filesystem_device_error{device="${device}", device_error="${reason}", fstype="nfs4", mountpoint="${mountpoint}"}`;
    expect(first.value(error('/mnt/a', 'mountpoint timeout', 'server:/a'))).toBe(1);
    expect(first.value(error('/mnt/b', 'not asked: /mnt/a is stuck', 'server:/b'))).toBe(1);
    await take();
    await take();
    expect(asked.filter((path) => path.startsWith('/mnt'))).toEqual(['/mnt/a']);
    isSilent.clear();
    silent.get('/mnt/a')!(space);
    await settle();
    const last = await take();
    expect(last.value(avail('server:/a', 'nfs4', '/mnt/a'))).toBe(50);
    expect(last.value(avail('server:/b', 'nfs4', '/mnt/b'))).toBe(50);
  });
});
