import { COMPARISONS } from './comparison.ts';
import { executionFailure } from './failure.ts';
import { fixed, textArgument, variadic } from './functions.ts';
import type { FunctionTable, TemplateFunction } from './functions.ts';
import { sprintf } from './printf.ts';
import { sprint, valueText } from './text.ts';
import { GoList, GoMap, isTrue, typeName } from './values.ts';
import type { Value } from './values.ts';

/** The functions that every Go template has. `and` and `or` are evaluated by the interpreter itself. */
export const BUILTINS: FunctionTable = new Map<string, TemplateFunction>([
  ...COMPARISONS,
  ['and', variadic(1, (args) => args.find((value) => !isTrue(value)) ?? args.at(-1))],
  ['or', variadic(1, (args) => args.find(isTrue) ?? args.at(-1))],
  ['not', fixed(1, ([value]) => !isTrue(value))],
  ['len', fixed(1, ([value]) => BigInt(lengthOf(value)))],
  ['index', variadic(1, ([container, ...path]) => path.reduce(element, container))],
  ['slice', { min: 1, max: 4, call: ([value, ...bounds]) => sliced(value, bounds) }],
  ['print', variadic(0, (args) => sprint(args))],
  ['println', variadic(0, (args) => `${args.map(valueText).join(' ')}\n`)],
  ['printf', variadic(1, ([format, ...args]) => sprintf(textArgument(format), args))],
  ['html', variadic(0, (args) => escapeHtml(joined(args)))],
  ['js', variadic(0, (args) => escapeScript(joined(args)))],
  ['urlquery', variadic(0, (args) => escapeQuery(joined(args)))],
  [
    'call',
    variadic(1, ([value]) => {
      throw executionFailure(`call of a value of type ${typeName(value)}, which is no function`);
    }),
  ],
]);

function joined(args: readonly Value[]): string {
  const [only] = args;
  return args.length === 1 && typeof only === 'string' ? only : sprint(args);
}

function lengthOf(value: Value): number {
  if (typeof value === 'string') return new TextEncoder().encode(value).length;
  if (value instanceof GoMap) return value.entries.size;
  if (value instanceof GoList) return value.items.length;
  throw executionFailure(`len of type ${typeName(value)}`);
}

function element(container: Value, key: Value): Value {
  if (container instanceof GoMap) {
    if (typeof key === 'string') return container.get(key);
    throw executionFailure(`value has type ${typeName(key)}; should be string`);
  }
  if (container === undefined) throw executionFailure('index of untyped nil');
  const length =
    container instanceof GoList || typeof container === 'string' ? lengthOf(container) : -1;
  if (length < 0) throw executionFailure(`can't index item of type ${typeName(container)}`);
  const at = position(key, length - 1);
  return container instanceof GoList
    ? container.items[at]
    : BigInt(new TextEncoder().encode(container as string)[at]!);
}

function position(index: Value, max: number): number {
  if (typeof index !== 'bigint') {
    throw executionFailure(`cannot index slice/array with type ${typeName(index)}`);
  }
  if (index < 0n || index > BigInt(max)) throw executionFailure(`index out of range: ${index}`);
  return Number(index);
}

function sliced(value: Value, bounds: readonly Value[]): Value {
  if (typeof value !== 'string' && !(value instanceof GoList)) {
    throw executionFailure(`can't slice item of type ${typeName(value)}`);
  }
  if (typeof value === 'string' && bounds.length > 2) {
    throw executionFailure('cannot 3-index slice a string');
  }
  const length = lengthOf(value);
  const places = bounds.map((bound) => position(bound, length));
  const [start = 0, end = length, capacity = length] = places;
  if (start > end || end > capacity) {
    throw executionFailure(`invalid slice index: ${start} > ${end}`);
  }
  if (value instanceof GoList) return new GoList(value.items.slice(start, end), value.type);
  return new TextDecoder('utf-8').decode(new TextEncoder().encode(value).slice(start, end));
}

const HTML: Readonly<Record<string, string>> = {
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
};

export function escapeHtml(text: string): string {
  return text.replace(/["'&<>]/g, (char) => HTML[char]!).replaceAll('\0', '\ufffd');
}

const SCRIPT: ReadonlyMap<string, string> = new Map([
  ['\\', '\\\\'],
  ["'", "\\'"],
  ['"', '\\"'],
  ['<', '\\u003C'],
  ['>', '\\u003E'],
  ['&', '\\u0026'],
  ['=', '\\u003D'],
]);

function escapeScript(text: string): string {
  let escaped = '';
  for (const char of text) {
    const point = char.codePointAt(0)!;
    const known = SCRIPT.get(char);
    if (known !== undefined) escaped += known;
    else if (point < 0x20 || (point > 0x7e && char !== ' ' && /[\p{C}\p{Z}]/u.test(char))) {
      escaped += `\\u${point.toString(16).toUpperCase().padStart(4, '0')}`;
    } else escaped += char;
  }
  return escaped;
}

/** As Go's url.QueryEscape: a space becomes `+`, only letters, digits and `-_.~` stay. */
export function escapeQuery(text: string): string {
  // A lone surrogate would make encodeURIComponent throw.
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}
