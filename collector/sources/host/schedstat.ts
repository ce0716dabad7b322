import { metric } from '../../../model/labels.ts';
import type { Labels } from '../../../model/labels.ts';
import { RowCache } from '../../parsing/row-cache.ts';
import type { Source } from '../../source.ts';
import type { Host } from './host.ts';

interface Row {
  readonly running: Labels;
  readonly waiting: Labels;
  readonly timeslices: Labels;
}

/** `cpu0` and nine numbers, of which the last three are: ns run, ns waited to run, and slices. */
const COLUMNS_BEFORE = 6;

/** Absent where the kernel is built without CONFIG_SCHEDSTATS. */
export function createSchedstatSource(host: Host): Source {
  const file = host.reader.file('/proc/schedstat');
  const rows = new RowCache<Row | 'not-a-cpu'>((name) => {
    const cpu = /^cpu(\d+)$/.exec(name)?.[1];
    if (cpu === undefined) return 'not-a-cpu';
    return {
      running: metric('node_schedstat_running_seconds_total', { cpu }),
      waiting: metric('node_schedstat_waiting_seconds_total', { cpu }),
      timeslices: metric('node_schedstat_timeslices_total', { cpu }),
    };
  });
  const { scan } = host.reader;
  return {
    name: 'schedstat',
    intervalMs: host.fastMs,
    sample(sink) {
      if (!file.read()) return;
      rows.begin();
      do {
        if (!scan.word()) continue;
        const row = rows.row(scan);
        if (row === 'not-a-cpu') continue;
        scan.skipWords(COLUMNS_BEFORE);
        const running = scan.number();
        const waiting = scan.number();
        const timeslices = scan.number();
        if (timeslices !== timeslices) continue;
        sink.push(row.running, running / 1e9);
        sink.push(row.waiting, waiting / 1e9);
        sink.push(row.timeslices, timeslices);
      } while (scan.nextLine());
      rows.finish();
    },
    close: () => file.close(),
  };
}
