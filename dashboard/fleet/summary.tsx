import { formatValue } from '../format/units.ts';
import type { Unit } from '../format/units.ts';
import type { FeedView } from '../live/feed.ts';
import type { Total } from './queries.ts';
import { capacityText } from './rows.ts';
import type { Capacity, FleetSummary } from './rows.ts';
import { Sparkline } from './sparkline.tsx';
import styles from './summary.module.css';

/** The fleet in six numbers. */
export function Summary({
  summary,
  view,
  stale,
}: {
  readonly summary: FleetSummary;
  readonly view: FeedView;
  readonly stale: boolean;
}) {
  const total = (name: Total, unit: Unit, capacity?: Capacity) => (
    <TotalTile
      label={LABELS[name]}
      unit={unit}
      capacity={capacity}
      values={valuesOf(view, name)}
      stale={stale}
    />
  );
  const others = [
    summary.otherwise > 0 ? `${summary.otherwise} not running` : '',
    summary.unknown > 0 ? `${summary.unknown} unknown` : '',
    summary.ended > 0 ? `${summary.ended} ended` : '',
  ].filter(Boolean);
  return (
    <ul className={styles['summary']} aria-label="Summary">
      <li className={styles['tile']}>
        <span className={styles['label']}>Hosts</span>
        <span className={styles['number']}>{summary.hostsLive}</span>
        <span className={summary.hostsStale > 0 ? styles['warning'] : styles['detail']}>
          {summary.hostsStale > 0 ? `live, ${summary.hostsStale} stale` : 'all live'}
        </span>
        <Shares
          parts={[
            ['good', summary.hostsLive],
            ['unknownPart', summary.hostsStale],
          ]}
        />
      </li>
      <li className={styles['tile']}>
        <span className={styles['label']}>Instances</span>
        <span className={styles['number']}>{summary.running}</span>
        <span className={styles['detail']}>
          running{others.length > 0 ? `, ${others.join(', ')}` : ''}
        </span>
        <Shares
          parts={[
            ['good', summary.running],
            ['otherwise', summary.otherwise],
            ['unknownPart', summary.unknown],
            ['ended', summary.ended],
          ]}
        />
      </li>
      {total('cores', 'cores', summary.cpus)}
      {total('memory', 'bytes', summary.memoryBytes)}
      {total('network', 'bytes/s')}
      {total('disk', 'bytes/s')}
    </ul>
  );
}

/** How the whole divides, in the order of the words above it. */
function Shares({ parts }: { readonly parts: readonly (readonly [string, number])[] }) {
  return (
    <span className={styles['shares']} aria-hidden>
      {parts.map(([kind, count]) =>
        count === 0 ? null : (
          <span key={kind} className={styles[kind]} style={{ flexGrow: count }} />
        ),
      )}
    </span>
  );
}

const LABELS: Readonly<Record<Total, string>> = {
  cores: 'Cores used',
  memory: 'Memory used',
  network: 'Network in + out',
  disk: 'Disk read + write',
};

function valuesOf(view: FeedView, name: Total): readonly (number | null)[] {
  const state = view.state(`total.${name}`);
  return state.kind === 'ready' ? (state.frame.series[0]?.values ?? []) : [];
}

function TotalTile({
  label,
  unit,
  capacity,
  values,
  stale,
}: {
  readonly label: string;
  readonly unit: Unit;
  readonly capacity?: Capacity | undefined;
  readonly values: readonly (number | null)[];
  readonly stale: boolean;
}) {
  const last = stale ? null : (values.at(-1) ?? null);
  const largest = values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
  // Where a part is missing the line may pass what is known.
  const whole = capacity && capacity.known > 0 && capacity.hostsUnknown === 0;
  const max = whole ? capacity.known : Math.max(largest * 1.1, 1);
  return (
    <li className={stale ? styles['tileStale'] : styles['tile']}>
      <span className={styles['label']}>{label}</span>
      <span className={styles['number']}>{formatValue(unit, last).replace(' cores', '')}</span>
      {capacity !== undefined && (
        <span className={styles['detail']}>{capacityText(unit, capacity)}</span>
      )}
      <span className={styles['spark']}>
        <Sparkline values={values} max={max} />
      </span>
    </li>
  );
}
