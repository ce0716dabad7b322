import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';

// A clone with the real tools and with npm, compiler and bundler replaced by scripts that note their calls.

const TOOLS = fileURLToPath(new URL('../../tools', import.meta.url));
const VITE = fileURLToPath(import.meta.resolve('vite'));
const clones: string[] = [];

afterEach(() => {
  for (const clone of clones.splice(0)) rmSync(clone, { recursive: true });
});

const noting = (name: string): string =>
  `require('node:fs').appendFileSync(process.env.CALLS, ${JSON.stringify(name)} + ' ' + process.argv.slice(2).join(' ') + '\\n');`;

function makeClone(npmBody = ''): string {
  const clone = mkdtempSync(join(tmpdir(), 'nephoscope-clone-'));
  clones.push(clone);
  cpSync(TOOLS, join(clone, 'tools'), { recursive: true });
  mkdirSync(join(clone, 'model'));
  mkdirSync(join(clone, 'fake'));
  writeFileSync(join(clone, 'model/labels.ts'), 'export const a = 1;\n');
  writeFileSync(join(clone, 'package.json'), '{ "name": "clone", "type": "module" }');
  writeFileSync(join(clone, 'package-lock.json'), '{}');
  writeFileSync(join(clone, 'tsconfig.json'), '{}');
  writeFileSync(join(clone, 'asconfig.json'), '{}');
  const fake = {
    asc: `${noting('asc')}
      require('node:fs').mkdirSync('dist/store', { recursive: true });
      require('node:fs').writeFileSync('dist/store/kernel.wasm', '');`,
    tsc: noting('tsc'),
    vite: noting('vite'),
  };
  // The real one's parser, from where it is: everything else of it is fake.
  const parser = `exports.parseSync = require(${JSON.stringify(VITE)}).parseSync;`;
  writeFileSync(
    join(clone, 'fake/npm-cli.js'),
    `const fs = require('node:fs');
    ${noting('npm')}
    ${npmBody}
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    for (const [path, text] of [['assemblyscript/bin/asc.js', ${JSON.stringify(fake.asc)}], ['typescript/bin/tsc', ${JSON.stringify(fake.tsc)}], ['vite/bin/vite.js', ${JSON.stringify(fake.vite)}], ['vite/index.js', ${JSON.stringify(parser)}]]) {
      fs.mkdirSync('node_modules/' + path.slice(0, path.lastIndexOf('/')), { recursive: true });
      fs.writeFileSync('node_modules/' + path, text);
    }`,
  );
  writeFileSync(join(clone, 'fake/package.json'), '{ "type": "commonjs" }');
  // As in real packages, which say what kind of module they are.
  mkdirSync(join(clone, 'node_modules'));
  writeFileSync(join(clone, 'node_modules/package.json'), '{ "type": "commonjs" }');
  return clone;
}

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(clone: string, script: string, args: readonly string[] = []): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(clone, 'tools', script), ...args], {
      cwd: clone,
      env: {
        ...process.env,
        NODE_ENV: 'production',
        NODE_OPTIONS: '',
        npm_execpath: join(clone, 'fake/npm-cli.js'),
        CALLS: join(clone, 'calls'),
      },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** The programs called since the last look, in order. */
function calls(clone: string): string[] {
  const path = join(clone, 'calls');
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  rmSync(path);
  return lines;
}

const programs = (lines: readonly string[]): string[] => lines.map((line) => line.split(' ')[0]!);

describe('preparing a clone', () => {
  test('installs with development packages, compiles and bundles; the next time there is nothing to do', async () => {
    const clone = makeClone();
    const first = await run(clone, 'prepare.mjs');
    expect(first).toMatchObject({ code: 0, stdout: '' });
    const made = calls(clone);
    expect(programs(made)).toEqual(['npm', 'asc', 'tsc', 'vite']);
    expect(made[0]).toContain('ci --include=dev --ignore-scripts');
    expect(await run(clone, 'prepare.mjs')).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(calls(clone)).toEqual([]);
  });

  test('two at once in a fresh clone install and build once', async () => {
    const clone = makeClone();
    const both = await Promise.all([run(clone, 'prepare.mjs'), run(clone, 'prepare.mjs')]);
    expect(both.map((outcome) => outcome.code)).toEqual([0, 0]);
    expect(programs(calls(clone))).toEqual(['npm', 'asc', 'tsc', 'vite']);
  });

  test('a changed source is built, a changed lockfile installed', async () => {
    const clone = makeClone();
    await run(clone, 'prepare.mjs');
    calls(clone);
    writeFileSync(join(clone, 'model/labels.ts'), 'export const a = 2;\n');
    await run(clone, 'prepare.mjs');
    expect(programs(calls(clone))).toEqual(['tsc', 'vite']);
    writeFileSync(join(clone, 'package-lock.json'), '{ "lockfileVersion": 3 }');
    await run(clone, 'prepare.mjs');
    expect(programs(calls(clone))).toEqual(['npm', 'asc', 'tsc', 'vite']);
  });

  test('a failure is shown with its words, exits with 1 and is tried again the next time', async () => {
    const clone = makeClone(`
      if (!fs.existsSync('healed')) { console.error('npm error network'); process.exit(7); }`);
    const failed = await run(clone, 'prepare.mjs');
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('npm error network');
    expect(failed.stderr).toContain('installing packages failed (exit code 7)');
    writeFileSync(join(clone, 'healed'), '');
    expect(await run(clone, 'prepare.mjs')).toMatchObject({ code: 0 });
  });

  test('an older Node is told what to do before anything else happens', async () => {
    const clone = makeClone();
    writeFileSync(
      join(clone, 'old.mjs'),
      `Object.defineProperty(process.versions, 'node', { value: '18.20.4' });
      await import('./tools/prepare.mjs');`,
    );
    const outcome = await run(clone, '../old.mjs');
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('needs Node.js 20.19 or newer');
    expect(calls(clone)).toEqual([]);
  });
});

describe('building', () => {
  test('an import along an arrow that is not there fails, and says which', async () => {
    const clone = makeClone();
    const project = (...paths: string[]): string =>
      JSON.stringify({ references: paths.map((path) => ({ path })) });
    const files = {
      'model/tsconfig.json': project(),
      'store/tsconfig.json': project('../model'),
      'ingest/tsconfig.json': project('../model', '../store'),
      'collector/tsconfig.json': project('../model', '../ingest'),
      'store/open.ts': "export * from '../model/labels.ts';",
      'ingest/gate.ts': "export * from '../store/open.ts';",
      'collector/collector.ts': "import type { A } from '../ingest/gate.ts'; export type B = A;",
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(clone, path)), { recursive: true });
      writeFileSync(join(clone, path), text);
    }
    expect(await run(clone, 'prepare.mjs')).toMatchObject({ code: 0 });
    calls(clone);
    writeFileSync(join(clone, 'collector/slot.ts'), "import '../store/open.ts';\n");
    const outcome = await run(clone, 'build.mjs');
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('collector/slot.ts: ../store/open.ts');
    expect(calls(clone)).toEqual([]);
  });

  test('output whose source is gone is removed, the rest stays', async () => {
    const clone = makeClone();
    await run(clone, 'prepare.mjs');
    for (const path of ['model/labels.js', 'model/gone.js', 'store/store.js']) {
      mkdirSync(join(clone, 'dist', path, '..'), { recursive: true });
      writeFileSync(join(clone, 'dist', path), '');
    }
    mkdirSync(join(clone, 'store'));
    writeFileSync(join(clone, 'store/store.ts'), '');
    expect(await run(clone, 'build.mjs')).toMatchObject({ code: 0 });
    expect(existsSync(join(clone, 'dist/model'))).toBe(false);
    expect(existsSync(join(clone, 'dist/store/store.js'))).toBe(true);
  });

  test('of a failed compilation the causes are shown, not what they drag along', async () => {
    const clone = makeClone();
    await run(clone, 'prepare.mjs');
    writeFileSync(
      join(clone, 'node_modules/typescript/bin/tsc'),
      `console.log("a.ts(1,1): error TS2322: wrong\\nb.ts(1,1): error TS6305: not built"); process.exit(2);`,
    );
    const outcome = await run(clone, 'build.mjs');
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('error TS2322');
    expect(outcome.stderr).not.toContain('TS6305');
  });

  test('changed global declarations compile everything anew', async () => {
    const clone = makeClone();
    await run(clone, 'prepare.mjs');
    calls(clone);
    await run(clone, 'build.mjs');
    expect(calls(clone)[0]).not.toContain('--force');
    writeFileSync(join(clone, 'model/globals.d.ts'), 'declare const a: number;\n');
    await run(clone, 'build.mjs');
    expect(calls(clone)[0]).toContain('--force');
  });
});
