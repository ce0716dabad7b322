import type { SampleSink, Source } from '../../source.ts';
import type { Host } from './host.ts';
import { decimal, numberIn, numberedIn, textIn } from './kernel-text.ts';
import { SeriesPool } from './series-pool.ts';

const CPUS = '/sys/devices/system/cpu';

/** The kernel's own limit, against a list that says 0-999999999. */
const CPUS_MAX = 8192;

/** What /proc/cpuinfo calls the labels of `node_cpu_info`. */
const FIELDS: readonly (readonly [label: string, key: string])[] = [
  ['package', 'physical id'],
  ['core', 'core id'],
  ['cpu', 'processor'],
  ['vendor', 'vendor_id'],
  ['family', 'cpu family'],
  ['model', 'model'],
  ['model_name', 'model name'],
  ['microcode', 'microcode'],
  ['stepping', 'stepping'],
  ['cachesize', 'cache size'],
];

/** What the CPUs are, which of them are online or isolated, and how often heat has slowed them down. */
export function createCpuInfoSource(host: Host): Source {
  const pool = new SeriesPool();
  const { tree } = host;
  const cpuinfo = host.reader.file('/proc/cpuinfo');

  function sampleInfo(sink: SampleSink): void {
    for (const block of cpuinfo.readText().split('\n\n')) {
      const values = new Map<string, string>();
      for (const line of block.split('\n')) {
        const colon = line.indexOf(':');
        if (colon > 0) values.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
      }
      if (!values.has('processor')) continue;
      const labels = Object.fromEntries(
        FIELDS.map(([label, key]) => [label, values.get(key) ?? '']),
      );
      pool.push(sink, 'node_cpu_info', labels, 1);
      const [package_ = '', core = '', cpu = ''] = FIELDS.map(([, key]) => values.get(key) ?? '');
      const megahertz = decimal(values.get('cpu MHz') ?? '');
      pool.push(
        sink,
        'node_cpu_frequency_hertz',
        { package: package_, core, cpu },
        megahertz * 1e6,
      );
    }
  }

  function sampleCpus(sink: SampleSink): void {
    const cpus = numberedIn(tree, CPUS, 'cpu');
    // Where the first CPU cannot be taken offline it has no such file; node_exporter then shows none at all.
    const first = cpus[0] === undefined ? '' : textIn(tree, `${CPUS}/${cpus[0].name}/online`);
    for (const { name, number: cpu } of cpus) {
      const directory = `${CPUS}/${name}`;
      if (first !== '') {
        pool.push(sink, 'node_cpu_online', { cpu }, numberIn(tree, `${directory}/online`));
      }
      const core = textIn(tree, `${directory}/topology/core_id`);
      const package_ = textIn(tree, `${directory}/topology/physical_package_id`);
      if (core === '' || package_ === '') continue;
      // Siblings show the counters of their common core and package.
      const throttles = (scope: 'core' | 'package', labels: Record<string, string>): void => {
        const series = `node_cpu_${scope}_throttles_total`;
        if (pool.has(series, labels)) return;
        const path = `${directory}/thermal_throttle/${scope}_throttle_count`;
        pool.push(sink, series, labels, numberIn(tree, path));
      };
      throttles('core', { package: package_, core });
      throttles('package', { package: package_ });
    }
  }

  return {
    name: 'cpuinfo',
    intervalMs: host.rareMs,
    sample(sink) {
      sampleInfo(sink);
      sampleCpus(sink);
      for (const cpu of parseCpuList(textIn(tree, `${CPUS}/isolated`))) {
        pool.push(sink, 'node_cpu_isolated', { cpu: String(cpu) }, 1);
      }
      pool.finish();
    },
    close: () => cpuinfo.close(),
  };
}

/** `0-3,8` as the kernel writes sets of CPUs. What cannot be read is left out. */
function parseCpuList(text: string): readonly number[] {
  const cpus: number[] = [];
  for (const range of text.split(',')) {
    const bounds = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(range.trim());
    if (bounds === null) continue;
    const first = Number(bounds[1]);
    const last = Number(bounds[2] ?? bounds[1]);
    for (let cpu = first; cpu <= last && cpus.length < CPUS_MAX; cpu++) cpus.push(cpu);
  }
  return cpus;
}
