import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtDashboard } from '../../cli/built-dashboard.ts';
import { nodePlatform } from '../../platform/node.ts';

const { files } = nodePlatform({ logLevel: 'silent' });
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nephoscope pages & more %20-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

test('built pages are found wherever the program lies', async () => {
  const pages = join(directory, 'größe #1');
  await mkdir(pages);
  const url = pathToFileURL(pages);
  expect(await builtDashboard(url, files)).toBeUndefined();
  await writeFile(join(pages, 'index.html'), '<!doctype html>');
  expect(await builtDashboard(url, files)).toBe(pages);
  expect(await builtDashboard(new URL('none', `${url.href}/`), files)).toBeUndefined();
});
