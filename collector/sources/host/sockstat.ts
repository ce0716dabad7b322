import { metric } from '../../../model/labels.ts';
import type { Labels } from '../../../model/labels.ts';
import { RowCache } from '../../parsing/row-cache.ts';
import type { Source } from '../../source.ts';
import type { Host } from './host.ts';

const COLON = 58;
const PAGE_BYTES_USUAL = 4096;
/** The entry of the auxiliary vector (getauxval(3)) that holds the page size. */
const AT_PAGESZ = 6;

interface Pair {
  readonly plain: Labels;
  /** Memory is told in pages; shown in bytes, too. */
  readonly bytes: Labels | undefined;
}

/** Lines such as `TCP: inuse 5 orphan 0 tw 0 alloc 9 mem 1`. */
export function createSockstatSource(host: Host): Source {
  const tables = ['/proc/net/sockstat', '/proc/net/sockstat6'].map((path) => ({
    file: host.reader.file(path),
    protocols: new RowCache<RowCache<Pair>>((protocol) => {
      return new RowCache<Pair>((key) => ({
        plain: metric(`node_sockstat_${protocol}_${key}`),
        bytes: key === 'mem' ? metric(`node_sockstat_${protocol}_mem_bytes`) : undefined,
      }));
    }),
  }));
  const { scan } = host.reader;
  let pageBytes = 0;
  return {
    name: 'sockstat',
    intervalMs: host.fastMs,
    sample(sink) {
      if (pageBytes === 0) pageBytes = readPageBytes(host);
      for (const { file, protocols } of tables) {
        if (!file.read()) continue;
        protocols.begin();
        do {
          if (!scan.word(COLON) || !scan.take(COLON)) continue;
          const pairs = protocols.row(scan);
          pairs.begin();
          while (scan.word()) {
            const { plain, bytes } = pairs.row(scan);
            const value = scan.number();
            if (value !== value) break;
            sink.push(plain, value);
            if (bytes !== undefined) sink.push(bytes, value * pageBytes);
          }
          pairs.finish();
        } while (scan.nextLine());
        protocols.finish();
      }
    },
    close() {
      for (const { file } of tables) file.close();
    },
  };
}

/** The kernel tells each process its page size: pairs of words, here those of 64-bit machines. */
function readPageBytes(host: Host): number {
  const file = host.reader.file('/proc/self/auxv');
  const readable = file.read();
  file.close();
  if (!readable) return PAGE_BYTES_USUAL;
  const { bytes, end } = host.reader.scan;
  const view = new DataView(bytes.buffer, bytes.byteOffset, end);
  for (let at = 0; at + 16 <= end; at += 16) {
    if (Number(view.getBigUint64(at, true)) === AT_PAGESZ) {
      const size = Number(view.getBigUint64(at + 8, true));
      if (size >= 1024 && size <= 1 << 24) return size;
    }
  }
  return PAGE_BYTES_USUAL;
}
