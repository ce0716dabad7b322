import { useState } from 'react';
import { orderRows, sortText } from './order.ts';
import type { Show, Sort } from './order.ts';
import type { Row } from './rows.ts';

/** Rows sorted by a moving value change places at most this often: a list that dances cannot be read. */
const REORDER_MS = 5000;

/** The rows in order. Their values move each second, their places do not. */
export function useHeldOrder(
  rows: readonly Row[],
  show: Show,
  sort: Sort,
  nowMs: number,
): readonly Row[] {
  const slot = Math.floor(nowMs / REORDER_MS);
  const anyValue = rows.some((row) => row.load.cpu !== null);
  const members = rows.map((row) => row.id).join();
  const key = [slot, show, sortText(sort), anyValue, members].join(' ');
  const [held, setHeld] = useState<{ readonly key: string; readonly ids: readonly string[] }>();
  if (held?.key !== key) {
    const ordered = orderRows(rows, show, sort);
    setHeld({ key, ids: ordered.map((row) => row.id) });
    return ordered;
  }
  const byId = new Map(rows.map((row) => [row.id, row]));
  return held.ids.flatMap((id) => byId.get(id) ?? []);
}
