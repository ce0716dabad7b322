import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { casesOf } from './promtest.ts';

const folder = new URL('./', import.meta.url);

for (const file of readdirSync(folder).filter((name) => name.endsWith('.promtest'))) {
  describe(`the script ${file}`, () => {
    for (const each of casesOf(readFileSync(new URL(file, folder), 'utf8'))) {
      test(`line ${each.line}: ${each.expression}`, async () => {
        expect(await each.fault()).toBeUndefined();
      });
    }
  });
}
