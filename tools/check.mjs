// Everything that must hold before a commit: format, lint, types, build, tests.
//   node tools/check.mjs         reports
//   node tools/check.mjs --fix   formats, and mends what the linter can mend
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build } from './build.mjs';
import { ROOT } from './sources.mjs';
import { fail, say, seconds, step } from './steps.mjs';

const bin = (name) => join(ROOT, 'node_modules/.bin', name);

async function check() {
  const startedMs = performance.now();
  await step('format', bin('oxfmt'), ['--check'], { cwd: ROOT });
  await step('lint', bin('oxlint'), ['--deny-warnings'], { cwd: ROOT });
  await build({ everything: true });
  const code = await new Promise((resolve, reject) => {
    const tests = spawn(bin('vitest'), ['run'], { cwd: ROOT, stdio: 'inherit' });
    tests.on('error', reject);
    tests.on('close', (exitCode) => resolve(exitCode ?? 1));
  });
  say(`checked in ${seconds(startedMs)}`);
  process.exitCode = code;
}

async function fix() {
  await step('lint', bin('oxlint'), ['--fix'], { cwd: ROOT });
  await step('format', bin('oxfmt'), ['--write'], { cwd: ROOT });
}

const [flag, ...rest] = process.argv.slice(2);
if ((flag !== undefined && flag !== '--fix') || rest.length > 0) {
  say(`unknown argument ${flag}: only --fix is known`);
  process.exit(2);
}
await (flag === '--fix' ? fix() : check()).catch(fail);
