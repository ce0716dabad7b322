import { Failure } from '../../model/failure.ts';
import type { Files } from '../../platform/files.ts';
import { isNotFound } from '../../platform/files.ts';

const MATCHES_MAX = 10_000;

/**
 * The files that a pattern names, sorted. `*` and `?` and `[…]` stand for characters of one path part;
 * there is no `**`. A pattern without a match gives nothing; a plain path is given as it is.
 */
export async function expandPattern(files: Files, pattern: string): Promise<readonly string[]> {
  if (!hasWildcard(pattern)) return [pattern];
  const absolute = pattern.startsWith('/');
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '.');
  let paths = [absolute ? '/' : ''];
  for (const [i, part] of parts.entries()) {
    const next: string[] = [];
    for (const path of paths) {
      const prefix = path === '' || path.endsWith('/') ? path : `${path}/`;
      if (!hasWildcard(part)) {
        next.push(prefix + part);
        continue;
      }
      const accepts = namePattern(part);
      for (const name of await namesIn(files, path === '' ? '.' : path)) {
        // As in a shell, a wildcard does not begin a hidden name.
        if (accepts(name) && (part.startsWith('.') || !name.startsWith('.')))
          next.push(prefix + name);
      }
      if (next.length > MATCHES_MAX) {
        throw new Failure('too-many-files', `${pattern} names more than ${MATCHES_MAX} files`);
      }
    }
    paths = next;
    if (i < parts.length - 1 && paths.length === 0) break;
  }
  return paths.sort();
}

function hasWildcard(text: string): boolean {
  return /[*?[]/.test(text);
}

async function namesIn(files: Files, directory: string): Promise<readonly string[]> {
  try {
    return await files.list(directory);
  } catch (thrown) {
    if (isNotFound(thrown) || isNoDirectory(thrown)) return [];
    throw thrown;
  }
}

/** A file where the pattern expects a directory is no match. */
function isNoDirectory(thrown: unknown): boolean {
  return thrown instanceof Failure && thrown.code === 'io-error';
}

/** Matches one path part; works by stepping through both texts, so that its time is their product at most. */
export function namePattern(pattern: string): (name: string) => boolean {
  const items = patternItems(pattern);
  return (name) => {
    let item = 0;
    let at = 0;
    let starItem = -1;
    let starAt = 0;
    while (at < name.length) {
      const current = items[item];
      if (current === '*') {
        starItem = item++;
        starAt = at;
      } else if (current !== undefined && current(name[at]!)) {
        item++;
        at++;
      } else if (starItem >= 0) {
        item = starItem + 1;
        at = ++starAt;
      } else return false;
    }
    while (items[item] === '*') item++;
    return item === items.length;
  };
}

type Item = '*' | ((char: string) => boolean);

function patternItems(pattern: string): readonly Item[] {
  const items: Item[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!;
    const end = char === '[' ? pattern.indexOf(']', i + 2) : -1;
    if (char === '*') items.push('*');
    else if (char === '?') items.push(() => true);
    else if (end > 0) {
      items.push(classItem(pattern.slice(i + 1, end)));
      i = end;
    } else {
      const literal = char === '\\' && i + 1 < pattern.length ? pattern[++i]! : char;
      items.push((other) => other === literal);
    }
  }
  return items;
}

function classItem(inside: string): Item {
  const negated = inside.startsWith('^') || inside.startsWith('!');
  const body = negated ? inside.slice(1) : inside;
  return (char) => {
    let found = false;
    for (let i = 0; i < body.length; i++) {
      if (body[i + 1] === '-' && i + 2 < body.length) {
        found ||= char >= body[i]! && char <= body[i + 2]!;
        i += 2;
      } else found ||= char === body[i];
    }
    return found !== negated;
  };
}
