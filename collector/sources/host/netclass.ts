import type { SampleSink, Source } from '../../source.ts';
import type { Host } from './host.ts';
import { namesIn, numberIn, textIn } from './kernel-text.ts';
import { SeriesPool } from './series-pool.ts';

const DIRECTORY = '/sys/class/net';

/** The bit of the interface flags that says that an operator has brought it up. */
const IFF_UP = 1;

/** Plain numbers: the file, and what follows `node_network_`. */
const NUMBERS: readonly (readonly [file: string, name: string])[] = [
  ['addr_assign_type', 'address_assign_type'],
  ['carrier', 'carrier'],
  ['carrier_changes', 'carrier_changes_total'],
  ['carrier_up_count', 'carrier_up_changes_total'],
  ['carrier_down_count', 'carrier_down_changes_total'],
  ['dormant', 'dormant'],
  ['ifindex', 'iface_id'],
  ['iflink', 'iface_link'],
  ['link_mode', 'iface_link_mode'],
  ['mtu', 'mtu_bytes'],
  ['name_assign_type', 'name_assign_type'],
  ['netdev_group', 'net_dev_group'],
  ['tx_queue_len', 'transmit_queue_length'],
  ['type', 'protocol_type'],
  // Not in /proc/net/dev with the other counters.
  ['statistics/rx_nohandler', 'receive_nohandler_total'],
];

/** Properties of network devices. Some of them have files that fail while the device is down. */
export function createNetclassSource(host: Host): Source {
  const pool = new SeriesPool();
  const { tree } = host;

  function sampleDevice(sink: SampleSink, device: string): void {
    const directory = `${DIRECTORY}/${device}`;
    const flags = hexadecimalIn(`${directory}/flags`);
    // What has no flags is no device: bonding_masters, a plain file, stands among them.
    if (flags !== flags) return;
    const push = (name: string, value: number): void =>
      pool.push(sink, `node_network_${name}`, { device }, value);
    for (const [file, name] of NUMBERS) push(name, numberIn(tree, `${directory}/${file}`));
    push('flags', flags);
    push('device_id', hexadecimalIn(`${directory}/dev_id`));
    // Mbit/s; -1 means unknown and is passed on as the same -125000 that node_exporter shows.
    push('speed_bytes', numberIn(tree, `${directory}/speed`) * 125_000);
    const operstate = textIn(tree, `${directory}/operstate`);
    push('up', operstate === 'up' ? 1 : 0);
    const labels = {
      device,
      address: textIn(tree, `${directory}/address`),
      broadcast: textIn(tree, `${directory}/broadcast`),
      duplex: textIn(tree, `${directory}/duplex`),
      operstate,
      adminstate: (flags & IFF_UP) === 0 ? 'down' : 'up',
      ifalias: textIn(tree, `${directory}/ifalias`),
    };
    pool.push(sink, 'node_network_info', labels, 1);
  }

  function hexadecimalIn(path: string): number {
    const text = textIn(tree, path);
    return /^0x[0-9a-f]{1,8}$/i.test(text) ? Number(text) : Number.NaN;
  }

  return {
    name: 'netclass',
    intervalMs: host.slowMs,
    sample(sink) {
      for (const device of namesIn(tree, DIRECTORY)) sampleDevice(sink, device);
      pool.finish();
    },
  };
}
