import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeFiles } from '../../../platform/node/files.ts';

const HOOK = new URL('../../../tools/typescript-register.mjs', import.meta.url).href;
const CONTENDER = new URL('./lock-contender.ts', import.meta.url).pathname;

let directory: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nephoscope-lock-'));
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

interface Contender {
  readonly child: ChildProcess;
  say(line: string): void;
  hear(): Promise<string>;
}

function contender(): Contender {
  const child = spawn(process.execPath, ['--import', HOOK, CONTENDER, directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    say: (line) => child.stdin.write(`${line}\n`),
    async hear() {
      const next = await lines.next();
      return next.done ? 'ended' : next.value;
    },
  };
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
  });
}

test('a directory has one owner at a time, also within one process', async () => {
  const first = await nodeFiles.lock(directory);
  await expect(nodeFiles.lock(directory)).rejects.toMatchObject({
    code: 'in-use',
    message: expect.stringContaining(`process ${process.pid}`),
  });
  await first.release();
  const second = await nodeFiles.lock(directory);
  await second.release();
  expect(await readdir(directory)).toEqual([]);
});

test('a lock is not released by who lost it', async () => {
  const first = await nodeFiles.lock(directory);
  await writeFile(
    join(directory, 'lock'),
    (await readFile(join(directory, 'lock'), 'utf8')).replace(/"token":"./, '"token":"x'),
  );
  await first.release();
  expect(await readdir(directory)).toEqual(['lock']);
});

test.each([
  ['of another boot', { pid: process.pid, startedTicks: '1', bootId: 'another', token: 'a' }],
  ['without sense', 'half a fi'],
  ['of nobody', {}],
])('a lock file %s is taken over', async (_, content) => {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  await writeFile(join(directory, 'lock'), text);
  const lock = await nodeFiles.lock(directory);
  expect(await readdir(directory)).toEqual(['lock']);
  await lock.release();
});

test('a pid that is used again does not keep a dead lock alive', async () => {
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const old = { pid: process.pid, startedTicks: '1', bootId, token: 'a' };
  await writeFile(join(directory, 'lock'), JSON.stringify(old));
  const lock = await nodeFiles.lock(directory);
  expect(await readFile(join(directory, 'lock'), 'utf8')).not.toContain('"token":"a"');
  await lock.release();
});

test('of many processes one wins, and after it is killed another one does', async () => {
  const crashed = contender();
  expect(await crashed.hear()).toBe('ready');
  crashed.say('go');
  expect(await crashed.hear()).toBe('locked');
  const gone = ended(crashed.child);
  crashed.child.kill('SIGKILL');
  await gone;

  const rivals = [contender(), contender(), contender()];
  for (const rival of rivals) expect(await rival.hear()).toBe('ready');
  for (const rival of rivals) rival.say('go');
  const said = await Promise.all(rivals.map((rival) => rival.hear()));
  expect(said.filter((line) => line === 'locked')).toHaveLength(1);
  const winner = rivals[said.indexOf('locked')]!;
  for (const line of said) {
    if (line !== 'locked') expect(line).toContain(`in use by process ${winner.child.pid}`);
  }
}, 60_000);
