import { metric } from '../../../model/labels.ts';
import { RowCache } from '../../parsing/row-cache.ts';
import type { Labels } from '../../../model/labels.ts';
import type { Source } from '../../source.ts';
import type { Host } from './host.ts';

const SHOWN: ReadonlySet<string> = new Set([
  'found',
  'invalid',
  'ignore',
  'insert',
  'insert_failed',
  'drop',
  'early_drop',
  'search_restart',
]);

/** The connection tracking table: how full it is, and what the kernel did with it on all CPUs together. */
export function createConntrackSource(host: Host): Source {
  const { reader } = host;
  const entries = reader.file('/proc/sys/net/netfilter/nf_conntrack_count');
  const limit = reader.file('/proc/sys/net/netfilter/nf_conntrack_max');
  const perCpu = reader.file('/proc/net/stat/nf_conntrack');
  const entriesSeries = metric('node_nf_conntrack_entries');
  const limitSeries = metric('node_nf_conntrack_entries_limit');
  const columnSeries = new RowCache<Labels | 'not-shown'>((name) =>
    SHOWN.has(name) ? metric(`node_nf_conntrack_stat_${name}`) : 'not-shown',
  );
  const columns: (Labels | 'not-shown')[] = [];
  const sums: number[] = [];

  /** A header of names, and for each CPU a line of hexadecimal numbers. */
  function sumUp(): boolean {
    const { scan } = reader;
    columns.length = 0;
    columnSeries.begin();
    while (scan.word()) columns.push(columnSeries.row(scan));
    columnSeries.finish();
    sums.length = columns.length;
    sums.fill(0);
    let lines = 0;
    while (scan.nextLine()) {
      lines++;
      for (let i = 0; i < sums.length; i++) {
        const value = scan.hexadecimal();
        if (value !== value) break;
        sums[i]! += value;
      }
    }
    return lines > 0;
  }

  return {
    name: 'conntrack',
    intervalMs: host.steadyMs,
    sample(sink) {
      const inUse = entries.readNumber();
      if (inUse === inUse) sink.push(entriesSeries, inUse);
      const most = limit.readNumber();
      if (most === most) sink.push(limitSeries, most);
      if (!perCpu.read() || !sumUp()) return;
      for (let i = 0; i < columns.length; i++) {
        const series = columns[i]!;
        if (series !== 'not-shown') sink.push(series, sums[i]!);
      }
    },
    close() {
      for (const file of [entries, limit, perCpu]) file.close();
    },
  };
}
