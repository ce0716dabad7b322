import { metric } from '../../../model/labels.ts';
import type { Labels } from '../../../model/labels.ts';
import { RowCache } from '../../parsing/row-cache.ts';
import type { Source } from '../../source.ts';
import type { Host } from './host.ts';

/** A hundred and fifty keys stand there; these are the ones that node_exporter shows. */
const SHOWN = /^(?:oom_kill|pgpg|pswp|pg.*fault)/;

export function createVmstatSource(host: Host): Source {
  const file = host.reader.file('/proc/vmstat');
  const rows = new RowCache<Labels | 'not-shown'>((key) =>
    SHOWN.test(key) ? metric(`node_vmstat_${key}`) : 'not-shown',
  );
  const { scan } = host.reader;
  return {
    name: 'vmstat',
    intervalMs: host.fastMs,
    sample(sink) {
      if (!file.read()) return;
      rows.begin();
      do {
        if (!scan.word()) continue;
        const series = rows.row(scan);
        if (series === 'not-shown') continue;
        const value = scan.number();
        if (value === value) sink.push(series, value);
      } while (scan.nextLine());
      rows.finish();
    },
    close: () => file.close(),
  };
}
