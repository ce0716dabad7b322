import { metric } from '../../../model/labels.ts';
import type { Source } from '../../source.ts';
import type { Host } from './host.ts';

export function createLoadavgSource(host: Host): Source {
  const file = host.reader.file('/proc/loadavg');
  const series = [metric('node_load1'), metric('node_load5'), metric('node_load15')];
  return {
    name: 'loadavg',
    intervalMs: host.fastMs,
    sample(sink) {
      if (!file.read()) return;
      for (const labels of series) {
        const load = host.reader.scan.number();
        if (load === load) sink.push(labels, load);
      }
    },
    close: () => file.close(),
  };
}
