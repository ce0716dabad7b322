/**
 * A real node_exporter on a loopback port, for tests and benchmarks.
 *
 *     const started = await startNodeExporter(['--collector.cpu.info']);
 *     if (started.kind === 'unavailable') return context.skip(started.reason);
 *     … started.exporter.url, started.exporter.version …
 *     await started.exporter.close();
 *
 * Takes `prometheus-node-exporter` or `node_exporter` from PATH, so that any version can be put there; else
 * the distribution's package, unpacked into a temporary directory. Nothing is installed: the package would
 * start a daemon of its own. Everything started here is ended by `close`, and at last when the process exits.
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { until } from './until.ts';

export type Start =
  | { readonly kind: 'ready'; readonly exporter: NodeExporter }
  | { readonly kind: 'unavailable'; readonly reason: string };

export interface NodeExporter {
  readonly url: string;
  readonly processId: number;
  /** 1005 for 1.5: comparable, as 1.10 is not. */
  readonly version: number;
  /** What it shows now, as text. */
  scrape(): Promise<string>;
  close(): Promise<void>;
}

const PACKAGE = 'prometheus-node-exporter';
const PROGRAMS = [PACKAGE, 'node_exporter'];
const DOWNLOAD_MS_MAX = 60_000;
const START_MS_MAX = 20_000;

const run = promisify(execFile);
const alive = new Set<ChildProcess>();
const directories = new Set<string>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
  for (const directory of directories) fs.rmSync(directory, { recursive: true, force: true });
});

export async function startNodeExporter(flags: readonly string[]): Promise<Start> {
  let program: string;
  try {
    program = inPath() ?? (await unpacked());
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message.trim().split('\n').at(-1) : '';
    return { kind: 'unavailable', reason: `there is no ${PACKAGE} and it cannot be had: ${why}` };
  }
  const version = await versionOf(program);
  const port = await freePort();
  const child = spawn(program, [`--web.listen-address=127.0.0.1:${port}`, ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  alive.add(child);
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-4000)));
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      alive.delete(child);
      resolve();
    });
  });
  const url = `http://127.0.0.1:${port}/metrics`;
  const scrape = async (): Promise<string> => (await fetch(url)).text();
  await until('node_exporter to answer', START_MS_MAX, () => {
    if (!alive.has(child)) throw new Error(`node_exporter ended at start:\n${words}`);
    return scrape();
  });
  const close = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  return { kind: 'ready', exporter: { url, processId: child.pid!, version, scrape, close } };
}

function inPath(): string | undefined {
  for (const directory of (process.env['PATH'] ?? '').split(path.delimiter)) {
    for (const name of PROGRAMS) {
      const program = path.join(directory, name);
      if (directory !== '' && fs.existsSync(program)) return program;
    }
  }
  return undefined;
}

/** The package's program, in a directory that goes when this process ends. */
async function unpacked(): Promise<string> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'nephoscope-node-exporter-'));
  directories.add(directory);
  const options = { cwd: directory, timeout: DOWNLOAD_MS_MAX };
  await run('apt-get', ['download', '--quiet', PACKAGE], options);
  const file = fs.readdirSync(directory).find((name) => name.endsWith('.deb'));
  if (file === undefined) throw new Error('apt-get brought no package');
  await run('dpkg-deb', ['--extract', file, 'root'], options);
  return path.join(directory, 'root/usr/bin', PACKAGE);
}

async function versionOf(program: string): Promise<number> {
  const { stdout, stderr } = await run(program, ['--version'], { timeout: START_MS_MAX });
  const text = /version (\d{1,4}\.\d{1,4})/.exec(stdout + stderr)?.[1];
  if (text === undefined) throw new Error(`${program} does not tell its version: ${stdout}`);
  const [major, minor] = text.split('.').map(Number);
  return major! * 1000 + minor!;
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
