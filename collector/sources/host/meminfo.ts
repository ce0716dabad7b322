import { metric } from '../../../model/labels.ts';
import type { Labels } from '../../../model/labels.ts';
import { RowCache } from '../../parsing/row-cache.ts';
import type { Source } from '../../source.ts';
import type { Host } from './host.ts';

const COLON = 58;
const LETTER_K = 107;

interface Row {
  readonly bytes: Labels;
  readonly plain: Labels;
}

/** Every key of /proc/meminfo: those in kB as bytes, the huge page counts as they are. */
export function createMeminfoSource(host: Host): Source {
  const file = host.reader.file('/proc/meminfo');
  const rows = new RowCache<Row>((key) => {
    // Active(anon) becomes Active_anon.
    const name = key.replace('(', '_').replace(')', '');
    return {
      bytes: metric(`node_memory_${name}_bytes`),
      plain: metric(`node_memory_${name}`),
    };
  });
  const { scan } = host.reader;
  return {
    name: 'meminfo',
    intervalMs: host.fastMs,
    sample(sink) {
      file.mustRead();
      rows.begin();
      do {
        if (!scan.word(COLON) || !scan.take(COLON)) continue;
        const row = rows.row(scan);
        const value = scan.number();
        if (value !== value) continue;
        scan.skipBlanks();
        if (scan.take(LETTER_K)) sink.push(row.bytes, value * 1024);
        else sink.push(row.plain, value);
      } while (scan.nextLine());
      rows.finish();
    },
    close: () => file.close(),
  };
}
