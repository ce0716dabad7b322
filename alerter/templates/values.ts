import type { Labels } from '../../model/labels.ts';
import { labelPairs } from '../../model/labels.ts';

/**
 * The values of a template, with the types that Go's text/template would see, because types show: `eq 1 1.0`
 * is an error there and `{{ 1e6 }}` prints as a float.
 *
 *   string → string    boolean → bool    bigint → int    number → float64    undefined → nil
 *
 * Everything else is one of the classes below. No property of a JavaScript object is ever looked up by a
 * name from a template: maps are Maps, fields are Map entries, methods come from a table.
 */
export type Value =
  | string
  | boolean
  | bigint
  | number
  | undefined
  | GoMap
  | GoList
  | GoStruct
  | GoNamed
  | GoTime;

/** A map with string keys. A missing key gives `zero`, which depends on the map's element type. */
export class GoMap {
  readonly entries: ReadonlyMap<string, Value>;
  readonly type: string;
  readonly zero: Value;

  constructor(entries: ReadonlyMap<string, Value>, type = 'map[string]interface {}', zero?: Value) {
    this.entries = entries;
    this.type = type;
    this.zero = zero;
  }

  get(key: string): Value {
    return this.entries.has(key) ? this.entries.get(key) : this.zero;
  }

  /** Go prints and ranges maps in the order of their keys. */
  sortedKeys(): string[] {
    return [...this.entries.keys()].sort(compareText);
  }
}

export class GoList {
  readonly items: readonly Value[];
  readonly type: string;

  constructor(items: readonly Value[], type = '[]interface {}') {
    this.items = items;
    this.type = type;
  }
}

/** A struct: a closed set of fields; asking for another one is an error. */
export class GoStruct {
  readonly fields: ReadonlyMap<string, Value>;
  readonly type: string;

  constructor(fields: ReadonlyMap<string, Value>, type: string) {
    this.fields = fields;
    this.type = type;
  }
}

/** An integer with a type of its own that prints as text: a duration, a month, a weekday. */
export class GoNamed {
  readonly value: bigint;
  readonly text: string;
  readonly type: 'time.Duration' | 'time.Month' | 'time.Weekday';

  constructor(type: GoNamed['type'], value: bigint, text: string) {
    this.type = type;
    this.value = value;
    this.text = text;
  }
}

/** A moment in UTC. */
export class GoTime {
  readonly unixNanoseconds: bigint;

  constructor(unixNanoseconds: bigint) {
    this.unixNanoseconds = unixNanoseconds;
  }
}

export function stringMap(entries: Iterable<readonly [string, string]>): GoMap {
  return new GoMap(new Map<string, Value>(entries), 'map[string]string', '');
}

export function labelsMap(labels: Labels): GoMap {
  return stringMap(labelPairs(labels));
}

/** By code point, which is the order of the UTF-8 bytes that Go compares. */
export function compareText(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left === right) continue;
    // Surrogates stand for code points above every other unit.
    const leftHigh = left >= 0xd800 && left <= 0xdfff;
    const rightHigh = right >= 0xd800 && right <= 0xdfff;
    if (leftHigh !== rightHigh) return leftHigh ? 1 : -1;
    return left - right;
  }
  return a.length - b.length;
}

export function typeName(value: Value): string {
  if (value === undefined) return '<nil>';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float64';
  return value instanceof GoTime ? 'time.Time' : value.type;
}

/** What `if` and `and` call true: anything but the zero value; structs always. */
export function isTrue(value: Value): boolean {
  if (value === undefined) return false;
  if (typeof value === 'string') return value !== '';
  if (typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return value !== 0n;
  if (typeof value === 'number') return value !== 0;
  if (value instanceof GoMap) return value.entries.size > 0;
  if (value instanceof GoList) return value.items.length > 0;
  if (value instanceof GoNamed) return value.value !== 0n;
  return true;
}
