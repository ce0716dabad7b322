import { metric } from '../../../model/labels.ts';
import type { Labels } from '../../../model/labels.ts';
import { RowCache } from '../../parsing/row-cache.ts';
import type { Source } from '../../source.ts';
import type { Host } from './host.ts';

const COLON = 58;

/**
 * The columns of /proc/net/dev, which have been the same since Linux 2.2. The kernel has summed up some
 * counters into them: `drop` counts missed packets too, `frame` all kinds of malformed ones.
 */
const COLUMNS = [
  'receive_bytes_total',
  'receive_packets_total',
  'receive_errs_total',
  'receive_drop_total',
  'receive_fifo_total',
  'receive_frame_total',
  'receive_compressed_total',
  'receive_multicast_total',
  'transmit_bytes_total',
  'transmit_packets_total',
  'transmit_errs_total',
  'transmit_drop_total',
  'transmit_fifo_total',
  'transmit_colls_total',
  'transmit_carrier_total',
  'transmit_compressed_total',
] as const;

export function createNetdevSource(host: Host): Source {
  const file = host.reader.file('/proc/net/dev');
  const rows = new RowCache<readonly Labels[]>((device) =>
    COLUMNS.map((name) => metric(`node_network_${name}`, { device })),
  );
  const { scan } = host.reader;
  return {
    name: 'netdev',
    intervalMs: host.fastMs,
    sample(sink) {
      if (!file.read()) return;
      rows.begin();
      do {
        // An alias such as eth0:1 has a colon of its own: the last colon before the numbers ends the name.
        if (!takeDevice()) continue;
        const series = rows.row(scan);
        for (let i = 0; i < series.length; i++) {
          const value = scan.number();
          if (value !== value) break;
          sink.push(series[i]!, value);
        }
      } while (scan.nextLine());
      rows.finish();
    },
    close: () => file.close(),
  };

  /** The two header lines have no colon. */
  function takeDevice(): boolean {
    scan.skipBlanks();
    const start = scan.at;
    const end = scan.lineEnd();
    if (end === start) return false;
    const colon = scan.bytes.lastIndexOf(COLON, end - 1);
    if (colon <= start) return false;
    scan.wordStart = start;
    scan.wordEnd = colon;
    scan.at = colon + 1;
    return true;
  }
}
