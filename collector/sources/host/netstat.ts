import { metric } from '../../../model/labels.ts';
import type { Labels } from '../../../model/labels.ts';
import { KeyedNumbers } from '../../parsing/keyed-numbers.ts';
import { RowCache } from '../../parsing/row-cache.ts';
import type { Source } from '../../source.ts';
import type { Host, HostFile } from './host.ts';

const COLON = 58;

/** Of several hundred counters, those that node_exporter shows. */
const SHOWN = new RegExp(
  '^(?:.*_(?:InErrors|InErrs)|Ip_Forwarding|Ip(?:6|Ext)_(?:InOctets|OutOctets)' +
    '|Icmp6?_(?:InMsgs|OutMsgs)' +
    '|TcpExt_(?:Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)' +
    '|Tcp_(?:ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)' +
    '|Udp6?_(?:InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$',
);

function seriesOf(key: string): Labels | undefined {
  return SHOWN.test(key) ? metric(`node_netstat_${key}`) : undefined;
}

/** One protocol of a file: which of its columns are shown, under the header that says so. */
interface Protocol {
  readonly name: string;
  header: Uint8Array;
  columns: readonly (Labels | undefined)[];
}

/** /proc/net/netstat and snmp: a line of names for each protocol, and under it one of values. */
export function createNetstatSource(host: Host): Source {
  const tables = ['/proc/net/netstat', '/proc/net/snmp'].map((path) => ({
    file: host.reader.file(path),
    protocols: new RowCache<Protocol>((name) => ({
      name,
      header: new Uint8Array(0),
      columns: [],
    })),
  }));
  // /proc/net/snmp6 has one key with its value in each line: Ip6InReceives 12.
  const snmp6 = host.reader.file('/proc/net/snmp6');
  const snmp6Numbers = new KeyedNumbers((key) => {
    const six = key.indexOf('6');
    return seriesOf(six === -1 ? key : `${key.slice(0, six + 1)}_${key.slice(six + 1)}`);
  });
  const { scan } = host.reader;

  /** Understands the header anew only when its bytes differ from the last ones. */
  function readHeader(protocol: Protocol): void {
    const end = scan.lineEnd();
    if (sameBytes(scan.bytes, scan.at, end, protocol.header)) return;
    protocol.header = scan.bytes.slice(scan.at, end);
    const columns: (Labels | undefined)[] = [];
    while (scan.word()) columns.push(seriesOf(`${protocol.name}_${scan.wordText()}`));
    protocol.columns = columns;
  }

  return {
    name: 'netstat',
    intervalMs: host.fastMs,
    sample(sink) {
      for (const { file, protocols } of tables) {
        if (!file.read()) continue;
        protocols.begin();
        do {
          if (!scan.word(COLON) || !scan.take(COLON)) continue;
          const protocol = protocols.row(scan);
          readHeader(protocol);
          if (!scan.nextLine() || !scan.word(COLON) || !scan.take(COLON)) continue;
          for (const series of protocol.columns) {
            const value = scan.number();
            if (value !== value) break;
            if (series !== undefined) sink.push(series, value);
          }
        } while (scan.nextLine());
        protocols.finish();
      }
      if (snmp6.read()) snmp6Numbers.push(scan, sink);
    },
    close() {
      closeAll([...tables.map(({ file }) => file), snmp6]);
    },
  };
}

function sameBytes(bytes: Uint8Array, from: number, to: number, other: Uint8Array): boolean {
  if (to - from !== other.length) return false;
  for (let i = 0; i < other.length; i++) if (bytes[from + i] !== other[i]) return false;
  return true;
}

function closeAll(files: readonly HostFile[]): void {
  for (const file of files) file.close();
}
