import { metric } from '../../../model/labels.ts';
import type { Labels } from '../../../model/labels.ts';
import type { Source } from '../../source.ts';
import type { Host } from './host.ts';

/** Which of the hexadecimal columns of /proc/net/softnet_stat are which; kernels differ in how many there are. */
const COLUMNS: readonly { readonly at: number; readonly name: string }[] = [
  { at: 0, name: 'processed_total' },
  { at: 1, name: 'dropped_total' },
  { at: 2, name: 'times_squeezed_total' },
  { at: 8, name: 'cpu_collision_total' },
  { at: 9, name: 'received_rps_total' },
  { at: 10, name: 'flow_limit_count_total' },
  { at: 11, name: 'backlog_len' },
];
const CPU_COLUMN = 12;
const COLUMNS_MAX = 32;

export function createSoftnetSource(host: Host): Source {
  const file = host.reader.file('/proc/net/softnet_stat');
  const series: (readonly Labels[])[] = [];
  const values = new Float64Array(COLUMNS_MAX);
  const { scan } = host.reader;

  function readLine(): number {
    let count = 0;
    while (count < COLUMNS_MAX) {
      const value = scan.hexadecimal();
      if (value !== value) break;
      values[count++] = value;
    }
    return count;
  }

  return {
    name: 'softnet',
    intervalMs: host.fastMs,
    sample(sink) {
      if (!file.read()) return;
      let line = 0;
      do {
        const count = readLine();
        if (count === 0) continue;
        // Lines stand for CPUs that are online; newer kernels say which one.
        const cpu = count > CPU_COLUMN ? values[CPU_COLUMN]! : line;
        line++;
        if (cpu >= CPUS_MAX) continue;
        series[cpu] ??= COLUMNS.map(({ name }) =>
          metric(`node_softnet_${name}`, { cpu: String(cpu) }),
        );
        const ofCpu = series[cpu];
        for (let i = 0; i < COLUMNS.length; i++) {
          const { at } = COLUMNS[i]!;
          if (at < count) sink.push(ofCpu[i]!, values[at]!);
        }
      } while (scan.nextLine());
    },
    close: () => file.close(),
  };
}

/** The kernel's own limit. */
const CPUS_MAX = 8192;
