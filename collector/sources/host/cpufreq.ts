import type { Source } from '../../source.ts';
import type { Host } from './host.ts';
import { numberIn, numberedIn, textIn } from './kernel-text.ts';
import { SeriesPool } from './series-pool.ts';

const CPUS = '/sys/devices/system/cpu';

/** The files of a CPU's cpufreq directory, in kHz, and the names under which they are shown, in Hz. */
const FREQUENCIES: readonly (readonly [file: string, name: string])[] = [
  ['cpuinfo_cur_freq', 'node_cpu_frequency_hertz'],
  ['cpuinfo_min_freq', 'node_cpu_frequency_min_hertz'],
  ['cpuinfo_max_freq', 'node_cpu_frequency_max_hertz'],
  ['scaling_cur_freq', 'node_cpu_scaling_frequency_hertz'],
  ['scaling_min_freq', 'node_cpu_scaling_frequency_min_hertz'],
  ['scaling_max_freq', 'node_cpu_scaling_frequency_max_hertz'],
];

export function createCpufreqSource(host: Host): Source {
  const pool = new SeriesPool();
  const { tree } = host;
  return {
    name: 'cpufreq',
    intervalMs: host.slowMs,
    sample(sink) {
      for (const { name, number: cpu } of numberedIn(tree, CPUS, 'cpu')) {
        const directory = `${CPUS}/${name}/cpufreq`;
        // One look for the eight files that most virtual machines lack: a failing read is dear.
        if (tree.list(directory).length === 0) continue;
        for (const [file, series] of FREQUENCIES) {
          pool.push(sink, series, { cpu }, numberIn(tree, `${directory}/${file}`) * 1000);
        }
        const current = textIn(tree, `${directory}/scaling_governor`);
        const available = textIn(tree, `${directory}/scaling_available_governors`).split(' ');
        for (const governor of available) {
          if (governor === '') continue;
          const labels = { cpu, governor };
          pool.push(sink, 'node_cpu_scaling_governor', labels, governor === current ? 1 : 0);
        }
      }
      pool.finish();
    },
  };
}
