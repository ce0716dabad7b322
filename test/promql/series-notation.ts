import { METRIC_NAME, labelsFromPairs } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { STALE } from '../../model/staleness.ts';

/**
 * Series as scripts write them: `name{a="b"} 1 2 3`, with
 *   0+10x3    0 10 20 30        1x3     1 1 1 1
 *   _ _x2     gaps              stale   the series ends
 * Native histograms (`{{…}}`) are recognised, not read.
 */
export type Cell = number | undefined | typeof HISTOGRAM;

export const HISTOGRAM: unique symbol = Symbol('a native histogram');

export interface NotedSeries {
  readonly labels: Labels;
  readonly cells: readonly Cell[];
}

const STRING = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)/;
const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const NUMBER = /^[+-]?(?:inf(?:inity)?|nan|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)/i;
const INCREMENT = /^[+-](?:inf|nan|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?=x)/i;

export function parseSeries(line: string): NotedSeries {
  const { labels, rest } = parseLabels(line);
  return { labels, cells: parseCells(rest) };
}

function unquoted(text: string): string {
  if (text.startsWith('`')) return text.slice(1, -1);
  const simple: Record<string, string> = {
    n: '\n',
    t: '\t',
    r: '\r',
    a: '\u0007',
    b: '\b',
    f: '\f',
    v: '\v',
  };
  return text
    .slice(1, -1)
    .replace(/\\(x[0-9a-f]{2}|u[0-9a-f]{4}|.)/gi, (_, escape: string) =>
      escape.length > 1
        ? String.fromCodePoint(Number.parseInt(escape.slice(1), 16))
        : (simple[escape] ?? escape),
    );
}

function parseLabels(line: string): { readonly labels: Labels; readonly rest: string } {
  const pairs: [string, string][] = [];
  let rest = line.trim();
  const name = NAME.exec(rest)?.[0];
  if (name) {
    pairs.push([METRIC_NAME, name]);
    rest = rest.slice(name.length);
  }
  const braces = /^\s*\{(?!\{)/.exec(rest);
  if (!braces) {
    if (!name) throw new Error(`no series in: ${line}`);
    return { labels: labelsFromPairs(pairs), rest };
  }
  rest = rest.slice(braces[0].length).trimStart();
  while (!rest.startsWith('}')) {
    const label = STRING.exec(rest)?.[0] ?? NAME.exec(rest)?.[0];
    if (!label) throw new Error(`no label in: ${line}`);
    const quoted = /^["'`]/.test(label);
    rest = rest.slice(label.length).trimStart();
    if (rest.startsWith('=')) {
      rest = rest.slice(1).trimStart();
      const value = STRING.exec(rest)?.[0];
      if (!value) throw new Error(`no label value in: ${line}`);
      pairs.push([quoted ? unquoted(label) : label, unquoted(value)]);
      rest = rest.slice(value.length).trimStart();
    } else pairs.push([METRIC_NAME, unquoted(label)]);
    if (rest.startsWith(',')) rest = rest.slice(1).trimStart();
    else if (!rest.startsWith('}')) throw new Error(`labels without end in: ${line}`);
  }
  return { labels: labelsFromPairs(pairs), rest: rest.slice(1) };
}

export function parseNumber(text: string): number | undefined {
  if (NUMBER.exec(text)?.[0] !== text) return undefined;
  const lower = text.toLowerCase().replace(/^\+/, '');
  if (/^-?inf/.test(lower)) return lower.startsWith('-') ? -Infinity : Infinity;
  if (lower.endsWith('nan')) return NaN;
  return Number(lower);
}

function parseCells(text: string): Cell[] {
  const cells: Cell[] = [];
  let rest = text.replace(/#.*$/, '').trim();
  const take = (length: number): void => {
    rest = rest.slice(length);
  };
  const times = (): number | undefined => {
    const found = /^x(\d+)/.exec(rest);
    if (!found) return undefined;
    take(found[0].length);
    return Number(found[1]);
  };
  while (rest !== '') {
    if (rest.startsWith('_')) {
      take(1);
      const count = times() ?? 1;
      for (let i = 0; i < count; i++) cells.push(undefined);
    } else if (rest.startsWith('stale')) {
      take(5);
      const count = (times() ?? 0) + 1;
      for (let i = 0; i < count; i++) cells.push(STALE);
    } else if (rest.startsWith('{{')) {
      take(rest.indexOf('}}') + 2);
      if (/^[+-]\{\{/.test(rest)) take(rest.indexOf('}}') + 2);
      const count = (times() ?? 0) + 1;
      for (let i = 0; i < count; i++) cells.push(HISTOGRAM);
    } else {
      const number = NUMBER.exec(rest)?.[0];
      if (!number) throw new Error(`no value at: ${rest.slice(0, 30)}`);
      take(number.length);
      const by = INCREMENT.exec(rest)?.[0];
      if (by) take(by.length);
      const count = (times() ?? 0) + 1;
      let value = parseNumber(number)!;
      for (let i = 0; i < count; i++) {
        cells.push(value);
        if (by) value += parseNumber(by)!;
      }
    }
    if (rest !== '' && !/^\s/.test(rest)) throw new Error(`unreadable: ${rest.slice(0, 30)}`);
    rest = rest.trimStart();
  }
  return cells;
}

/** Equal but for rounding: the relative difference stays below a millionth. */
export function isClose(a: number, b: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  if (a === b) return true;
  if (!Number.isFinite(a) || !Number.isFinite(b)) return false;
  const size = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || size < 2.3e-308) return difference < 2.3e-314;
  return difference / Math.min(size, Number.MAX_VALUE) < 1e-6;
}
