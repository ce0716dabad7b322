import { RE2JS } from 're2js';
import { parseDuration } from '../../model/duration.ts';
import { messageOf } from '../../model/failure.ts';
import { PATTERN_CHARACTERS_MAX } from '../../model/matcher.ts';
import { escapeQuery } from './builtins.ts';
import { executionFailure } from './failure.ts';
import { fixed, ofText, textArgument, variadic } from './functions.ts';
import type { FunctionTable, TemplateFunction, Work } from './functions.ts';
import {
  humanize,
  humanize1024,
  humanizeDuration,
  humanizePercentage,
  humanizeTimestamp,
  numberArgument,
  timeOfSeconds,
} from './humanize.ts';
import { goDuration } from './time.ts';
import { compareText, GoList, GoMap, GoStruct, typeName } from './values.ts';
import type { Value } from './values.ts';

/** What the functions of a rule's template know of the world. */
export interface RuleTemplateWorld {
  /** Without a trailing slash. */
  readonly externalUrl: string;
  /** The slot's time. */
  readonly timeMs: number;
  /** Samples of an instant query at the slot's time. */
  readonly query: (text: string) => GoList;
}

/** One element of what `query` returns. */
export function sampleValue(labels: GoMap, value: number): GoStruct {
  const fields = new Map<string, Value>([
    ['Labels', labels],
    ['Value', value],
  ]);
  return new GoStruct(fields, SAMPLE);
}

const SAMPLE = '*template.sample';
const SAMPLES = 'template.queryResult';

export function sampleList(samples: readonly GoStruct[]): GoList {
  return new GoList(samples, SAMPLES);
}

/** Prometheus's template functions for rules. Names are those of its documentation. */
export function ruleFunctions(world: RuleTemplateWorld): FunctionTable {
  return new Map<string, TemplateFunction>([
    ...PURE,
    ['query', ofText((text) => world.query(text))],
    ['now', fixed(0, () => world.timeMs / 1000)],
    ['externalURL', fixed(0, () => world.externalUrl)],
    ['pathPrefix', fixed(0, () => pathOf(world.externalUrl))],
  ]);
}

function ofNumber(call: (value: number) => Value): TemplateFunction {
  return fixed(1, ([value]) => call(numberArgument(value)));
}

const PURE: FunctionTable = new Map<string, TemplateFunction>([
  [
    'first',
    fixed(1, ([list]) => {
      const samples = samplesArgument(list);
      if (samples.length === 0) throw executionFailure('first() called on vector with no elements');
      return samples[0];
    }),
  ],
  ['label', fixed(2, ([name, sample]) => sampleLabel(sample, textArgument(name)))],
  ['value', fixed(1, ([sample]) => sampleArgument(sample).fields.get('Value'))],
  ['strvalue', fixed(1, ([sample]) => sampleLabel(sample, '__value__'))],
  ['sortByLabel', fixed(2, ([name, list]) => sortedByLabel(textArgument(name), list))],
  ['humanize', ofNumber(humanize)],
  ['humanize1024', ofNumber(humanize1024)],
  ['humanizeDuration', ofNumber(humanizeDuration)],
  ['humanizePercentage', ofNumber(humanizePercentage)],
  ['humanizeTimestamp', ofNumber(humanizeTimestamp)],
  ['toTime', ofNumber(timeOfSeconds)],
  ['toDuration', ofNumber((value) => goDuration(timeOfSeconds(value).unixNanoseconds))],
  ['parseDuration', ofText(parseSeconds)],
  ['title', ofText(title)],
  ['toUpper', ofText((text) => text.toUpperCase())],
  ['toLower', ofText((text) => text.toLowerCase())],
  [
    'match',
    fixed(2, ([pattern, text], work) =>
      compiled(textArgument(pattern), textArgument(text), work).matcher(textArgument(text)).find(),
    ),
  ],
  [
    'reReplaceAll',
    fixed(3, ([pattern, replacement, text], work) =>
      replaceAll(textArgument(pattern), textArgument(replacement), textArgument(text), work),
    ),
  ],
  ['stripPort', ofText(stripPort)],
  ['stripDomain', ofText(stripDomain)],
  ['graphLink', ofText((text) => graphLink(text, 0))],
  ['tableLink', ofText((text) => graphLink(text, 1))],
  ['args', variadic(0, argumentMap)],
  ['safeHtml', ofText((text) => text)],
  ['urlQueryEscape', ofText(escapeQuery)],
]);

/** Path of the expression browser; `tab` 0 shows the graph, 1 the table. */
export function graphLink(expression: string, tab: 0 | 1): string {
  return `/graph?g0.expr=${escapeQuery(expression)}&g0.tab=${tab}`;
}

function pathOf(url: string): string {
  const path = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]*([^?#]*)/.exec(url)?.[1] ?? '';
  return path.replace(/\/$/, '');
}

function samplesArgument(value: Value): readonly Value[] {
  if (value instanceof GoList && value.type === SAMPLES) return value.items;
  throw executionFailure(`wrong type for value; expected ${SAMPLES}; got ${typeName(value)}`);
}

function sampleArgument(value: Value): GoStruct {
  if (value instanceof GoStruct && value.type === SAMPLE) return value;
  throw executionFailure(`wrong type for value; expected ${SAMPLE}; got ${typeName(value)}`);
}

function sampleLabel(sample: Value, name: string): string {
  const labels = sampleArgument(sample).fields.get('Labels');
  const value = labels instanceof GoMap ? labels.get(name) : '';
  return typeof value === 'string' ? value : '';
}

function sortedByLabel(name: string, list: Value): GoList {
  const samples = [...samplesArgument(list)];
  samples.sort((a, b) => compareText(sampleLabel(a, name), sampleLabel(b, name)));
  return new GoList(samples, SAMPLES);
}

function parseSeconds(text: string): number {
  const negative = text.startsWith('-');
  const ms = parseDuration(negative ? text.slice(1) : text);
  if (ms === undefined) {
    throw executionFailure(`not a valid duration string: ${JSON.stringify(text)}`);
  }
  return ((negative ? -1 : 1) * ms) / 1000;
}

/** Each word's first letter; what is neither letter, digit, underscore nor quote ends a word. */
function title(text: string): string {
  let titled = '';
  let before = ' ';
  for (const char of text) {
    const isAscii = before.charCodeAt(0) < 0x80;
    const separates = isAscii ? !/[A-Za-z0-9_]/.test(before) : /\p{Z}/u.test(before);
    titled += separates ? char.toUpperCase() : char;
    before = char;
  }
  return titled;
}

/** RE2 runs in time proportional to text times pattern, which is what the budget is charged. */
function compiled(pattern: string, text: string, work: Work): RE2JS {
  if (pattern.length > PATTERN_CHARACTERS_MAX) {
    throw executionFailure(`a regular expression of ${pattern.length} characters is too long`);
  }
  work.charge(pattern.length * (text.length + 8));
  try {
    return RE2JS.compile(pattern);
  } catch (thrown) {
    throw executionFailure(`the regular expression cannot be read: ${messageOf(thrown)}`);
  }
}

/** `$1`, `${1}` and `${name}` in the replacement stand for groups, `$$` for a dollar; unknown ones for nothing. */
function replaceAll(pattern: string, replacement: string, text: string, work: Work): string {
  const regex = compiled(pattern, text, work);
  const names = new Map(Object.entries(regex.namedGroups()));
  const matcher = regex.matcher(text);
  let replaced = '';
  let at = 0;
  while (matcher.find()) {
    const start = matcher.start();
    const expanded = replacement.replace(
      /\$(?:\$|\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))/g,
      (whole: string, braced: string | undefined, bare: string | undefined) => {
        if (whole === '$$') return '$';
        const name = braced ?? bare ?? '';
        const group = /^\d{1,4}$/.test(name) ? Number(name) : names.get(name);
        if (group === undefined || group > matcher.groupCount()) return '';
        return matcher.group(group) ?? '';
      },
    );
    replaced += text.slice(at, start) + expanded;
    work.charge(expanded.length + 1);
    at = matcher.end();
  }
  return replaced + text.slice(at);
}

function stripPort(text: string): string {
  const bracketed = /^\[([^[\]]*)\]:[^:[\]]*$/.exec(text);
  if (bracketed) return bracketed[1]!;
  const plain = /^([^:[\]]*):[^:[\]]*$/.exec(text);
  return plain ? plain[1]! : text;
}

function stripDomain(text: string): string {
  const host = stripPort(text);
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(host) || host.includes(':')) return text;
  const port = host === text ? '' : text.slice(text.lastIndexOf(':'));
  return host.split('.')[0]! + port;
}

function argumentMap(args: readonly Value[]): GoMap {
  return new GoMap(new Map(args.map((value, i) => [`arg${i}`, value])));
}
