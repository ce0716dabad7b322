import type { SampleSink, Source } from '../../source.ts';
import type { Host } from './host.ts';
import { numberIn, numberedIn } from './kernel-text.ts';
import { SeriesPool } from './series-pool.ts';

const DIRECTORY = '/sys/devices/system/edac/mc';

/** Memory errors, corrected and not, by controller and by chip-select row. */
export function createEdacSource(host: Host): Source {
  const pool = new SeriesPool();
  const { tree } = host;

  function sampleController(sink: SampleSink, directory: string, controller: string): void {
    const push = (name: string, labels: Record<string, string>, path: string): void =>
      pool.push(sink, `node_edac_${name}_errors_total`, labels, numberIn(tree, path));
    push('correctable', { controller }, `${directory}/ce_count`);
    push('uncorrectable', { controller }, `${directory}/ue_count`);
    // Errors of which the controller does not know the row.
    const unknown = { controller, csrow: 'unknown' };
    push('csrow_correctable', unknown, `${directory}/ce_noinfo_count`);
    push('csrow_uncorrectable', unknown, `${directory}/ue_noinfo_count`);
    for (const row of numberedIn(tree, directory, 'csrow')) {
      const labels = { controller, csrow: row.number };
      push('csrow_correctable', labels, `${directory}/${row.name}/ce_count`);
      push('csrow_uncorrectable', labels, `${directory}/${row.name}/ue_count`);
    }
  }

  return {
    name: 'edac',
    intervalMs: host.slowMs,
    sample(sink) {
      for (const { name, number } of numberedIn(tree, DIRECTORY, 'mc')) {
        sampleController(sink, `${DIRECTORY}/${name}`, number);
      }
      pool.finish();
    },
  };
}
