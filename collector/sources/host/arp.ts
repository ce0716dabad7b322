import { metric } from '../../../model/labels.ts';
import type { Labels } from '../../../model/labels.ts';
import { RowCache } from '../../parsing/row-cache.ts';
import type { Source } from '../../source.ts';
import type { Host } from './host.ts';

/** The device is the last of the columns: address, kind, flags, hardware address, mask, device. */
const COLUMNS_BEFORE = 5;

interface Device {
  readonly series: Labels;
  entries: number;
}

/** How many IPv4 neighbours each network device has. */
export function createArpSource(host: Host): Source {
  const file = host.reader.file('/proc/net/arp');
  const rows = new RowCache<Device>((device) => ({
    series: metric('node_arp_entries', { device }),
    entries: 0,
  }));
  const { scan } = host.reader;
  return {
    name: 'arp',
    intervalMs: host.slowMs,
    sample(sink) {
      if (!file.read()) return;
      const devices = new Set<Device>();
      rows.begin();
      while (scan.nextLine()) {
        scan.skipWords(COLUMNS_BEFORE);
        if (!scan.word()) continue;
        const device = rows.row(scan);
        if (!devices.has(device)) device.entries = 0;
        device.entries++;
        devices.add(device);
      }
      rows.finish();
      for (const { series, entries } of devices) sink.push(series, entries);
    },
    close: () => file.close(),
  };
}
