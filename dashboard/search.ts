import { SORT_COLUMNS, parseSort, sortText } from './fleet/order.ts';
import type { Show } from './fleet/order.ts';
import { parseRange } from './time/range.ts';

/** The state of the fleet page as its URL has it; what is default is left out. */
export interface FleetSearch {
  readonly filter?: string;
  readonly sort?: string;
  readonly show?: Exclude<Show, 'all'>;
}

export interface RangeSearch {
  readonly from?: string;
  readonly to?: string;
}

const FILTER_CHARACTERS_MAX = 200;

/** Keeps what makes sense of a URL that anybody may have written. */
export function fleetSearch(raw: Readonly<Record<string, unknown>>): FleetSearch {
  const filter = textOf(raw['filter']);
  const sort = textOf(raw['sort']);
  const show = textOf(raw['show']);
  return {
    ...(filter ? { filter: filter.slice(0, FILTER_CHARACTERS_MAX) } : {}),
    ...(sort && SORT_COLUMNS.some((column) => sort.replace(/^-/, '') === column)
      ? { sort: sortText(parseSort(sort)) }
      : {}),
    ...(show === 'hosts' || show === 'instances' ? { show } : {}),
  };
}

export function rangeSearchOf(raw: Readonly<Record<string, unknown>>): RangeSearch {
  const from = textOf(raw['from']);
  const to = textOf(raw['to']);
  if (from === undefined || !parseRange(from, to)) return {};
  return to === undefined ? { from } : { from, to };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Plain `a=b&c=d`: every value is text, so that URLs read and type as people expect. */
export function parseSearch(search: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search));
}

export function stringifySearch(search: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(search).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' ? [[name, value]] : [],
  );
  const text = new URLSearchParams(pairs).toString();
  return text === '' ? '' : `?${text}`;
}
