// What the build is made of, and whether it has changed since a stamp was written.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Folders whose sources are compiled into dist/<folder>. */
export const COMPILED_FOLDERS = [
  'model',
  'platform',
  'store',
  'query',
  'ingest',
  'collector',
  'alerter',
  'server',
  'cli',
];

const FEEDS_DIST = [
  ...COMPILED_FOLDERS,
  'dashboard',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'asconfig.json',
  'tools/build.mjs',
];

/** Every file below a path of the repository, or the path itself if it is a file; sorted. */
export function filesBelow(path) {
  const found = [];
  const visit = (relative) => {
    for (const entry of readdirSync(join(ROOT, relative), { withFileTypes: true })) {
      const child = `${relative}/${entry.name}`;
      if (entry.isDirectory()) visit(child);
      else if (entry.isFile()) found.push(child);
    }
  };
  if (!existsSync(join(ROOT, path))) return [];
  if (/\.[a-z]+$/.test(path)) return [path];
  visit(path);
  return found.sort((a, b) => (a < b ? -1 : 1));
}

/** Changes exactly when a name or the content of one of the files changes. */
export function hashOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    const content = readFileSync(join(ROOT, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

export function sourcesHash() {
  return hashOf(FEEDS_DIST.flatMap(filesBelow));
}

export function readStamp(path) {
  try {
    return readFileSync(join(ROOT, path), 'utf8').trim();
  } catch {
    return undefined;
  }
}

export function writeStamp(path, text) {
  mkdirSync(dirname(join(ROOT, path)), { recursive: true });
  writeFileSync(join(ROOT, path), `${text}\n`);
}
