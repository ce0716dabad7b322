import type { Source } from '../../source.ts';
import type { Host } from './host.ts';
import { numberIn, numberedIn, textIn } from './kernel-text.ts';
import { SeriesPool } from './series-pool.ts';

const DIRECTORY = '/sys/class/thermal';

export function createThermalZoneSource(host: Host): Source {
  const pool = new SeriesPool();
  const { tree } = host;
  return {
    name: 'thermal_zone',
    intervalMs: host.slowMs,
    sample(sink) {
      for (const { name, number } of numberedIn(tree, DIRECTORY, 'thermal_zone')) {
        const labels = { zone: number, type: textIn(tree, `${DIRECTORY}/${name}/type`) };
        const millidegrees = numberIn(tree, `${DIRECTORY}/${name}/temp`);
        pool.push(sink, 'node_thermal_zone_temp', labels, millidegrees / 1000);
      }
      for (const { name, number } of numberedIn(tree, DIRECTORY, 'cooling_device')) {
        const labels = { name: number, type: textIn(tree, `${DIRECTORY}/${name}/type`) };
        const state = (file: string): number => numberIn(tree, `${DIRECTORY}/${name}/${file}`);
        pool.push(sink, 'node_cooling_device_cur_state', labels, state('cur_state'));
        pool.push(sink, 'node_cooling_device_max_state', labels, state('max_state'));
      }
      pool.finish();
    },
  };
}
