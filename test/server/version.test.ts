import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { VERSION } from '../../server/version.ts';

test('the version is that of the package', () => {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  expect((JSON.parse(file) as { version: string }).version).toBe(VERSION);
});
