import type { Clock } from '../platform/clock.ts';
import type { KernelTree } from '../platform/kernel-tree.ts';
import type { Platform } from '../platform/platform.ts';
import type { Source } from './source.ts';
import { createArpSource } from './sources/host/arp.ts';
import { createBondingSource } from './sources/host/bonding.ts';
import { createConntrackSource } from './sources/host/conntrack.ts';
import { createCpuInfoSource } from './sources/host/cpu-info.ts';
import { createCpufreqSource } from './sources/host/cpufreq.ts';
import { createDiskInfoSource } from './sources/host/disk-info.ts';
import { createDiskstatsSource } from './sources/host/diskstats.ts';
import { createEdacSource } from './sources/host/edac.ts';
import { createEntropySource } from './sources/host/entropy.ts';
import { createFilefdSource } from './sources/host/filefd.ts';
import { createFilesystemSource } from './sources/host/filesystem.ts';
import { createHost } from './sources/host/host.ts';
import type { Host } from './sources/host/host.ts';
import { createHwmonSource } from './sources/host/hwmon.ts';
import { createLoadavgSource } from './sources/host/loadavg.ts';
import { createMdadmSource } from './sources/host/mdadm.ts';
import { createMeminfoSource } from './sources/host/meminfo.ts';
import { createNetclassSource } from './sources/host/netclass.ts';
import { createNetdevSource } from './sources/host/netdev.ts';
import { createNetstatSource } from './sources/host/netstat.ts';
import { createOsSource } from './sources/host/os-release.ts';
import { createPressureSource } from './sources/host/pressure.ts';
import { createProcStatSources } from './sources/host/proc-stat.ts';
import { createRaplSource } from './sources/host/rapl.ts';
import { createSchedstatSource } from './sources/host/schedstat.ts';
import { createSockstatSource } from './sources/host/sockstat.ts';
import { createSoftnetSource } from './sources/host/softnet.ts';
import { createThermalZoneSource } from './sources/host/thermal-zone.ts';
import { createClocksourceSource, createTimeSource } from './sources/host/time.ts';
import { createUdpQueuesSource } from './sources/host/udp-queues.ts';
import { createUnameSource } from './sources/host/uname.ts';
import { createVmstatSource } from './sources/host/vmstat.ts';
import { createLibvirtSource } from './sources/libvirt/source.ts';

/** A source with its place in the world: the job under which its series are known, and how they end. */
export interface PlacedSource {
  readonly source: Source;
  readonly job: string;
  /**
   * `when-absent`: each reading is complete, so that a series that is not in it has ended. `when-told`: a
   * reading may leave out series that go on (they have a slower rhythm), and the source ends them itself.
   */
  readonly seriesEnd: 'when-absent' | 'when-told';
}

/** The collectors of node_exporter that we have; the order is that in which they are read in a slot. */
const HOST_SOURCES: readonly ((host: Host) => Source | readonly Source[])[] = [
  createProcStatSources,
  createLoadavgSource,
  createMeminfoSource,
  createVmstatSource,
  createPressureSource,
  createSchedstatSource,
  createDiskstatsSource,
  createNetdevSource,
  createNetstatSource,
  createSockstatSource,
  createSoftnetSource,
  createTimeSource,
  createFilefdSource,
  createConntrackSource,
  createFilesystemSource,
  createNetclassSource,
  createBondingSource,
  createArpSource,
  createUdpQueuesSource,
  createDiskInfoSource,
  createMdadmSource,
  createCpuInfoSource,
  createCpufreqSource,
  createHwmonSource,
  createThermalZoneSource,
  createRaplSource,
  createEdacSource,
  createEntropySource,
  createClocksourceSource,
  createUnameSource,
  createOsSource,
];

export function hostSources(
  tree: KernelTree,
  clock: Clock,
  intervalMs: number,
): readonly PlacedSource[] {
  const host = createHost(tree, clock, intervalMs);
  return HOST_SOURCES.flatMap((create) => create(host)).map((source) => ({
    source,
    job: 'node',
    seriesEnd: 'when-absent',
  }));
}

/** Nobody needs the domains faster than this from libvirt: its own counters move in steps of 10 ms. */
const LIBVIRT_INTERVAL_MS_MIN = 1000;

export function libvirtSource(
  options: { readonly sockets: readonly string[]; readonly intervalMs: number },
  platform: Pick<Platform, 'clock' | 'network' | 'log' | 'telemetry'>,
): PlacedSource {
  const intervalMs = Math.max(options.intervalMs, LIBVIRT_INTERVAL_MS_MIN);
  return {
    source: createLibvirtSource({ sockets: options.sockets, intervalMs }, platform),
    job: 'libvirt',
    seriesEnd: 'when-told',
  };
}
