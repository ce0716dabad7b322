// How much work it is to take remote write bodies in, in process, on a real disk: bodies from a folder with
// rw.bin (bodies one behind the other) and rw.idx.json (pairs of offset and length).
//
//   node --import ./tools/typescript-register.mjs bench/store-ingest.ts <folder> [bodies at once]
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBodyDecoder } from '../ingest/formats.ts';
import { createIngest } from '../ingest/gate.ts';
import { DEFAULT_INGEST_LIMITS } from '../ingest/ingest.ts';
import { nodePlatform } from '../platform/node.ts';
import { openStore } from '../store/open.ts';

const folder = process.argv[2] ?? '.';
const atOnce = Number(process.argv[3] ?? 8);
const bodies = readFileSync(join(folder, 'rw.bin'));
const places = JSON.parse(readFileSync(join(folder, 'rw.idx.json'), 'utf8')) as [number, number][];
const directory = mkdtempSync(join(process.env['BENCH_DIRECTORY'] ?? tmpdir(), 'store-ingest-'));
const platform = nodePlatform({ logLevel: 'info' });
const options = {
  directory,
  kernel: await platform.storeKernel(),
  retentionMs: 100 * 365 * 86_400_000,
  seriesMax: 1_000_000,
};
const store = await openStore(options, platform);
const limits = DEFAULT_INGEST_LIMITS;
const ingest = createIngest({ limits }, store, platform);
const decoder = createBodyDecoder(limits);
const REMOTE_WRITE = { contentType: undefined, contentEncoding: 'snappy' } as const;

function bytesIn(kind: string): number {
  const names = readdirSync(directory).filter((name) => name.startsWith(kind));
  return names.reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
}

const cpuBefore = process.cpuUsage();
const startedAt = performance.now();
let next = 0;
let accepted = 0;
async function send(): Promise<void> {
  while (next < places.length) {
    const [offset, length] = places[next++]!;
    const bytes = bodies.subarray(offset, offset + length);
    const pushed = {
      bytes,
      readPart: decoder.partReader(bytes, REMOTE_WRITE),
      readAll: () => decoder.decode(bytes, REMOTE_WRITE),
    };
    const outcome = await ingest.acceptBody(pushed, { kind: 'remote-write', source: 'bench' });
    accepted += outcome.accepted;
    if (outcome.refused.length > 0) throw new Error(JSON.stringify(outcome.refused));
  }
}
await Promise.all(Array.from({ length: atOnce }, send));
const cpu = process.cpuUsage(cpuBefore);
const million = accepted / 1e6;
const result = {
  samples: accepted,
  cpuSecondsPerMillion: (cpu.user + cpu.system) / 1e6 / million,
  samplesPerSecond: Math.round(accepted / ((performance.now() - startedAt) / 1000)),
  journalBytesPerSample: bytesIn('journal') / accepted,
  blockBytesPerSample: bytesIn('block') / accepted,
  liveSeries: store.stats().liveSeries,
  peakRssMegabytes: Math.round(process.resourceUsage().maxRSS / 1024),
};
process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
await store.close();
const reopenedAt = process.cpuUsage();
const again = await openStore(options, platform);
const replay = process.cpuUsage(reopenedAt);
process.stdout.write(`restart: ${(replay.user + replay.system) / 1e6} CPU s\n`);
await again.close();
rmSync(directory, { recursive: true });
