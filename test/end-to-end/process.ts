/**
 * The real program as a process of its own, on a free port and in a directory of its own. Whoever starts
 * one stops it: by `stop` (as an operator would) or `kill` (as a power cut would, for the process).
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from '../real/until.ts';

const ENTRY = fileURLToPath(new URL('../../dist/cli/nephoscope.js', import.meta.url));
const START_LIMIT_MS = 30_000;
const LINES_MAX = 20_000;

export interface LogLine {
  readonly level?: string;
  readonly msg?: string;
  readonly component?: string;
  readonly [field: string]: unknown;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly afterMs: number;
}

export interface Outcome extends Exit {
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningNephoscope {
  readonly url: string;
  readonly port: number;
  readonly data: string;
  readonly processId: number;
  /** What it wrote to stderr, parsed; a line that is not JSON stands under `msg` alone. */
  readonly log: readonly LogLine[];
  /** SIGTERM, and what came of it. */
  stop(): Promise<Exit>;
  /** SIGKILL. */
  kill(): Promise<Exit>;
}

/** Everything that was started and has not ended; the last resort when a test fails half-way. */
const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

export function temporaryDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'nephoscope-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A port that nobody has at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** How the program is run when it is not simply run. */
export interface Surroundings {
  /** A command that becomes the program (by exec, so that its process is the program's). */
  readonly through?: readonly string[];
  readonly nodeArgs?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

function launch(args: readonly string[], surroundings: Surroundings = {}): ChildProcess {
  const { through = [], nodeArgs = [], environment } = surroundings;
  const [command, ...words] = [...through, process.execPath, ...nodeArgs, ENTRY, ...args];
  const child = spawn(command!, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'production', ...environment },
  });
  alive.add(child);
  child.once('exit', () => alive.delete(child));
  return child;
}

function exitOf(child: ChildProcess): Promise<Exit> {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve({ code, signal, afterMs: performance.now() - startedMs }),
    );
  });
}

/** Runs the program to its end, for what must fail or answer at once; killed when it does not end. */
export async function runToEnd(
  args: readonly string[],
  limitMs = 20_000,
  surroundings: Surroundings = {},
): Promise<Outcome> {
  const child = launch(args, surroundings);
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const exit = await exitOf(child);
  clearTimeout(timer);
  return { ...exit, stdout, stderr };
}

export interface StartOptions extends Surroundings {
  readonly data: string;
  readonly args?: readonly string[];
  readonly port?: number;
}

/** Starts it and resolves once it is ready; fails with its last words when it ends before. */
export async function startNephoscope(options: StartOptions): Promise<RunningNephoscope> {
  const launched = await launchNephoscope(options);
  await launched.ready();
  return launched;
}

export interface LaunchedNephoscope extends RunningNephoscope {
  /** Resolves once it is ready; rejects with its last words when it ends before. */
  ready(): Promise<void>;
}

/** Starts it without waiting, for who wants to see it starting, or to end it before it is ready. */
export async function launchNephoscope(options: StartOptions): Promise<LaunchedNephoscope> {
  const port = options.port ?? (await freePort());
  const child = launch(
    ['serve', '--listen', `127.0.0.1:${port}`, '--data', options.data, ...(options.args ?? [])],
    options,
  );
  const log: LogLine[] = [];
  createInterface({ input: child.stderr! }).on('line', (line) => {
    if (log.length < LINES_MAX) log.push(parseLine(line));
  });
  child.stdout!.resume();
  const exited = exitOf(child);
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const url = `http://127.0.0.1:${port}`;
  const end = (signal: NodeJS.Signals): Promise<Exit> => {
    const startedMs = performance.now();
    child.kill(signal);
    return exited.then((exit) => ({ ...exit, afterMs: performance.now() - startedMs }));
  };
  return {
    url,
    port,
    data: options.data,
    processId: child.pid!,
    log,
    async ready() {
      await until('nephoscope to be ready', START_LIMIT_MS, async () => {
        if (hasEnded()) return true;
        return (await fetch(`${url}/-/ready`)).ok;
      });
      if (!hasEnded()) return;
      const words = log.slice(-20).map((line) => JSON.stringify(line));
      throw new Error(`nephoscope ended with ${child.exitCode} at start:\n${words.join('\n')}`);
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { msg: line };
  }
}
