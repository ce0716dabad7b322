import { metric } from '../../../model/labels.ts';
import type { Labels } from '../../../model/labels.ts';
import { bytesOf } from '../../parsing/byte-scan.ts';
import type { Source } from '../../source.ts';
import type { Host, HostFile } from './host.ts';

interface Resource {
  readonly file: HostFile;
  /** Some task waited. */
  readonly some: Labels | undefined;
  /** All tasks waited. */
  readonly full: Labels | undefined;
}

const SOME = bytesOf('some');
const FULL = bytesOf('full');
const TOTAL = bytesOf('total=');

/**
 * Pressure stall information. Where the kernel has it compiled in but not enabled (psi=0), the files are
 * there and every read fails: then there are no series, and that is no error.
 */
export function createPressureSource(host: Host): Source {
  const resource = (name: string, some: boolean, full: boolean): Resource => ({
    file: host.reader.file(`/proc/pressure/${name}`),
    some: some ? metric(`node_pressure_${name}_waiting_seconds_total`) : undefined,
    full: full ? metric(`node_pressure_${name}_stalled_seconds_total`) : undefined,
  });
  const resources = [
    // The whole machine cannot be stalled on CPU; the kernel prints that line for symmetry only.
    resource('cpu', true, false),
    resource('io', true, true),
    resource('memory', true, true),
    resource('irq', false, true),
  ];
  const { scan } = host.reader;
  return {
    name: 'pressure',
    intervalMs: host.fastMs,
    sample(sink) {
      for (const { file, some, full } of resources) {
        if (!file.read()) continue;
        do {
          if (!scan.word()) continue;
          const series = scan.wordIs(SOME) ? some : scan.wordIs(FULL) ? full : undefined;
          if (series === undefined) continue;
          scan.skipWords(3);
          scan.skipBlanks();
          if (!scan.takeBytes(TOTAL)) continue;
          const microseconds = scan.number();
          if (microseconds === microseconds) sink.push(series, microseconds / 1_000_000);
        } while (scan.nextLine());
      }
    },
    close() {
      for (const { file } of resources) file.close();
    },
  };
}
