import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

const built = new URL('../../dist/dashboard/', import.meta.url);

/** What a browser must have before it can draw the first page: docs/decisions/0012. */
const FIRST_PAGE_BYTES_MAX = 200_000;

function gzippedBytes(path: string): number {
  return gzipSync(readFileSync(new URL(path.replace(/^\//, ''), built))).length;
}

describe('the bundle', () => {
  it('keeps the first page within its budget', (context) => {
    if (!existsSync(built)) context.skip('the dashboard is not built: run npm run build');
    const page = readFileSync(new URL('index.html', built), 'utf8');
    const first = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+\.(?:js|css))"/g)].map(
      ([, path]) => path!,
    );
    expect(first.length).toBeGreaterThan(1);
    // The fleet's own chunk is loaded by the script, so it is not named in the page.
    const fleet = readdirSync(new URL('assets/', built))
      .filter((name) => /^fleet-.*\.(?:js|css)$/.test(name))
      .map((name) => `/assets/${name}`);
    const bytes = [...new Set([...first, ...fleet])].reduce(
      (sum, path) => sum + gzippedBytes(path),
      0,
    );
    expect(bytes).toBeLessThan(FIRST_PAGE_BYTES_MAX);
    expect(page).not.toMatch(/https?:\/\//);
  });
});
