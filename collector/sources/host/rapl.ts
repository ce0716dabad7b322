import type { Source } from '../../source.ts';
import type { Host } from './host.ts';
import { namesIn, numberIn, textIn } from './kernel-text.ts';
import { SeriesPool } from './series-pool.ts';

const DIRECTORY = '/sys/class/powercap';

/** Energy that CPU packages and memory have used. Kernels since 5.10 let only root read it. */
export function createRaplSource(host: Host): Source {
  const pool = new SeriesPool();
  const { tree } = host;
  return {
    name: 'rapl',
    intervalMs: host.slowMs,
    sample(sink) {
      // Zones without a number of their own (core, dram) are numbered in the order of their places.
      const nextIndex = new Map<string, number>();
      for (const zone of namesIn(tree, DIRECTORY)) {
        const path = `${DIRECTORY}/${zone}`;
        const text = textIn(tree, `${path}/name`);
        if (!zone.startsWith('intel-rapl') || text === '') continue;
        const [, kind = text, number] = /^(\w{1,32})-(\d{1,4})$/.exec(text) ?? [];
        const index = number ?? String(nextIndex.get(kind) ?? 0);
        if (number === undefined) nextIndex.set(kind, Number(index) + 1);
        const joules = numberIn(tree, `${path}/energy_uj`) / 1e6;
        const name = `node_rapl_${kind.replace(/[^a-zA-Z0-9_]/g, '_')}_joules_total`;
        pool.push(sink, name, { index, path }, joules);
      }
      pool.finish();
    },
  };
}
