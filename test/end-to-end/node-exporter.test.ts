import { expect, test } from 'vitest';
import { hostFamily } from '../../collector/sources/host/families.ts';
import { parseExposition } from '../real/exposition.ts';
import type { Exposed, ExposedSeries } from '../real/exposition.ts';
import { startNodeExporter } from '../real/node-exporter.ts';
import type { NodeExporter } from '../real/node-exporter.ts';
import { until } from '../real/until.ts';
import { startNephoscope, temporaryDirectory } from './process.ts';

/** What of ours node_exporter shows only when asked, and the mounts that it leaves out unless Debian adds some. */
const FLAGS = [
  '--collector.cpu.info',
  '--collector.stat.softirq',
  '--collector.filesystem.mount-points-exclude=' +
    '^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)',
];

/** Families on which many dashboards and rules stand: what node_exporter shows of them, we show. */
const WIDELY_USED =
  /^node_(cpu_seconds_total|cpu_guest_seconds_total|cpu_info|cpu_scaling_.*|boot_time_seconds|context_switches_total|forks_total|intr_total|procs_.*|load\d+|memory_.*|disk_.*|network_.*|filesystem_(size|avail|free)_bytes|filesystem_(files|files_free|readonly|device_error|mount_info)|pressure_.*|vmstat_.*|hwmon_.*|uname_info|os_info|nf_conntrack_.*|filefd_.*|time_seconds|netstat_.*|sockstat_.*|softnet_.*|schedstat_.*|bonding_.*|md_.*|thermal_zone_temp|cooling_device_.*|edac_.*|arp_entries|udp_queues|entropy_.*|rapl_.*)$/;

/** Where the two may differ, and why. Versions are the first and the last that differ so. */
const EXCUSED: readonly {
  readonly only: 'ours' | 'theirs';
  readonly series: RegExp;
  readonly from?: number;
  readonly to?: number;
  readonly why: string;
}[] = [
  {
    only: 'ours',
    series: /^node_memory_/,
    from: 1006,
    why: 'it shows the keys that its library knows, we show all, as it once did',
  },
  {
    only: 'theirs',
    series: /^node_disk_\w+\{device="zram\d+"/,
    to: 1008,
    why: 'it leaves out compressed memory since later versions',
  },
  {
    only: 'ours',
    series: /^node_network_(receive|transmit)_\w+\{device="lo"/,
    to: 1008,
    why: 'its netlink library loses the loopback device',
  },
  {
    only: 'ours',
    series:
      /^node_(cpu_frequency_hertz\{core|filesystem_mount_info|netstat_TcpExt_TCP(OFOQueue|RcvQDrop)$|softnet_(backlog_len|cpu_collision|flow_limit|received_rps))/,
    to: 1008,
    why: 'it shows them since later versions',
  },
];

/** Labels that are not compared. */
const LABELS_NOT_COMPARED: readonly {
  readonly name: string;
  readonly label: string;
  readonly to?: number;
  readonly why: string;
}[] = [
  {
    name: 'node_disk_info',
    label: 'rotational',
    why: 'it says 0 for every disk when the kernel lacks any other file of the queue',
  },
  { name: 'node_disk_info', label: 'serial', to: 1008, why: 'it has less of udev' },
  { name: 'node_network_info', label: 'adminstate', to: 1008, why: 'it shows it since later' },
];

/** Values that are not compared. */
const VALUES_NOT_COMPARED: readonly {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly why: string;
}[] = [
  {
    name: 'node_filesystem_readonly',
    from: 1007,
    to: 1011,
    why: "it overlooks some read-only mounts (node_exporter's issues 3157 and 3484)",
  },
];

/** Gauges that stay the same while this test runs. */
const STEADY =
  /^node_(\w+_info|boot_time_seconds|memory_(MemTotal|SwapTotal|Hugepagesize|VmallocTotal)_bytes|filesystem_(size_bytes|files|readonly|device_error)|network_(up|mtu_bytes|flags|speed_bytes|iface_\w+|carrier|dormant|protocol_type|transmit_queue_length|address_assign_type|name_assign_type|net_dev_group|device_id)|filefd_maximum|nf_conntrack_entries_limit|entropy_pool_size_bits|os_version|md_\w+|bonding_\w+|cpu_online|cpu_isolated)$/;

/** What is made of one number of the kernel by multiplying there and by dividing here. */
const ROUNDING = 1e-12;

/** The kernel takes back a little of the idle and waiting time of a CPU now and then. */
const SECONDS_TAKEN_BACK = 0.5;

const isDeclared = (name: string): boolean =>
  name.startsWith('node_') && !name.startsWith('node_scrape_') && hostFamily(name) !== undefined;

function byText(exposed: Exposed, version: number): ReadonlyMap<string, ExposedSeries> {
  const shown = exposed.series.filter(({ name }) => isDeclared(name));
  return new Map(shown.map((series) => [textOf(series, version), series]));
}

function textOf({ name, labels }: ExposedSeries, version: number): string {
  const compared = Object.entries(labels).filter(
    ([label]) =>
      !LABELS_NOT_COMPARED.some(
        (one) => one.name === name && one.label === label && version <= (one.to ?? version),
      ),
  );
  const text = compared.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',');
  return text === '' ? name : `${name}{${text}}`;
}

function isExcused(text: string, only: 'ours' | 'theirs', version: number): boolean {
  return EXCUSED.some(
    (one) =>
      one.only === only &&
      one.series.test(text) &&
      version >= (one.from ?? version) &&
      version <= (one.to ?? version),
  );
}

function isComparedByValue(name: string, version: number): boolean {
  return !VALUES_NOT_COMPARED.some(
    (one) => one.name === name && version >= one.from && version <= one.to,
  );
}

/** All in which the two differ: names and labels, types, and values where those can be compared. */
function differences(
  [before, theirs, after]: readonly [Exposed, Exposed, Exposed],
  version: number,
): readonly string[] {
  const found: string[] = [];
  const [ourFirst, their, ourLast] = [before, theirs, after].map((one) => byText(one, version));
  for (const text of their!.keys()) {
    if (!ourLast!.has(text) && !isExcused(text, 'theirs', version)) found.push(`- ${text}`);
  }
  for (const text of ourLast!.keys()) {
    if (!their!.has(text) && !isExcused(text, 'ours', version)) found.push(`+ ${text}`);
  }
  for (const [name, type] of theirs.types) {
    const ours = after.types.get(name);
    if (ours === undefined && WIDELY_USED.test(name) && !isDeclared(name)) found.push(`- ${name}`);
    if (ours !== undefined && ours !== type) found.push(`${name}: ${ours}, not ${type}`);
  }
  for (const [text, { name, value }] of their!) {
    const [first, last] = [ourFirst!.get(text)?.value, ourLast!.get(text)?.value];
    if (first === undefined || last === undefined || !isComparedByValue(name, version)) continue;
    const slack = name.startsWith('node_cpu_') ? SECONDS_TAKEN_BACK : Math.abs(last) * ROUNDING;
    const isBetween = value >= first - slack && value <= last + slack;
    if (STEADY.test(name) && value !== last) found.push(`${text}: ${last}, not ${value}`);
    if (theirs.types.get(name) === 'counter' && !isBetween) {
      found.push(`${text}: ${value} is not from ${first} to ${last}`);
    }
  }
  return found;
}

/** Ours, theirs, and ours again when all of ours that moves has been read after theirs. */
async function scrapeInTurn(url: string, exporter: NodeExporter) {
  const ours = async (): Promise<Exposed> => parseExposition(await (await fetch(url)).text());
  const timeOf = (exposed: Exposed): number =>
    exposed.series.find(({ name }) => name === 'node_time_seconds')?.value ?? Number.NaN;
  // The first second has seen no slot yet.
  const before = await until('the first readings', 20_000, async () => {
    const exposed = await ours();
    return exposed.types.has('node_filesystem_size_bytes') && timeOf(exposed) > 0 && exposed;
  });
  const theirs = parseExposition(await exporter.scrape());
  const afterTheirs = Date.now() / 1000;
  const after = await until('a later reading', 20_000, async () => {
    const exposed = await ours();
    return timeOf(exposed) > afterTheirs && exposed;
  });
  return [before, theirs, after] as const;
}

test('NE-1: on one machine we and node_exporter show the same', async (context) => {
  const started = await startNodeExporter(FLAGS);
  if (started.kind === 'unavailable') return context.skip(started.reason);
  const { exporter } = started;
  const directory = temporaryDirectory();
  const nephoscope = await startNephoscope({
    data: directory.path,
    args: ['--roles', 'collector', '--set', 'collector.libvirt.enabled=false'],
  });
  try {
    const scraped = await scrapeInTurn(`${nephoscope.url}/exporter/node`, exporter);
    const found = differences(scraped, exporter.version);
    const { length: compared } = scraped[1].series.filter(({ name }) => isDeclared(name));
    console.log(
      `${compared} series compared with node_exporter ${exporter.version / 1000}; ` +
        `differences: ${found.length === 0 ? 'none' : `\n${found.join('\n')}`}`,
    );
    expect(found).toEqual([]);
    expect(compared).toBeGreaterThan(300);
    const untold = [...scraped[2].types.keys()].filter((name) => !scraped[2].helps.has(name));
    expect(untold).toEqual([]);
  } finally {
    await nephoscope.stop();
    await exporter.close();
    directory.remove();
  }
});
