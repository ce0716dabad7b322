import type { Source } from '../../source.ts';
import type { Host } from './host.ts';
import { textIn } from './kernel-text.ts';
import { SeriesPool } from './series-pool.ts';

/** What uname(2) tells, as files. The machine's kind is among them since Linux 6.1. */
export function createUnameSource(host: Host): Source {
  const { tree } = host;
  const pool = new SeriesPool();
  return {
    name: 'uname',
    intervalMs: host.rareMs,
    sample(sink) {
      const release = textIn(tree, '/proc/sys/kernel/osrelease');
      if (release === '') return;
      const labels = {
        sysname: textIn(tree, '/proc/sys/kernel/ostype'),
        release,
        version: textIn(tree, '/proc/sys/kernel/version'),
        machine: textIn(tree, '/proc/sys/kernel/arch'),
        nodename: textIn(tree, '/proc/sys/kernel/hostname'),
        domainname: textIn(tree, '/proc/sys/kernel/domainname'),
      };
      pool.push(sink, 'node_uname_info', labels, 1);
      pool.finish();
    },
  };
}
