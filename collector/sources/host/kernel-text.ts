import type { KernelTree } from '../../../platform/kernel-tree.ts';

/** For the slow lane: values that stand alone in a small file. */

/** NaN when the file is not there or holds no decimal number. */
export function numberIn(tree: KernelTree, path: string): number {
  const text = tree.readText(path);
  return text === undefined ? Number.NaN : decimal(text);
}

export function decimal(text: string): number {
  return /^-?\d{1,20}(?:\.\d{1,20})?$/.test(text) ? Number(text) : Number.NaN;
}

export function textIn(tree: KernelTree, path: string): string {
  return tree.readText(path) ?? '';
}

/** Names in a directory in a fixed order: directories give theirs in any. */
export function namesIn(tree: KernelTree, directory: string): readonly string[] {
  return [...tree.list(directory)].sort();
}

/** Names that consist of this prefix and a number, by that number. */
export function numberedIn(
  tree: KernelTree,
  directory: string,
  prefix: string,
): readonly { readonly name: string; readonly number: string }[] {
  const numbered = tree
    .list(directory)
    .filter((name) => name.startsWith(prefix) && /^\d{1,9}$/.test(name.slice(prefix.length)))
    .map((name) => ({ name, number: name.slice(prefix.length) }));
  return numbered.sort((a, b) => Number(a.number) - Number(b.number));
}

/** Where a link leads that stands at this path and has this target. */
export function linkedPath(path: string, target: string): string {
  const parts = target.startsWith('/') ? [] : path.split('/').slice(0, -1);
  for (const part of target.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return `/${parts.filter((part) => part !== '').join('/')}`;
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
