// Runs the crash programme at length: npm run soak -- --kills 1000 --power-cuts 300 --seed 7
// What it can do: npm run soak -- --help
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './sources.mjs';

const hook = new URL('./typescript-register.mjs', import.meta.url).href;
const child = spawn(
  process.execPath,
  ['--import', hook, join(ROOT, 'test/crash/soak.ts'), ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('close', (code) => {
  process.exitCode = code ?? 1;
});
