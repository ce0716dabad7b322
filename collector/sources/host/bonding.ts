import type { Source } from '../../source.ts';
import type { Host } from './host.ts';
import { textIn } from './kernel-text.ts';
import { SeriesPool } from './series-pool.ts';

const DIRECTORY = '/sys/class/net';

/** Bonded network devices: how many slaves each has, and how many of them have a link. */
export function createBondingSource(host: Host): Source {
  const pool = new SeriesPool();
  const { tree } = host;

  /** Kernels differ in what they call the way from the master to a slave. */
  function hasLink(master: string, slave: string): boolean {
    return ['lower_', 'slave_'].some((prefix) => {
      const path = `${DIRECTORY}/${master}/${prefix}${slave}/bonding_slave/mii_status`;
      return textIn(tree, path) === 'up';
    });
  }

  return {
    name: 'bonding',
    intervalMs: host.slowMs,
    sample(sink) {
      for (const master of words(textIn(tree, `${DIRECTORY}/bonding_masters`))) {
        const slaves = words(textIn(tree, `${DIRECTORY}/${master}/bonding/slaves`));
        const active = slaves.filter((slave) => hasLink(master, slave));
        pool.push(sink, 'node_bonding_slaves', { master }, slaves.length);
        pool.push(sink, 'node_bonding_active', { master }, active.length);
      }
      pool.finish();
    },
  };
}

function words(text: string): readonly string[] {
  return text.split(/\s/).filter((word) => word !== '');
}
