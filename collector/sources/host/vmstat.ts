import { metric } from '../../../model/labels.ts';
import { KeyedNumbers } from '../../parsing/keyed-numbers.ts';
import type { Source } from '../../source.ts';
import type { Host } from './host.ts';

/** Two hundred keys stand there; these are the ones that node_exporter shows. */
const SHOWN = /^(?:oom_kill|pgpg|pswp|pg.*fault)/;

export function createVmstatSource(host: Host): Source {
  const file = host.reader.file('/proc/vmstat');
  const numbers = new KeyedNumbers((key) =>
    SHOWN.test(key) ? metric(`node_vmstat_${key}`) : undefined,
  );
  return {
    name: 'vmstat',
    intervalMs: host.fastMs,
    sample(sink) {
      if (file.read()) numbers.push(host.reader.scan, sink);
    },
    close: () => file.close(),
  };
}
