import { Link } from '@tanstack/react-router';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp, Box, Server } from 'lucide-react';
import { memo, useLayoutEffect, useRef, useState } from 'react';
import { momentWords } from '../format/moment.ts';
import { NO_VALUE, ageText, formatCapacity, formatValue } from '../format/units.ts';
import { StateMark } from '../shell/state-mark.tsx';
import { Bar } from './bar.tsx';
import { barScale, loadValue, rowName } from './order.ts';
import type { Sort, SortColumn } from './order.ts';
import type { Load, Row } from './rows.ts';
import styles from './table.module.css';

interface TableProps {
  readonly rows: readonly Row[];
  readonly sort: Sort;
  readonly onSort: (column: SortColumn) => void;
  readonly nowMs: number;
  /** Whether the host of an instance is plain from where it stands. */
  readonly tree: boolean;
  /** Without hosts there is nothing to be indented under. */
  readonly flat?: boolean;
}

const COLUMNS: readonly (readonly [SortColumn, string, hint?: string])[] = [
  ['name', 'Name'],
  ['state', 'State'],
  ['cpu', 'CPU'],
  [
    'memory',
    'Memory',
    'Of a host: memory in use. Of an instance: host memory that it takes, with what QEMU needs for itself.',
  ],
  ['network', 'Network'],
  ['disk', 'Disk'],
];

const ROW_PX = 38;

export interface Scales {
  readonly network: number;
  readonly disk: number;
}

/** Only the rows in sight exist; the roles tell how many there are. */
export function FleetTable({ rows, sort, onSort, nowMs, tree, flat = false }: TableProps) {
  const body = useRef<HTMLDivElement>(null);
  const [offset, setOffset] = useState(0);
  useLayoutEffect(() => {
    const measure = (): void => {
      setOffset((body.current?.getBoundingClientRect().top ?? 0) + window.scrollY);
    };
    // What stands above the table may grow or shrink at any time.
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, []);
  // Its functions are called in this render only and never handed on, so nothing keeps an old one.
  // oxlint-disable-next-line react/incompatible-library
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => ROW_PX,
    overscan: 8,
    scrollMargin: offset,
    getItemKey: (index) => rows[index]!.id,
  });
  const scales = {
    network: barScale(
      rows.map((row) => loadValue(row.load, 'network')),
      1e5,
    ),
    disk: barScale(
      rows.map((row) => loadValue(row.load, 'disk')),
      1e5,
    ),
  };
  return (
    <div
      className={styles['table']}
      role="table"
      aria-label="Hosts and instances"
      aria-rowcount={rows.length + 1}
      aria-colcount={COLUMNS.length}
    >
      <div role="rowgroup" className={styles['head']}>
        <div role="row" className={styles['headRow']} aria-rowindex={1}>
          {COLUMNS.map(([column, label, hint]) => (
            <Head key={column} {...{ column, label, hint, sort, onSort }} />
          ))}
        </div>
      </div>
      <div
        ref={body}
        role="rowgroup"
        className={styles['body']}
        style={{ height: virtual.getTotalSize() }}
      >
        {virtual.getVirtualItems().map((item) => (
          <RowLine
            key={item.key}
            row={rows[item.index]!}
            index={item.index}
            top={item.start - offset}
            nowMs={nowMs}
            tree={tree}
            flat={flat}
            scales={scales}
          />
        ))}
      </div>
    </div>
  );
}

function Head({
  column,
  label,
  hint,
  sort,
  onSort,
}: {
  readonly column: SortColumn;
  readonly label: string;
  readonly hint: string | undefined;
  readonly sort: Sort;
  readonly onSort: (column: SortColumn) => void;
}) {
  const active = sort.column === column;
  const direction = sort.descending ? 'descending' : 'ascending';
  return (
    <div role="columnheader" className={styles[column]} aria-sort={active ? direction : 'none'}>
      <button type="button" className={styles['sort']} title={hint} onClick={() => onSort(column)}>
        {label}
        {active &&
          (sort.descending ? (
            <ArrowDown size={13} aria-hidden />
          ) : (
            <ArrowUp size={13} aria-hidden />
          ))}
      </button>
    </div>
  );
}

interface RowLineProps {
  readonly row: Row;
  readonly index: number;
  readonly top: number;
  readonly nowMs: number;
  readonly tree: boolean;
  readonly flat: boolean;
  readonly scales: Scales;
}

const RowLine = memo(function RowLine(props: RowLineProps) {
  const { row, index, top, nowMs, tree, flat, scales } = props;
  const indent = tree && !flat && row.kind === 'instance';
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={row.kind === 'host' ? styles['hostRow'] : styles['row']}
      data-state={row.kind === 'host' ? row.host.state : row.state}
      data-kind={row.kind}
      style={{ transform: `translateY(${top}px)` }}
    >
      <div role="cell" className={indent ? styles['nameIndented'] : styles['name']}>
        <Name row={row} tree={tree} />
      </div>
      <div role="cell" className={styles['state']}>
        <State row={row} nowMs={nowMs} />
      </div>
      <LoadCells row={row} scales={scales} />
    </div>
  );
});

function Name({ row, tree }: { readonly row: Row; readonly tree: boolean }) {
  if (row.kind === 'host') {
    const { instance, cpus, memoryBytes, libvirt } = row.host;
    return (
      <>
        <Server size={15} aria-hidden className={styles['icon']} />
        <Link to="/hosts/$instance" params={{ instance }} className={styles['rowLink']}>
          {instance}
        </Link>
        <span className={styles['about']}>
          {cpus ?? NO_VALUE} cores · {formatCapacity('bytes', memoryBytes)}
          {libvirt === 'down' && <span className={styles['warning']}> · libvirt down</span>}
        </span>
      </>
    );
  }
  const { uuid, name, domain, host, flavor, project, vcpus } = row.instance;
  const about = [tree ? '' : host, project, flavor || `${vcpus ?? NO_VALUE} vCPU`].filter(Boolean);
  return (
    <>
      <Box size={15} aria-hidden className={styles['icon']} />
      <Link to="/instances/$uuid" params={{ uuid }} className={styles['rowLink']} title={domain}>
        {rowName(row)}
      </Link>
      <span className={styles['about']}>
        {name !== '' && name !== domain ? `${domain} · ` : ''}
        {about.join(' · ')}
      </span>
    </>
  );
}

function State({ row, nowMs }: { readonly row: Row; readonly nowMs: number }) {
  if (row.kind === 'host') {
    const stale = row.host.state === 'stale';
    return (
      <StateMark
        state={row.host.state}
        detail={stale ? `seen ${ageText(nowMs - row.host.lastSeenMs)}` : undefined}
      />
    );
  }
  const { endedAtMs, lastSeenMs } = row.instance;
  const detail =
    row.state === 'ended'
      ? momentWords(endedAtMs ?? lastSeenMs, nowMs)
      : row.state === 'unknown'
        ? `seen ${ageText(nowMs - lastSeenMs)}`
        : undefined;
  return <StateMark state={row.state} detail={detail} />;
}

function LoadCells({ row, scales }: { readonly row: Row; readonly scales: Scales }) {
  const { load } = row;
  const network = loadValue(load, 'network');
  const disk = loadValue(load, 'disk');
  return (
    <>
      <div role="cell" className={styles['cpu']} title={coresTitle(load)}>
        <Bar share={load.cpu} text={formatValue('ratio', load.cpu)} saturates />
      </div>
      <div role="cell" className={styles['memory']} title={memoryTitle(row)}>
        {/* A guest keeps what it has touched once: that it holds all of its memory is no alarm. */}
        <Bar
          share={load.memory}
          text={formatValue('bytes', load.memoryBytes)}
          saturates={row.kind === 'host'}
        />
      </div>
      <div
        role="cell"
        className={styles['network']}
        title={pairTitle(load.received, load.sent, ['in', 'out'])}
      >
        <Bar
          share={network === null ? null : network / scales.network}
          text={formatValue('bytes/s', network)}
          saturates={false}
        />
      </div>
      <div
        role="cell"
        className={styles['disk']}
        title={pairTitle(load.read, load.written, ['read', 'written'])}
      >
        <Bar
          share={disk === null ? null : disk / scales.disk}
          text={formatValue('bytes/s', disk)}
          saturates={false}
        />
      </div>
    </>
  );
}

function coresTitle(load: Load): string | undefined {
  return load.cores === null ? undefined : `${formatValue('cores', load.cores)} in use`;
}

function memoryTitle(row: Row): string | undefined {
  const { memoryBytes } = row.load;
  if (memoryBytes === null) return undefined;
  const taken = formatValue('bytes', memoryBytes);
  return row.kind === 'host'
    ? `${taken} in use of ${formatCapacity('bytes', row.host.memoryBytes)}`
    : `${taken} of host memory, QEMU's own included; ${formatCapacity('bytes', row.instance.memoryBytes)} assigned`;
}

function pairTitle(
  a: number | null,
  b: number | null,
  [first, second]: readonly [string, string],
): string | undefined {
  if (a === null && b === null) return undefined;
  return `${formatValue('bytes/s', a)} ${first}, ${formatValue('bytes/s', b)} ${second}`;
}
