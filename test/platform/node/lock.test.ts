import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
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
  const path = join(directory, 'lock');
  const owner = await readlink(path);
  await rm(path);
  await symlink(`${owner.slice(0, -1)}x`, path);
  await first.release();
  expect(await readdir(directory)).toEqual(['lock']);
});

test('a lock lies in its inode, so that a full disk does not keep a server from starting', async () => {
  const lock = await nodeFiles.lock(directory);
  // Below 60 bytes file systems keep the target where the inode is.
  expect((await readlink(join(directory, 'lock'))).length).toBeLessThan(60);
  await lock.release();
});

test.each([
  ['of another boot', `${process.pid}.1.another.a`],
  ['without sense', 'half a fi'],
  ['that leads somewhere', '/tmp'],
])('a lock %s is taken over', async (_, target) => {
  await symlink(target, join(directory, 'lock'));
  const lock = await nodeFiles.lock(directory);
  expect(await readdir(directory)).toEqual(['lock']);
  await lock.release();
});

test('a file where the lock should be is moved out of the way', async () => {
  await writeFile(join(directory, 'lock'), 'something else');
  const lock = await nodeFiles.lock(directory);
  expect(await readdir(directory)).toEqual(['lock']);
  await lock.release();
});

test('a pid that is used again does not keep a dead lock alive', async () => {
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).slice(0, 8);
  await symlink(`${process.pid}.1.${bootId}.a`, join(directory, 'lock'));
  const lock = await nodeFiles.lock(directory);
  expect(await readlink(join(directory, 'lock'))).not.toMatch(/\.a$/);
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
