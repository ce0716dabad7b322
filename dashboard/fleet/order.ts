import type { Load, Row } from './rows.ts';

export const SORT_COLUMNS = ['name', 'state', 'cpu', 'memory', 'network', 'disk'] as const;
export type SortColumn = (typeof SORT_COLUMNS)[number];

export interface Sort {
  readonly column: SortColumn;
  readonly descending: boolean;
}

export type Show = 'all' | 'hosts' | 'instances';

export const DEFAULT_SORT: Sort = { column: 'name', descending: false };

/** As in the URL: `cpu` ascending, `-cpu` descending. */
export function parseSort(text: string | undefined): Sort {
  const descending = text?.startsWith('-') ?? false;
  const name = descending ? text?.slice(1) : text;
  const column = SORT_COLUMNS.find((known) => known === name);
  return column ? { column, descending } : DEFAULT_SORT;
}

export function sortText(sort: Sort): string {
  return `${sort.descending ? '-' : ''}${sort.column}`;
}

/** What a click on a column's head asks for: numbers start with the largest, names with A. */
export function nextSort(current: Sort, column: SortColumn): Sort {
  if (current.column === column) return { column, descending: !current.descending };
  return { column, descending: column !== 'name' && column !== 'state' };
}

export function filterRows(rows: readonly Row[], show: Show, filter: string): readonly Row[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    if (show === 'hosts' && row.kind !== 'host') return false;
    if (show === 'instances' && row.kind !== 'instance') return false;
    if (words.length === 0) return true;
    const text = searchText(row);
    return words.every((word) => text.includes(word));
  });
}

function searchText(row: Row): string {
  if (row.kind === 'host') return `${row.host.instance} ${row.host.state} host`.toLowerCase();
  const { name, domain, uuid, host, project, flavor } = row.instance;
  return `${name} ${domain} ${uuid} ${host} ${project} ${flavor} ${row.state} instance`.toLowerCase();
}

/**
 * Hosts and instances together stand as a tree, each host before its instances, sorted on each level; one
 * kind alone is one list. Rows without a value come last in either direction.
 */
export function orderRows(rows: readonly Row[], show: Show, sort: Sort): readonly Row[] {
  const compare = comparison(sort);
  const hosts = rows.filter((row) => row.kind === 'host').sort(compare);
  const instances = rows.filter((row) => row.kind === 'instance').sort(compare);
  if (show !== 'all') return [...hosts, ...instances];
  const byHost = new Map<string, Row[]>();
  for (const row of instances) {
    const siblings = byHost.get(row.instance.host);
    if (siblings) siblings.push(row);
    else byHost.set(row.instance.host, [row]);
  }
  const ordered: Row[] = [];
  for (const row of hosts) {
    ordered.push(row, ...(byHost.get(row.host.instance) ?? []));
    byHost.delete(row.host.instance);
  }
  // Their host is filtered out or forgotten.
  for (const orphans of byHost.values()) ordered.push(...orphans);
  return ordered;
}

const NAMES = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

const STATE_ORDER: readonly string[] = [
  'crashed',
  'stale',
  'unknown',
  'paused',
  'blocked',
  'pmsuspended',
  'nostate',
  'shutdown',
  'live',
  'running',
  'shutoff',
  'ended',
];

export function rowName(row: Row): string {
  return row.kind === 'host' ? row.host.instance : row.instance.name || row.instance.domain;
}

export function rowState(row: Row): string {
  return row.kind === 'host' ? row.host.state : row.state;
}

function comparison({ column, descending }: Sort): (a: Row, b: Row) => number {
  const sign = descending ? -1 : 1;
  const byName = (a: Row, b: Row): number =>
    NAMES.compare(rowName(a), rowName(b)) || (a.id < b.id ? -1 : 1);
  switch (column) {
    case 'name':
      return (a, b) => sign * byName(a, b);
    case 'state':
      return (a, b) =>
        sign * (STATE_ORDER.indexOf(rowState(a)) - STATE_ORDER.indexOf(rowState(b))) ||
        byName(a, b);
    case 'cpu':
    case 'memory':
    case 'network':
    case 'disk':
      return (a, b) => {
        const [x, y] = [sortValue(a, column), sortValue(b, column)];
        if (x === null || y === null) {
          return x === y ? byName(a, b) : x === null ? 1 : -1;
        }
        return sign * (x - y) || byName(a, b);
      };
  }
}

/** Of instances, the memory that they take counts: their shares all end at the same mark. */
function sortValue(row: Row, column: 'cpu' | 'memory' | 'network' | 'disk'): number | null {
  const isGuestMemory = row.kind === 'instance' && column === 'memory';
  return isGuestMemory ? row.load.memoryBytes : loadValue(row.load, column);
}

/** The one number that stands for a column. */
export function loadValue(
  load: Load,
  column: 'cpu' | 'memory' | 'network' | 'disk',
): number | null {
  switch (column) {
    case 'cpu':
      return load.cpu ?? load.cores;
    case 'memory':
      return load.memory ?? load.memoryBytes;
    case 'network':
      return both(load.received, load.sent);
    case 'disk':
      return both(load.read, load.written);
  }
}

function both(a: number | null, b: number | null): number | null {
  return a === null && b === null ? null : (a ?? 0) + (b ?? 0);
}

/**
 * Where the bars of rates end: the next of 1, 2, 5, 10, … above the largest value, so that it stands still
 * while values move, and never so low that noise fills it.
 */
export function barScale(values: readonly (number | null)[], atLeast: number): number {
  const largest = values.reduce<number>((most, value) => Math.max(most, value ?? 0), atLeast);
  const power = 10 ** Math.floor(Math.log10(largest));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= largest) ?? 10;
  return step * power;
}
