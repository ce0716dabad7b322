// Everything on change: the compiler watches, the server restarts when a compilation was clean, and Vite
// serves the dashboard with what lies behind it proxied to the server. Arguments go to the server.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT } from './sources.mjs';
import { say } from './steps.mjs';

/** The server promises to be gone 10 s after SIGTERM. */
const STOP_LIMIT_MS = 12_000;

const children = new Set();
let stopping = false;

function start(name, args) {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  child.exited = new Promise((resolve) => child.on('close', resolve));
  children.add(child);
  child.on('close', (code, signal) => {
    children.delete(child);
    if (!stopping && !child.isReplaced) say(`${name} ended: ${signal ?? `exit code ${code}`}`);
  });
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => say(`${name}: ${line}`));
  return { child, lines };
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.isReplaced = true;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await child.exited;
  clearTimeout(timer);
}

let server;
let restarting = Promise.resolve();

function restartServer() {
  restarting = restarting.then(async () => {
    if (server) await stop(server);
    if (stopping) return;
    const entry = join(ROOT, 'dist/cli/nephoscope.js');
    server = start('server', [entry, 'serve', ...process.argv.slice(2)]).child;
  });
}

async function end() {
  if (stopping) return;
  stopping = true;
  await Promise.all([...children].map(stop));
  process.exit(0);
}

process.on('SIGINT', end);
process.on('SIGTERM', end);

const compiler = start('compiler', [
  join(ROOT, 'node_modules/typescript/bin/tsc'),
  '--build',
  '--watch',
  '--preserveWatchOutput',
  join(ROOT, 'cli'),
]);
compiler.lines.on('line', (line) => {
  if (/Found 0 errors/.test(line)) restartServer();
});
start('dashboard', [join(ROOT, 'node_modules/vite/bin/vite.js'), join(ROOT, 'dashboard')]);
