import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import type { Document, Node } from 'yaml';

/**
 * Reads YAML by walking its syntax tree instead of a converted value, because errors must name lines,
 * and because a scalar's own spelling counts: a label `version: 1.10` is the text "1.10".
 */
export interface YamlEntry {
  readonly key: string;
  readonly line: number;
  readonly value: YamlValue;
}

export type YamlValue =
  | { readonly kind: 'text'; readonly text: string; readonly line: number }
  | { readonly kind: 'null'; readonly line: number }
  | { readonly kind: 'list'; readonly items: readonly YamlValue[]; readonly line: number }
  | { readonly kind: 'map'; readonly entries: readonly YamlEntry[]; readonly line: number };

export interface YamlProblem {
  readonly line: number;
  readonly message: string;
}

/** Aliases can make a small text mean a large tree; this is how much of it is looked at. */
const NODES_MAX = 500_000;
const DEPTH_MAX = 32;

/** Only the first document counts. A text without one is null. */
export function readYaml(text: string): YamlValue | YamlProblem {
  const { first, lineCounter } = parsed(text);
  if (!first) return { kind: 'null', line: 1 };
  const error = first.errors[0];
  if (error) {
    return { line: lineCounter.linePos(error.pos[0]).line, message: firstLine(error.message) };
  }
  try {
    return new Walker(first, lineCounter).value(first.contents, 1, 0);
  } catch (thrown) {
    if (thrown instanceof TooMuch) return { line: thrown.line, message: thrown.message };
    throw thrown;
  }
}

interface Parsed {
  readonly first: Document.Parsed | undefined;
  readonly lineCounter: LineCounter;
}

/** Lines of quoted texts that are indented too little; each costs one more pass over the file. */
const REPAIRS_MAX = 30;

/**
 * Quoted texts that go on in the next line must be indented deeper than their key. The YAML reader that
 * Prometheus uses does not insist on that, and files rely on it: such lines are indented here, which
 * changes neither the text (line breaks fold) nor the number of any line.
 */
function parsed(text: string): Parsed {
  const asWritten = parseOnce(text);
  let attempt = asWritten;
  let repaired = text;
  for (let repairs = 0; repairs < REPAIRS_MAX; repairs++) {
    const error = attempt.first?.errors[0];
    if (!error) return attempt;
    const at = error.pos[0];
    const isCut = error.code === 'MISSING_CHAR' && /^Missing closing ["']/.test(error.message);
    if (!isCut || repaired[at] !== '\n') break;
    repaired = `${repaired.slice(0, at + 1)}${' '.repeat(80)}${repaired.slice(at + 1)}`;
    attempt = parseOnce(repaired);
  }
  return attempt.first?.errors.length === 0 ? attempt : asWritten;
}

function parseOnce(text: string): Parsed {
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter, merge: true, logLevel: 'silent' });
  return { first: 'empty' in documents ? undefined : documents[0], lineCounter };
}

class TooMuch extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.replace(/ at line \d+, column \d+:?$/, '');
}

class Walker {
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;
  #nodes = 0;

  constructor(document: Document.Parsed, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  #lineOf(node: Node, fallback: number): number {
    return node.range ? this.#lines.linePos(node.range[0]).line : fallback;
  }

  #resolved(node: unknown, line: number): Node | undefined {
    if (!isAlias(node)) return (node ?? undefined) as Node | undefined;
    const target = node.resolve(this.#document);
    if (!target) throw new TooMuch(this.#lineOf(node, line), `unknown alias *${node.source}`);
    return target;
  }

  value(given: unknown, outerLine: number, depth: number): YamlValue {
    const node = this.#resolved(given, outerLine);
    if (!node) return { kind: 'null', line: outerLine };
    const line = this.#lineOf(node, outerLine);
    if (++this.#nodes > NODES_MAX) throw new TooMuch(line, `more than ${NODES_MAX} values`);
    if (depth > DEPTH_MAX) throw new TooMuch(line, `nested deeper than ${DEPTH_MAX}`);
    if (isSeq(node)) {
      return {
        kind: 'list',
        line,
        items: node.items.map((item) => this.value(item, line, depth + 1)),
      };
    }
    if (isMap(node)) return { kind: 'map', line, entries: this.#entries(node.items, line, depth) };
    if (!isScalar(node)) return { kind: 'null', line };
    if (node.value === null) return { kind: 'null', line };
    const text = typeof node.value === 'string' ? node.value : (node.source ?? '');
    return { kind: 'text', text, line };
  }

  #entries(
    items: readonly { readonly key: unknown; readonly value: unknown }[],
    line: number,
    depth: number,
  ): readonly YamlEntry[] {
    const own = new Map<string, YamlEntry>();
    const merged = new Map<string, YamlEntry>();
    for (const item of items) {
      const keyNode = this.#resolved(item.key, line);
      const keyLine = keyNode ? this.#lineOf(keyNode, line) : line;
      const isMerge = isScalar(keyNode) && keyNode.type === 'PLAIN' && keyNode.source === '<<';
      const key = this.value(item.key, line, depth + 1);
      if (key.kind !== 'text' && !isMerge) throw new TooMuch(keyLine, 'a key must be a plain text');
      const value = this.value(item.value, keyLine, depth + 1);
      if (isMerge) {
        for (const entry of mergedEntries(value)) {
          if (!merged.has(entry.key)) merged.set(entry.key, entry);
        }
      } else if (key.kind === 'text') own.set(key.text, { key: key.text, line: keyLine, value });
    }
    for (const [key, entry] of merged) if (!own.has(key)) own.set(key, entry);
    return [...own.values()];
  }
}

function mergedEntries(value: YamlValue): readonly YamlEntry[] {
  if (value.kind === 'map') return value.entries;
  if (value.kind === 'list') return value.items.flatMap(mergedEntries);
  throw new TooMuch(value.line, 'only a mapping or a list of mappings can be merged with <<');
}
