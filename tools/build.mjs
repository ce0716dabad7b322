// Builds dist: compiles every folder, then bundles the dashboard.
//   node tools/build.mjs                what the program needs
//   node tools/build.mjs --everything   also checks the types of tests and benchmarks
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { forbiddenImports } from './arrows.mjs';
import {
  COMPILED_FOLDERS,
  ROOT,
  filesBelow,
  hashOf,
  readStamp,
  sourcesHash,
  writeStamp,
} from './sources.mjs';
import { StepFailure, fail, say, step } from './steps.mjs';

const ERROR_LINES_MAX = 40;

export async function build({ everything = false } = {}) {
  const hash = sourcesHash();
  removeStaleOutput();
  refuseForbiddenImports();
  await compileKernel();
  await compile(everything ? [] : ['cli', 'dashboard']);
  if (readStamp('dist/.built') === hash) return;
  await step('bundling the dashboard', process.execPath, [
    join(ROOT, 'node_modules/vite/bin/vite.js'),
    'build',
    join(ROOT, 'dashboard'),
  ]);
  writeStamp('dist/.built', hash);
}

function refuseForbiddenImports() {
  const forbidden = forbiddenImports();
  if (forbidden.length === 0) return;
  throw new StepFailure('checking imports', `${forbidden.length} forbidden`, forbidden.join('\n'));
}

/** A source that is gone leaves its output behind, which would still be imported without an error. */
function removeStaleOutput() {
  for (const folder of COMPILED_FOLDERS) {
    const stale = filesBelow(`dist/${folder}`).find(
      (path) =>
        path.endsWith('.js') && !existsSync(join(ROOT, path.slice(5).replace(/\.js$/, '.ts'))),
    );
    if (stale) rmSync(join(ROOT, 'dist', folder), { recursive: true });
  }
}

/** The store's kernel: AssemblyScript to WebAssembly. */
async function compileKernel() {
  const kernel = hashOf([
    ...filesBelow('store/embedded/kernel'),
    'asconfig.json',
    'package-lock.json',
  ]);
  if (readStamp('dist/.kernel') === kernel && existsSync(join(ROOT, 'dist/store/kernel.wasm')))
    return;
  await step(
    'compiling the kernel',
    process.execPath,
    [
      join(ROOT, 'node_modules/assemblyscript/bin/asc.js'),
      '--config',
      join(ROOT, 'asconfig.json'),
      '--target',
      'release',
    ],
    { cwd: ROOT },
  );
  writeStamp('dist/.kernel', kernel);
}

async function compile(folders) {
  // The compiler does not see changes to global declarations (7.0.2): then everything is compiled anew.
  const declarations = hashOf(
    COMPILED_FOLDERS.flatMap(filesBelow).filter((path) => path.endsWith('.d.ts')),
  );
  const isForced = readStamp('dist/.declarations') !== declarations;
  try {
    await step(
      'compiling',
      process.execPath,
      [
        join(ROOT, 'node_modules/typescript/bin/tsc'),
        '--build',
        ...(isForced ? ['--force'] : []),
        ...folders.map((folder) => join(ROOT, folder)),
      ],
      { cwd: ROOT },
    );
  } catch (thrown) {
    if (thrown instanceof StepFailure) thrown.output = firstErrors(thrown.output);
    throw thrown;
  }
  writeStamp('dist/.declarations', declarations);
}

/** One real error drags lines about missing output of other folders after it. */
function firstErrors(output) {
  const lines = output.split('\n');
  const causes = lines.filter((line) => !/error TS6305/.test(line));
  const shown = causes.some((line) => /error TS/.test(line)) ? causes : lines;
  if (shown.length <= ERROR_LINES_MAX) return shown.join('\n');
  return `${shown.slice(0, ERROR_LINES_MAX).join('\n')}\n… and ${shown.length - ERROR_LINES_MAX} lines more`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const unknown = process.argv.slice(2).filter((argument) => argument !== '--everything');
  if (unknown.length > 0) {
    say(`unknown argument ${unknown[0]}: only --everything is known`);
    process.exit(2);
  }
  await build({ everything: process.argv.includes('--everything') }).catch(fail);
}
