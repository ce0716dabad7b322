import { metric } from '../../../model/labels.ts';
import type { Labels } from '../../../model/labels.ts';
import { RowCache } from '../../parsing/row-cache.ts';
import type { Source } from '../../source.ts';
import type { Host } from './host.ts';

/** The counters of /proc/diskstats in their order, with the way to base units. */
const COLUMNS: readonly {
  readonly name: string;
  readonly multiply: number;
  readonly divide: number;
}[] = [
  { name: 'reads_completed_total', multiply: 1, divide: 1 },
  { name: 'reads_merged_total', multiply: 1, divide: 1 },
  // A sector is 512 bytes here, whatever the device's own sector is.
  { name: 'read_bytes_total', multiply: 512, divide: 1 },
  { name: 'read_time_seconds_total', multiply: 1, divide: 1000 },
  { name: 'writes_completed_total', multiply: 1, divide: 1 },
  { name: 'writes_merged_total', multiply: 1, divide: 1 },
  { name: 'written_bytes_total', multiply: 512, divide: 1 },
  { name: 'write_time_seconds_total', multiply: 1, divide: 1000 },
  { name: 'io_now', multiply: 1, divide: 1 },
  { name: 'io_time_seconds_total', multiply: 1, divide: 1000 },
  { name: 'io_time_weighted_seconds_total', multiply: 1, divide: 1000 },
  { name: 'discards_completed_total', multiply: 1, divide: 1 },
  { name: 'discards_merged_total', multiply: 1, divide: 1 },
  { name: 'discarded_sectors_total', multiply: 1, divide: 1 },
  { name: 'discard_time_seconds_total', multiply: 1, divide: 1000 },
  { name: 'flush_requests_total', multiply: 1, divide: 1 },
  { name: 'flush_requests_time_seconds_total', multiply: 1, divide: 1000 },
];

/** Memory disks, loop devices, floppies, and partitions of the usual kinds of disk. */
const NOT_SHOWN = /^(?:z?ram|loop|fd|(?:h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$/;

export function isShownDisk(device: string): boolean {
  return !NOT_SHOWN.test(device);
}

export function createDiskstatsSource(host: Host): Source {
  const file = host.reader.file('/proc/diskstats');
  const rows = new RowCache<readonly Labels[]>((device) =>
    isShownDisk(device) ? COLUMNS.map(({ name }) => metric(`node_disk_${name}`, { device })) : [],
  );
  const { scan } = host.reader;
  return {
    name: 'diskstats',
    intervalMs: host.fastMs,
    sample(sink) {
      if (!file.read()) return;
      rows.begin();
      do {
        scan.skipWords(2);
        if (!scan.word()) continue;
        // Old kernels have 11 or 15 columns: what is not there is not shown.
        const series = rows.row(scan);
        for (let i = 0; i < series.length; i++) {
          const value = scan.number();
          if (value !== value) break;
          const { multiply, divide } = COLUMNS[i]!;
          sink.push(series[i]!, (value * multiply) / divide);
        }
      } while (scan.nextLine());
      rows.finish();
    },
    close: () => file.close(),
  };
}
