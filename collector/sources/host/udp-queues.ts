import { metric } from '../../../model/labels.ts';
import type { Source } from '../../source.ts';
import type { Host } from './host.ts';

const COLON = 58;

/** Slot, local address, remote address, state; then `tx_queue:rx_queue`. */
const COLUMNS_BEFORE = 4;

/** Bytes that wait in all UDP sockets together: a listener that does not keep up shows here first. */
export function createUdpQueuesSource(host: Host): Source {
  const families = (['v4', 'v6'] as const).map((ip) => ({
    file: host.reader.file(ip === 'v4' ? '/proc/net/udp' : '/proc/net/udp6'),
    transmit: metric('node_udp_queues', { queue: 'tx', ip }),
    receive: metric('node_udp_queues', { queue: 'rx', ip }),
  }));
  const { scan } = host.reader;
  return {
    name: 'udp_queues',
    intervalMs: host.slowMs,
    sample(sink) {
      for (const { file, transmit, receive } of families) {
        if (!file.read()) continue;
        let transmitBytes = 0;
        let receiveBytes = 0;
        while (scan.nextLine()) {
          scan.skipWords(COLUMNS_BEFORE);
          const sent = scan.hexadecimal();
          const received = scan.take(COLON) ? scan.hexadecimal() : Number.NaN;
          if (received !== received) continue;
          transmitBytes += sent;
          receiveBytes += received;
        }
        sink.push(transmit, transmitBytes);
        sink.push(receive, receiveBytes);
      }
    },
    close() {
      for (const { file } of families) file.close();
    },
  };
}
