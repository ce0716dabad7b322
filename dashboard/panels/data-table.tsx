import { useMemo } from 'react';
import type { ChartSeries } from '../chart/options.ts';
import { statistics } from '../chart/summary.ts';
import { ScrollRegion } from '../controls/scroll-region.tsx';
import { dayAndClock } from '../format/moment.ts';
import { formatValue } from '../format/units.ts';
import type { Unit } from '../format/units.ts';
import styles from './data-table.module.css';

interface DataTableProps {
  readonly title: string;
  readonly unit: Unit;
  readonly timesMs: readonly number[];
  readonly series: readonly ChartSeries[];
}

/** Enough rows to read a course from; the API has them all. */
const ROWS_MAX = 60;

/** The chart as numbers: statistics of each series, then moments spread over the range, newest first. */
export function DataTable({ title, unit, timesMs, series }: DataTableProps) {
  const rows = useMemo(() => spreadRows(timesMs.length, ROWS_MAX), [timesMs.length]);
  const numbers = series.map((one) => statistics(one.values));
  return (
    <ScrollRegion className={styles['scroll']} label={`${title}: values`}>
      <table className={styles['table']}>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {series.map((one) => (
              <th key={one.key} scope="col">
                {one.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className={styles['statistics']}>
          {(['max', 'mean', 'min'] as const).map((kind) => (
            <tr key={kind}>
              <th scope="row">{kind}</th>
              {series.map((one, i) => (
                <td key={one.key}>{formatValue(unit, numbers[i]![kind])}</td>
              ))}
            </tr>
          ))}
        </tbody>
        <tbody>
          {rows.map((row) => (
            <tr key={timesMs[row]}>
              <th scope="row">{dayAndClock(timesMs[row]!)}</th>
              {series.map((one) => (
                <td key={one.key}>{formatValue(unit, one.values[row])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}

function spreadRows(count: number, rowsMax: number): readonly number[] {
  const every = Math.max(1, Math.ceil(count / rowsMax));
  const rows: number[] = [];
  for (let row = count - 1; row >= 0; row -= every) rows.push(row);
  return rows;
}
