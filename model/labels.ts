/**
 * A label set: what tells one series from another. Sorted by name, without duplicates and without empty
 * values (an empty value and an absent label are the same thing), frozen by convention.
 *
 * The form is one flat array, [name, value, name, value, …]: half the objects of a list of pairs, it
 * survives being posted to a worker, and two sets compare by walking both once. Because a label set is
 * an object, its identity serves as a cheap key: a source that keeps and re-sends the very same array is
 * recognised by the store without comparing a single character.
 */
export type Labels = readonly string[] & { readonly [labelsBrand]: true };
declare const labelsBrand: unique symbol;

/** The label that holds a series' metric name. */
export const METRIC_NAME = '__name__';

export const NO_LABELS: Labels = [] as unknown as Labels;

/** Order of names and values is by UTF-16 code unit, which is what `<` on strings gives. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Makes a label set from pairs in any order. Of a repeated name the last value counts. */
export function labelsFromPairs(pairs: Iterable<readonly [string, string]>): Labels {
  const byName = new Map<string, string>();
  for (const [name, value] of pairs) byName.set(name, value);
  return labelsFromMap(byName);
}

export function labelsFromMap(byName: ReadonlyMap<string, string>): Labels {
  const names = [...byName.keys()].sort(compareText);
  const flat: string[] = [];
  for (const name of names) {
    const value = byName.get(name)!;
    if (value !== '') flat.push(name, value);
  }
  return flat as unknown as Labels;
}

export function labelsFrom(record: Readonly<Record<string, string>>): Labels {
  return labelsFromPairs(Object.entries(record));
}

/** The series `name{record}`. */
export function metric(name: string, record: Readonly<Record<string, string>> = {}): Labels {
  return labelsFromPairs([...Object.entries(record), [METRIC_NAME, name]]);
}

/** Adopts an array that the caller knows to be sorted, free of duplicates and of empty values. */
export function labelsFromSorted(flat: string[]): Labels {
  return flat as unknown as Labels;
}

/** Whether a flat array already has the form of a label set. */
export function isSortedLabels(flat: readonly string[]): boolean {
  for (let i = 0; i < flat.length; i += 2) {
    if (flat[i + 1] === '' || flat[i] === '') return false;
    if (i > 0 && !(flat[i - 2]! < flat[i]!)) return false;
  }
  return true;
}

/** The value of a label, or the empty string, which means that it has none. */
export function labelValue(labels: Labels, name: string): string {
  for (let i = 0; i < labels.length; i += 2) if (labels[i] === name) return labels[i + 1]!;
  return '';
}

export function metricName(labels: Labels): string {
  return labelValue(labels, METRIC_NAME);
}

/** The same set with some labels set anew; an empty value removes the label. */
export function withLabels(labels: Labels, changes: Readonly<Record<string, string>>): Labels {
  const byName = new Map(labelPairs(labels));
  for (const [name, value] of Object.entries(changes)) byName.set(name, value);
  return labelsFromMap(byName);
}

/** Only the named labels. */
export function keepLabels(labels: Labels, names: ReadonlySet<string>): Labels {
  const flat: string[] = [];
  for (let i = 0; i < labels.length; i += 2) {
    if (names.has(labels[i]!)) flat.push(labels[i]!, labels[i + 1]!);
  }
  return flat as unknown as Labels;
}

/** All labels but the named ones. */
export function dropLabels(labels: Labels, names: ReadonlySet<string>): Labels {
  const flat: string[] = [];
  for (let i = 0; i < labels.length; i += 2) {
    if (!names.has(labels[i]!)) flat.push(labels[i]!, labels[i + 1]!);
  }
  return flat as unknown as Labels;
}

export function* labelPairs(labels: Labels): Generator<[string, string]> {
  for (let i = 0; i < labels.length; i += 2) yield [labels[i]!, labels[i + 1]!];
}

export function labelsToRecord(labels: Labels): Record<string, string> {
  // fromEntries defines own properties, so a label called __proto__ stays a label.
  return Object.fromEntries(labelPairs(labels));
}

/**
 * A string that is equal exactly for equal sets, for use as a Map key. The separator is a lone surrogate,
 * which no text that was ever decoded from UTF-8 can contain.
 */
export function labelsKey(labels: Labels): string {
  return labels.join('\ud800');
}

export function equalLabels(a: Labels, b: Labels): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Orders as Prometheus does: pair by pair, and a set that is a prefix of another comes first. */
export function compareLabels(a: Labels, b: Labels): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const order = compareText(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

const LEGACY_LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const LEGACY_METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** As people write it: `up{job="node"}`; names outside the classic alphabet are quoted. */
export function labelsToText(labels: Labels): string {
  const name = metricName(labels);
  const plainName = LEGACY_METRIC_NAME.test(name);
  const parts: string[] = [];
  if (name !== '' && !plainName) parts.push(JSON.stringify(name));
  for (const [label, value] of labelPairs(labels)) {
    if (label === METRIC_NAME) continue;
    const shown = LEGACY_LABEL_NAME.test(label) ? label : JSON.stringify(label);
    parts.push(`${shown}=${JSON.stringify(value)}`);
  }
  if (plainName && parts.length === 0) return name;
  return `${plainName ? name : ''}{${parts.join(', ')}}`;
}
