import { metric } from '../../../model/labels.ts';
import type { Source } from '../../source.ts';
import type { Host } from './host.ts';
import { numberedIn, textIn } from './kernel-text.ts';
import { SeriesPool } from './series-pool.ts';

const CLOCKSOURCES = '/sys/devices/system/clocksource';

/** The host's own idea of the time, to be held against the time at which the sample arrived. */
export function createTimeSource(host: Host): Source {
  const seconds = metric('node_time_seconds');
  return {
    name: 'time',
    intervalMs: host.steadyMs,
    sample(sink) {
      sink.push(seconds, host.clock.now() / 1000);
    },
  };
}

/** From what the kernel takes the time: a guest or host that fell back from tsc is slow. */
export function createClocksourceSource(host: Host): Source {
  const pool = new SeriesPool();
  return {
    name: 'clocksource',
    intervalMs: host.rareMs,
    sample(sink) {
      for (const { name, number } of numberedIn(host.tree, CLOCKSOURCES, 'clocksource')) {
        const available = textIn(host.tree, `${CLOCKSOURCES}/${name}/available_clocksource`);
        for (const clocksource of available.split(' ')) {
          if (clocksource === '') continue;
          const labels = { device: number, clocksource };
          pool.push(sink, 'node_time_clocksource_available_info', labels, 1);
        }
        const current = textIn(host.tree, `${CLOCKSOURCES}/${name}/current_clocksource`);
        if (current === '') continue;
        const labels = { device: number, clocksource: current };
        pool.push(sink, 'node_time_clocksource_current_info', labels, 1);
      }
      pool.finish();
    },
  };
}
