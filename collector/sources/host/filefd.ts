import { metric } from '../../../model/labels.ts';
import type { Source } from '../../source.ts';
import type { Host } from './host.ts';

/** File descriptors in use and at most. The number between them has been 0 since Linux 2.6. */
export function createFilefdSource(host: Host): Source {
  const file = host.reader.file('/proc/sys/fs/file-nr');
  const allocated = metric('node_filefd_allocated');
  const maximum = metric('node_filefd_maximum');
  return {
    name: 'filefd',
    intervalMs: host.steadyMs,
    sample(sink) {
      if (!file.read()) return;
      const { scan } = host.reader;
      const inUse = scan.number();
      scan.number();
      const most = scan.number();
      if (inUse === inUse) sink.push(allocated, inUse);
      if (most === most) sink.push(maximum, most);
    },
    close: () => file.close(),
  };
}
