import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeKernelTree } from '../../../platform/node/kernel-tree.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'nephoscope-tree-'));
  await mkdir(join(root, 'proc'));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

test('a prefix stands in for the machine', async () => {
  await writeFile(join(root, 'proc/loadavg'), '0.5 0.4 0.3 1/2 3\n');
  await symlink('../elsewhere', join(root, 'proc/link'));
  const tree = nodeKernelTree(`${root}/`);
  expect(tree.readText('/proc/loadavg')).toBe('0.5 0.4 0.3 1/2 3');
  expect([...tree.list('/proc')].sort()).toEqual(['link', 'loadavg']);
  expect(tree.readLink('/proc/link')).toBe('../elsewhere');
});

test('what is not there is empty, not an error', () => {
  const tree = nodeKernelTree(root);
  expect(tree.open('/proc/stat')).toBeUndefined();
  expect(tree.readText('/proc/stat')).toBeUndefined();
  expect(tree.readText('/proc')).toBeUndefined();
  expect(tree.readLink('/proc/stat')).toBeUndefined();
  expect(tree.list('/sys')).toEqual([]);
});

test('an open file is read anew each time, from the start', async () => {
  const path = join(root, 'proc/stat');
  await writeFile(path, 'cpu 1');
  const file = nodeKernelTree(root).open('/proc/stat')!;
  const target = new Uint8Array(16);
  expect(file.read(target)).toBe(5);
  await writeFile(path, 'cpu 12');
  expect(file.read(target)).toBe(6);
  expect(new TextDecoder().decode(target.subarray(0, 6))).toBe('cpu 12');
  expect(file.read(new Uint8Array(3))).toBe(3);
  file.close();
  file.close();
  expect(file.read(target)).toBe(-1);
});

test('the real kernel answers in full, beyond one page', () => {
  const tree = nodeKernelTree('');
  const file = tree.open('/proc/self/smaps')!;
  const bytes = file.read(new Uint8Array(1 << 20));
  file.close();
  expect(bytes).toBeGreaterThan(8192);
});

test('file systems tell their size', async () => {
  const space = await nodeKernelTree('').fileSystem('/');
  expect(space.sizeBytes).toBeGreaterThan(0);
  expect(space.freeBytes).toBeGreaterThanOrEqual(space.availableBytes);
  await expect(nodeKernelTree('').fileSystem('/absent')).rejects.toThrow('ENOENT');
});

test('a file that was short for long is still read whole when it has grown', async () => {
  const path = join(root, 'proc/devices');
  await writeFile(path, 'eth0');
  const file = nodeKernelTree(root).open('/proc/devices')!;
  const target = new Uint8Array(65_536);
  for (let reading = 0; reading < 10; reading++) expect(file.read(target)).toBe(4);
  for (const length of [0, 2047, 2048, 4096, 40_000, 5]) {
    await writeFile(path, 'x'.repeat(length));
    expect(file.read(target)).toBe(length);
  }
  file.close();
});

test('the tenth reading of a kernel file is as long as the first', (context) => {
  const tree = nodeKernelTree('');
  const steady = ['/proc/version', '/proc/devices', '/proc/filesystems', '/proc/cpuinfo'];
  const files = steady.flatMap((path) => tree.open(path) ?? []);
  if (files.length === 0) return context.skip('this machine has no /proc');
  // Cut short by a target, too, which must not pass for the end.
  for (const target of [new Uint8Array(262_144), new Uint8Array(100)]) {
    for (const file of files) {
      const lengths = Array.from({ length: 10 }, () => file.read(target));
      // Clock frequencies in cpuinfo may change their number of digits.
      expect(Math.max(...lengths) - Math.min(...lengths), file.path).toBeLessThan(64);
    }
  }
  for (const file of files) file.close();
});
