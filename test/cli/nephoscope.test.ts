import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const HOOK = new URL('../../tools/typescript-register.mjs', import.meta.url).href;
const ENTRY = new URL('../../cli/nephoscope.ts', import.meta.url).pathname;

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nephoscope-cli-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command; `onError` sees what it says on stderr so far, and may send signals. */
function run(
  args: readonly string[],
  onError: (text: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
): Promise<Outcome> {
  const child = spawn(process.execPath, ['--import', HOOK, ENTRY, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    onError(stderr, (signal) => child.kill(signal));
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), 50_000);
  return new Promise((resolve) => {
    child.once('close', (code) => {
      clearTimeout(limit);
      resolve({ code, stdout, stderr });
    });
  });
}

test('check explains on stdout, with 0', async () => {
  const check = await run(['check', '--retention', '3d']);
  expect(check.code).toBe(0);
  expect(check.stdout).toContain('store.retention: 3d\n    from --retention; default: 15d');
}, 60_000);

test('check reads the rule files, and tells what is wrong where', async () => {
  const rules = join(directory, 'bad.yml');
  await writeFile(
    rules,
    'groups:\n  - name: a\n    rules:\n      - record: r\n        expr: sum(\n',
  );
  const { code, stdout, stderr } = await run(['check', '--rules', rules]);
  expect(code).toBe(2);
  expect((JSON.parse(stderr) as { msg: string }).msg).toContain(`${rules}:5: `);
  expect(stdout).toContain(`alerting.rules: ${rules}`);
}, 60_000);

test('what cannot be understood ends with 2 and one JSON line that says what to do', async () => {
  const { code, stderr } = await run(['sreve']);
  expect(code).toBe(2);
  expect((JSON.parse(stderr) as { msg: string }).msg).toContain('did you mean serve?');
}, 60_000);

test('serve says where it listens, and SIGTERM ends it with 0', async () => {
  let isTold = false;
  const outcome = await run(
    [
      'serve',
      '--listen',
      '127.0.0.1:0',
      '--data',
      join(directory, 'data'),
      '--roles',
      'ingest,query',
    ],
    (text, kill) => {
      if (isTold || !text.includes('"msg":"ready"')) return;
      isTold = true;
      kill('SIGTERM');
    },
  );
  expect(outcome.code, outcome.stderr).toBe(0);
  const lines = outcome.stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.find(({ msg }) => msg === 'listening')!['url']).toMatch(
    /^http:\/\/127\.0\.0\.1:\d+$/,
  );
  expect(lines.at(-1)).toMatchObject({ msg: 'stopped' });
}, 60_000);

test('SIGHUP reloads, and a reload that fails changes nothing', async () => {
  const rules = join(directory, 'rules.yml');
  await writeFile(rules, 'groups: []\n');
  const pages = ['serve', '--listen', '127.0.0.1:0', '--data', join(directory, 'reloaded')];
  let step = 0;
  const outcome = await run([...pages, '--rules', rules, '--roles', 'alerter'], (text, kill) => {
    if (step === 0 && text.includes('"msg":"ready"')) {
      step = 1;
      kill('SIGHUP');
    } else if (step === 1 && text.includes('"msg":"rule files reloaded"')) {
      step = 2;
      writeFileSync(rules, 'groups: x\n');
      kill('SIGHUP');
    } else if (step === 2 && text.includes('rules.yml:1')) {
      step = 3;
      kill('SIGTERM');
    }
  });
  expect(outcome.code, outcome.stderr).toBe(0);
  expect(outcome.stderr).toMatch(/"level":"error".*the former rules go on/);
}, 60_000);
