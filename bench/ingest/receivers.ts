/** Who takes remote write: we, and who else is on this machine. */
import { execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../../test/real/until.ts';

export interface Receiver {
  readonly name: string;
  /** Not every build tells it. */
  readonly version: string | undefined;
  readonly command: string;
  readonly args: (place: { readonly port: number; readonly data: string }) => readonly string[];
  readonly readyPath: string;
}

export interface RunningReceiver {
  readonly url: string;
  readonly processId: number;
  /** SIGTERM, and the end awaited. */
  stop(): Promise<void>;
}

const ENTRY = fileURLToPath(new URL('../../dist/cli/nephoscope.js', import.meta.url));
const READY_MS_MAX = 30_000;
const STOP_MS_MAX = 30_000;
const LAST_WORDS_CHARACTERS = 4000;

/** Ours first; the others only where they are installed: in `NEPHOSCOPE_PEERS`, else in `PATH`. */
export function findReceivers(): readonly Receiver[] {
  const ours: Receiver = {
    name: 'nephoscope',
    version: versionOf(process.execPath, [ENTRY, 'version']),
    command: process.execPath,
    args: ({ port, data }) => [
      ENTRY,
      'serve',
      '--roles=ingest,query',
      `--listen=127.0.0.1:${port}`,
      `--data=${data}`,
    ],
    readyPath: '/-/ready',
  };
  const victoriaMetrics = findPeer('victoria-metrics', '/health', ({ port, data }) => [
    `-httpListenAddr=127.0.0.1:${port}`,
    `-storageDataPath=${data}`,
    '-retentionPeriod=100y',
    '-search.latencyOffset=0s',
  ]);
  const prometheus = findPeer('prometheus', '/-/ready', ({ port, data }) => {
    const config = path.join(data, 'prometheus.yml');
    fs.writeFileSync(config, 'global: {}\n');
    return [
      `--config.file=${config}`,
      `--storage.tsdb.path=${path.join(data, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
    ];
  });
  return [ours, victoriaMetrics, prometheus].filter((one) => one !== undefined);
}

function findPeer(name: string, readyPath: string, args: Receiver['args']): Receiver | undefined {
  const folders = process.env['NEPHOSCOPE_PEERS'] ?? process.env['PATH'] ?? '';
  const command = folders
    .split(path.delimiter)
    .map((folder) => path.join(folder, name))
    .find((file) => fs.existsSync(file));
  if (command === undefined) return undefined;
  return { name, version: versionOf(command, ['--version']), command, args, readyPath };
}

function versionOf(command: string, args: readonly string[]): string | undefined {
  const text = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return /\d+\.\d+\.\d+/.exec(text)?.[0];
}

export async function start(receiver: Receiver, data: string): Promise<RunningReceiver> {
  const port = await freePort();
  const child = spawn(receiver.command, receiver.args({ port, data }), {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'production' },
  });
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-LAST_WORDS_CHARACTERS);
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
    await ended;
    clearTimeout(timer);
  };
  try {
    await until(`${receiver.name} to be ready`, READY_MS_MAX, async () => {
      return hasEnded() || (await fetch(url + receiver.readyPath)).ok;
    });
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  if (hasEnded()) throw new Error(`${receiver.name} ended at start:\n${words}`);
  return { url, processId: child.pid!, stop };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
