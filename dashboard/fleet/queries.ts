import { DISKS, NICS } from '../panels/devices.ts';
import { rateWindow } from '../time/step.ts';
import type { FeedQuery } from '../live/feed.ts';

const window = rateWindow(1000);

/** What is asked about every host, one series for each `instance` label. */
export const HOST_QUERIES = {
  cores: `sum by (instance) (rate(node_cpu_seconds_total{job="node",mode!~"idle|iowait"}[${window}]))`,
  memory: `sum by (instance) (node_memory_MemTotal_bytes{job="node"} - node_memory_MemAvailable_bytes{job="node"})`,
  received: `sum by (instance) (rate(node_network_receive_bytes_total{job="node",${NICS}}[${window}]))`,
  sent: `sum by (instance) (rate(node_network_transmit_bytes_total{job="node",${NICS}}[${window}]))`,
  read: `sum by (instance) (rate(node_disk_read_bytes_total{job="node",${DISKS}}[${window}]))`,
  written: `sum by (instance) (rate(node_disk_written_bytes_total{job="node",${DISKS}}[${window}]))`,
} as const;

/** What is asked about every instance, one series for each `uuid` label. */
export const INSTANCE_QUERIES = {
  cores: `sum by (uuid) (rate(libvirt_domain_info_cpu_time_seconds_total{job="libvirt"}[${window}]))`,
  memory: 'max by (uuid) (libvirt_domain_memory_stats_rss_bytes{job="libvirt"})',
  received: `sum by (uuid) (rate(libvirt_domain_interface_stats_receive_bytes_total{job="libvirt"}[${window}]))`,
  sent: `sum by (uuid) (rate(libvirt_domain_interface_stats_transmit_bytes_total{job="libvirt"}[${window}]))`,
  read: `sum by (uuid) (rate(libvirt_domain_block_stats_read_bytes_total{job="libvirt"}[${window}]))`,
  written: `sum by (uuid) (rate(libvirt_domain_block_stats_write_bytes_total{job="libvirt"}[${window}]))`,
} as const;

/** The same about the instances of one host. */
export function instanceQueriesOf(instance: string): readonly FeedQuery[] {
  const here = `job="libvirt",instance=${JSON.stringify(instance)}`;
  return MEASURES.map((measure) => ({
    id: `instances.${measure}`,
    query: INSTANCE_QUERIES[measure].replace('job="libvirt"', () => here),
    history: false,
  }));
}

export type Measure = keyof typeof HOST_QUERIES;
export const MEASURES = Object.keys(HOST_QUERIES) as readonly Measure[];

/** Sums over the fleet with their recent past, for the small lines above the table. */
export const TOTAL_QUERIES = {
  cores: `sum(rate(node_cpu_seconds_total{job="node",mode!~"idle|iowait"}[${window}]))`,
  memory:
    'sum(node_memory_MemTotal_bytes{job="node"} - node_memory_MemAvailable_bytes{job="node"})',
  network: `sum(rate(node_network_receive_bytes_total{job="node",${NICS}}[${window}])) + sum(rate(node_network_transmit_bytes_total{job="node",${NICS}}[${window}]))`,
  disk: `sum(rate(node_disk_read_bytes_total{job="node",${DISKS}}[${window}])) + sum(rate(node_disk_written_bytes_total{job="node",${DISKS}}[${window}]))`,
} as const;

export type Total = keyof typeof TOTAL_QUERIES;

export const FLEET_QUERIES: readonly FeedQuery[] = [
  ...MEASURES.map((measure) => ({
    id: `host.${measure}`,
    query: HOST_QUERIES[measure],
    history: false,
  })),
  ...MEASURES.map((measure) => ({
    id: `instance.${measure}`,
    query: INSTANCE_QUERIES[measure],
    history: false,
  })),
  ...Object.entries(TOTAL_QUERIES).map(([total, query]) => ({
    id: `total.${total}`,
    query,
    history: true,
  })),
];
