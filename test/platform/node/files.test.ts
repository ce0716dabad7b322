import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { replaceFile } from '../../../platform/files.ts';
import { nodeFiles } from '../../../platform/node/files.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nephoscope-files-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (content: Uint8Array): string => new TextDecoder().decode(content);

test('what was appended is read back, across opens', async () => {
  const path = join(directory, 'journal');
  const first = await nodeFiles.open(path, 'create');
  await first.append(bytes('hello '));
  await first.dataSync();
  await first.close();
  const second = await nodeFiles.open(path, 'append');
  await second.append(bytes('world'));
  expect(await second.size()).toBe(11);
  const target = new Uint8Array(8);
  expect(await second.readAt(6, target)).toBe(5);
  expect(text(target.subarray(0, 5))).toBe('world');
  await second.truncate(5);
  await second.append(bytes('!'));
  await second.close();
  expect(text(await nodeFiles.readAll(path, 100))).toBe('hello!');
});

test('a link is not followed, so that nothing outside is cut or extended', async () => {
  const elsewhere = join(directory, 'elsewhere');
  await writeFile(elsewhere, 'not ours');
  const path = join(directory, 'journal-1');
  await symlink(elsewhere, path);
  for (const mode of ['read', 'append', 'create'] as const) {
    await expect(nodeFiles.open(path, mode)).rejects.toThrow(/link|exists/);
  }
  expect(await readFile(elsewhere, 'utf8')).toBe('not ours');
});

test('reading whole has a limit, also for files that claim to be empty', async () => {
  const path = join(directory, 'large');
  await writeFile(path, 'x'.repeat(1000));
  expect((await nodeFiles.readAll(path, 1000)).length).toBe(1000);
  await expect(nodeFiles.readAll(path, 999)).rejects.toMatchObject({ code: 'too-large' });
  expect(text(await nodeFiles.readAll('/proc/self/status', 100_000))).toContain('Pid:');
  await expect(nodeFiles.readAll('/proc/self/status', 10)).rejects.toMatchObject({
    code: 'too-large',
  });
});

test('failures have codes, and name the path', async () => {
  const path = join(directory, 'absent');
  await expect(nodeFiles.open(path, 'read')).rejects.toMatchObject({
    code: 'not-found',
    message: expect.stringContaining(path),
  });
  await expect(nodeFiles.list(path)).rejects.toMatchObject({ code: 'not-found' });
  await writeFile(path, '');
  await expect(nodeFiles.open(path, 'create')).rejects.toMatchObject({ code: 'exists' });
  await expect(nodeFiles.list(path)).rejects.toMatchObject({ code: 'not-found' });
});

test('a path without permission says so', async (context) => {
  if (process.getuid?.() === 0) context.skip('root may read everything');
  const path = join(directory, 'secret');
  await writeFile(path, '');
  await chmod(path, 0);
  await expect(nodeFiles.open(path, 'read')).rejects.toMatchObject({ code: 'no-permission' });
});

test('a full disk says so', async (context) => {
  const full = await nodeFiles.open('/dev/full', 'append').catch(() => undefined);
  if (!full) return context.skip('no /dev/full here');
  await expect(full.append(bytes('x'))).rejects.toMatchObject({ code: 'no-space' });
  await full.close();
});

test('a directory that cannot be made is told at once, and not tried for ever', async () => {
  await expect(nodeFiles.makeDirectory('/proc/nope/data')).rejects.toMatchObject({
    name: 'FileFailure',
    message: expect.stringContaining('/proc/nope'),
  });
  const file = join(directory, 'file');
  await writeFile(file, '');
  await expect(nodeFiles.makeDirectory(file)).rejects.toMatchObject({ code: 'exists' });
  await expect(nodeFiles.makeDirectory(join(file, 'a'))).rejects.toMatchObject({
    name: 'FileFailure',
    message: expect.stringContaining(file),
  });
}, 5000);

test('two who make the same directory at once both have it', async () => {
  const nested = join(directory, 'a/b/c/d');
  await Promise.all([nodeFiles.makeDirectory(nested), nodeFiles.makeDirectory(nested)]);
  expect(await nodeFiles.list(nested)).toEqual([]);
});

test('directories: made with parents, listed in order, removed when empty', async () => {
  const nested = join(directory, 'a/b');
  await nodeFiles.makeDirectory(nested);
  await nodeFiles.makeDirectory(nested);
  await writeFile(join(nested, '2'), '');
  await writeFile(join(nested, '10'), '');
  expect(await nodeFiles.list(nested)).toEqual(['10', '2']);
  await expect(nodeFiles.remove(nested)).rejects.toMatchObject({ code: 'exists' });
  await nodeFiles.remove(join(nested, '2'));
  await nodeFiles.remove(join(nested, '2'));
  await nodeFiles.rename(join(nested, '10'), join(directory, '10'));
  await nodeFiles.remove(nested);
  await nodeFiles.syncDirectory(directory);
  expect(await nodeFiles.list(directory)).toEqual(['10', 'a']);
  expect(await nodeFiles.freeBytes(directory)).toBeGreaterThan(0);
});

test('a small file is replaced whole', async () => {
  await replaceFile(nodeFiles, directory, 'state', bytes('one'));
  await replaceFile(nodeFiles, directory, 'state', bytes('two'));
  expect(text(await nodeFiles.readAll(join(directory, 'state'), 100))).toBe('two');
  expect(await nodeFiles.list(directory)).toEqual(['state']);
});
