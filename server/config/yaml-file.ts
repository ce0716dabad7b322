import { LineCounter, isAlias, isMap, isScalar, parseDocument } from 'yaml';
import type { Document, Node, Pair } from 'yaml';
import { ConfigFailure } from './failure.ts';

/** One key of a file that has a value, with its place. */
export interface FileEntry {
  /** `section.key`. */
  readonly key: string;
  readonly raw: unknown;
  /** `file:line:column`. */
  readonly place: string;
}

const ALIASES_MAX = 100;
const DEPTH_MAX = 8;

/**
 * The leaves of a YAML file whose maps are sections. `isSection` tells which keys are sections: a map
 * anywhere else is a value.
 */
export function readYaml(
  name: string,
  content: string,
  isSection: (key: string) => boolean,
): readonly FileEntry[] {
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const [error] = document.errors;
  if (error) {
    throw new ConfigFailure(`${place(error.pos[0])}: this is not YAML: ${error.message}`);
  }
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return [];
  if (!isMap(root)) {
    throw new ConfigFailure(
      `${place(offsetOf(root))}: the file must hold sections such as "server:"`,
    );
  }
  const entries: FileEntry[] = [];
  const walk = (pairs: readonly Pair[], prefix: string, depth: number): void => {
    for (const pair of pairs) {
      const keyNode = pair.key as Node;
      const keyName = isScalar(keyNode) ? String(keyNode.value) : '';
      const key = prefix === '' ? keyName : `${prefix}.${keyName}`;
      const at = place(offsetOf(keyNode));
      if (keyName === '') throw new ConfigFailure(`${at}: a key must be a plain word`);
      const value = pair.value as Node | null;
      if (isMap(value) && isSection(key) && depth < DEPTH_MAX) walk(value.items, key, depth + 1);
      else if (value === null || (isScalar(value) && value.value === null)) {
        // A section without keys is a section with defaults; a setting without a value is not set.
        if (!isSection(key)) entries.push({ key, raw: '', place: at });
      } else entries.push({ key, raw: plain(value, document, at), place: at });
    }
  };
  walk(root.items, '', 0);
  return entries;
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

function plain(node: Node, document: Document, place: string): unknown {
  // The text as written: 007 and 1.10 are texts to a setting that wants text.
  if (isScalar(node) && typeof node.value === 'number' && node.source !== undefined) {
    return node.source;
  }
  try {
    const source = isAlias(node) ? (node.resolve(document) ?? node) : node;
    return source.toJS(document, { maxAliasCount: ALIASES_MAX });
  } catch (thrown) {
    throw new ConfigFailure(`${place}: the value uses too many aliases`, { cause: thrown });
  }
}
