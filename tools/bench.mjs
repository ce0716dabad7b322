// Runs one benchmark: npm run bench -- <name> [arguments]. Without a name, lists them.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, filesBelow } from './sources.mjs';
import { say } from './steps.mjs';

const names = filesBelow('bench')
  .filter((path) => /^bench\/[a-z0-9-]+\.ts$/.test(path))
  .map((path) => path.slice('bench/'.length, -'.ts'.length));
const [name, ...rest] = process.argv.slice(2);

if (name === undefined || !names.includes(name)) {
  if (name !== undefined) say(`there is no benchmark ${name}`);
  say(
    `npm run bench -- <name>, where name is one of:\n${names.map((known) => `  ${known}`).join('\n')}`,
  );
  process.exit(name === undefined ? 0 : 2);
}
const hook = new URL('./typescript-register.mjs', import.meta.url).href;
const child = spawn(
  process.execPath,
  ['--expose-gc', '--import', hook, join(ROOT, 'bench', `${name}.ts`), ...rest],
  { stdio: 'inherit' },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('close', (code) => {
  process.exitCode = code ?? 1;
});
