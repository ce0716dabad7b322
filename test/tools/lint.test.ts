import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

// The linter's bans on effects, held against what they are to refuse. An override replaces the whole list
// of a rule, so each ban is tried in each folder that has a list of its own.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EFFECTS_FOLDERS = ['collector', 'server', 'server/http', 'cli', 'cli/commands'];
const ALL_FOLDERS = [...EFFECTS_FOLDERS, 'dashboard', 'dashboard/chart'];

const EFFECTS = [
  'export const a = Date.now();',
  'export const a = new Date();',
  'export const a = globalThis.Date.now();',
  "export const a = globalThis['Date'];",
  'export const a = global.performance;',
  'export const a = performance.now();',
  'export const a = Math.random();',
  "export const a = Math['random']();",
  'export const { random } = Math;',
  'export const a = crypto.randomUUID();',
  'export const a = setTimeout(() => {}, 1);',
  'export const a = globalThis.setInterval(() => {}, 1);',
  'export const a = AbortSignal.timeout(1);',
  'export const a = Atomics.wait(new Int32Array(1), 0, 0, 1);',
  "export const a = fetch('http://127.0.0.1');",
  "export const a = new WebSocket('ws://127.0.0.1');",
  'export const a = process.hrtime.bigint();',
  'export const a = process.uptime();',
  "export const a = process.getBuiltinModule('fs');",
  'export const { hrtime } = process;',
  "export const a = require('./b.cjs');",
  'export const a = new Intl.DateTimeFormat().format();',
] as const;

const IMPORTS = [
  "import { readFileSync } from 'node:fs'; export const a = readFileSync;",
  "import { readFileSync } from 'fs'; export const a = readFileSync;",
  "import { readFile } from 'node:fs/promises'; export const a = readFile;",
  "import { createServer } from 'node:net'; export const a = createServer;",
  "import { createServer } from 'node:http'; export const a = createServer;",
  "import { request } from 'node:https'; export const a = request;",
  "import { performance as b } from 'node:perf_hooks'; export const a = b;",
  "import { hrtime } from 'node:process'; export const a = hrtime;",
  "import { randomUUID } from 'node:crypto'; export const a = randomUUID;",
  "import { setTimeout as b } from 'node:timers/promises'; export const a = b;",
  "import { createRequire } from 'node:module'; export const a = createRequire;",
  "import { uptime } from 'node:os'; export const a = uptime;",
  "export { spawn } from 'node:child_process';",
  "export * from 'node:worker_threads';",
  "import { createTransport } from 'nodemailer'; export const a = createTransport;",
  "import { pino } from 'pino'; export const a = pino;",
  "import { Gauge } from 'prom-client'; export const a = Gauge;",
  "import { Store } from '../../store/embedded/store.ts'; export const a = Store;",
] as const;

/** What has exceptions: the text, and the folders where it is refused. */
const PARTLY: readonly (readonly [text: string, folders: readonly string[]])[] = [
  ["import uPlot from 'uplot'; export const a = uPlot;", [...EFFECTS_FOLDERS, 'dashboard']],
  [
    "import { fastify } from 'fastify'; export const a = fastify;",
    ALL_FOLDERS.filter((folder) => folder !== 'server/http'),
  ],
  [
    "import type { Server } from 'node:http'; export type A = Server;",
    ALL_FOLDERS.filter((folder) => folder !== 'server/http'),
  ],
  ['export const a = process.argv;', ['collector', 'server', 'server/http']],
  [
    "import { nodePlatform } from '../platform/node.ts'; export const a = nodePlatform;",
    ['collector', 'server', 'server/http', 'dashboard', 'dashboard/chart'],
  ],
];

const cases = [
  ...EFFECTS.map((text) => [text, EFFECTS_FOLDERS, EFFECTS_FOLDERS] as const),
  ...IMPORTS.map((text) => [text, ALL_FOLDERS, ALL_FOLDERS] as const),
  ...PARTLY.map(([text, folders]) => [text, folders, ALL_FOLDERS] as const),
].map(([text, refused, tried], i) => ({ text, refused, tried, file: `case-${i}.ts` }));

const directory = mkdtempSync(join(tmpdir(), 'nephoscope-lint-'));
afterAll(() => rmSync(directory, { recursive: true }));

const put = (path: string, text: string): string => {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), `${text}\n`);
  return path;
};

/** The files that one of the bans refuses. */
async function lint(): Promise<ReadonlySet<string>> {
  const command = join(ROOT, 'node_modules/.bin/oxlint');
  const { stdout } = await promisify(execFile)(command, ['--format', 'json'], {
    cwd: directory,
    maxBuffer: 64 * 1024 * 1024,
  }).catch((failed: { stdout: string }) => failed);
  const { diagnostics } = JSON.parse(stdout) as {
    readonly diagnostics: readonly { readonly code: string; readonly filename: string }[];
  };
  return new Set(
    diagnostics
      .filter(({ code }) => /no-restricted-|prefer-node-protocol/.test(code))
      .map(({ filename }) => filename),
  );
}

describe('the linter refuses', () => {
  let refused: ReadonlySet<string>;

  beforeAll(async () => {
    const config = JSON.parse(readFileSync(join(ROOT, '.oxlintrc.json'), 'utf8')) as object;
    // Types are not what this is about, and these files have none.
    put('.oxlintrc.json', JSON.stringify({ ...config, options: { typeAware: false } }));
    for (const { text, tried, file } of cases) for (const at of tried) put(`${at}/${file}`, text);
    for (const [i, text] of [...EFFECTS, ...IMPORTS].entries()) {
      put(`platform/node/case-${i}.ts`, text);
    }
    refused = await lint();
  });

  for (const { text, refused: folders, tried, file } of cases) {
    test(`in ${folders.length} folders: ${text}`, () => {
      expect(tried.filter((folder) => refused.has(`${folder}/${file}`))).toEqual(folders);
    });
  }

  test('nothing of that in platform/node, but a name without node:', () => {
    const withoutPrefix = EFFECTS.length + IMPORTS.findIndex((text) => text.includes("'fs'"));
    expect([...refused].filter((path) => path.startsWith('platform/'))).toEqual([
      `platform/node/case-${withoutPrefix}.ts`,
    ]);
  });
});
