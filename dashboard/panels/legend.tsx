import { useMemo, useState } from 'react';
import type { ChartSeries } from '../chart/options.ts';
import { statistics } from '../chart/summary.ts';
import { formatValue } from '../format/units.ts';
import type { Unit } from '../format/units.ts';
import styles from './legend.module.css';
import { isolate, toggle } from './visibility.ts';

interface LegendProps {
  readonly title: string;
  readonly unit: Unit;
  readonly series: readonly ChartSeries[];
  readonly hidden: ReadonlySet<string>;
  /** The row under the crosshair; without one the newest values are told. */
  readonly row: number | null;
  /** `now`: only the newest row counts. `past`: the last value of the range. `none`: nothing is current. */
  readonly newest: 'now' | 'past' | 'none';
  readonly onHide: (hidden: ReadonlySet<string>) => void;
}

/** More entries than this wait behind a button. */
const ENTRIES_MAX = 8;

export function Legend({ title, unit, series, hidden, row, newest, onHide }: LegendProps) {
  const [all, setAll] = useState(false);
  const keys = useMemo(() => series.map((one) => one.key), [series]);
  const shown = all ? series : series.slice(0, ENTRIES_MAX);
  return (
    <ul className={styles['legend']} aria-label={`${title}: series`}>
      {shown.map((one) => {
        const value = row === null ? newestValue(one, newest) : (one.values[row] ?? null);
        return (
          <li key={one.key}>
            <button
              type="button"
              className={styles['entry']}
              aria-pressed={!hidden.has(one.key)}
              title="Click to show it alone, with Ctrl or Shift to hide or show it"
              onClick={(event) => {
                const change = event.ctrlKey || event.metaKey || event.shiftKey ? toggle : isolate;
                onHide(change(keys, hidden, one.key));
              }}
            >
              <span
                className={one.dash.length > 0 ? styles['dashed'] : styles['solid']}
                style={{ color: `var(${one.token})` }}
                aria-hidden
              />
              <span className={styles['name']}>{one.name}</span>
              <span className={styles['value']}>{formatValue(unit, value)}</span>
            </button>
          </li>
        );
      })}
      {series.length > ENTRIES_MAX && (
        <li>
          <button type="button" className={styles['more']} onClick={() => setAll(!all)}>
            {all ? 'fewer' : `${series.length - ENTRIES_MAX} more`}
          </button>
        </li>
      )}
    </ul>
  );
}

function newestValue(
  { values }: ChartSeries,
  newest: LegendProps['newest'],
): number | null | undefined {
  if (newest === 'none') return null;
  return newest === 'now' ? values.at(-1) : statistics(values).last;
}
