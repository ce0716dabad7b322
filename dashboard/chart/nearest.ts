export interface TooltipRow {
  readonly index: number;
  /** The series' own value, before stacking or mirroring. */
  readonly value: number;
}

export interface TooltipRows {
  readonly rows: readonly TooltipRow[];
  /** How many more series have a value at this moment. */
  readonly more: number;
}

export const TOOLTIP_ROWS_MAX = 10;

/**
 * The series of a tooltip: those whose line passes nearest to the pointer come first.
 * `drawn` are the values as placed on the axis, `own` the values to tell.
 */
export function nearestRows(
  drawn: readonly (number | null | undefined)[],
  own: readonly (number | null | undefined)[],
  pointer: number,
  rowsMax: number = TOOLTIP_ROWS_MAX,
): TooltipRows {
  const present: (TooltipRow & { readonly distance: number })[] = [];
  drawn.forEach((place, index) => {
    const value = own[index];
    if (place == null || value == null) return;
    present.push({ index, value, distance: Math.abs(place - pointer) });
  });
  present.sort((a, b) => a.distance - b.distance || a.index - b.index);
  const rows = present.slice(0, rowsMax).map(({ index, value }) => ({ index, value }));
  return { rows, more: present.length - rows.length };
}
