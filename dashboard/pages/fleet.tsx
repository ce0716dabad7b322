import { getRouteApi } from '@tanstack/react-router';
import { AlertTriangle, Search, X } from 'lucide-react';
import { useMemo } from 'react';
import { serverSource } from '../api/source.ts';
import type { Inventory } from '../api/inventory.ts';
import { filterRows, nextSort, parseSort, sortText } from '../fleet/order.ts';
import type { Show } from '../fleet/order.ts';
import { FLEET_QUERIES } from '../fleet/queries.ts';
import { fleetRows, summarise } from '../fleet/rows.ts';
import type { Row } from '../fleet/rows.ts';
import { Summary } from '../fleet/summary.tsx';
import { FleetTable } from '../fleet/table.tsx';
import { useHeldOrder } from '../fleet/held-order.ts';
import { ConnectionMark, useServerNow } from '../live/connection-mark.tsx';
import type { Feed, FeedView } from '../live/feed.ts';
import { useFeed, useFeedView, useNow } from '../live/use-feed.ts';
import type { FleetSearch } from '../search.ts';
import { isOutdated, useInventory } from '../shell/queries.ts';
import { useTitle } from '../shell/title.ts';
import styles from './fleet.module.css';
import { Failed } from './notice.tsx';

const route = getRouteApi('/');

const SPARK_SPAN_MS = 120_000;
const WISH = {
  queries: FLEET_QUERIES,
  range: { kind: 'following', spanMs: SPARK_SPAN_MS, intervalMs: 1000 },
  stepMs: 1000,
} as const;

export function FleetPage() {
  useTitle('Fleet');
  const inventory = useInventory();
  const feed = useFeed(WISH, serverSource);
  return (
    <>
      <div className={styles['heading']}>
        <h1>Fleet</h1>
        <ConnectionMark feed={feed} />
      </div>
      {inventory.data ? (
        <Fleet inventory={inventory.data} updatedMs={inventory.dataUpdatedAt} feed={feed} />
      ) : inventory.isError ? (
        <Failed
          what="The list of hosts and instances"
          error={inventory.error}
          onRetry={() => void inventory.refetch()}
        />
      ) : (
        <Skeleton />
      )}
    </>
  );
}

function Fleet({
  inventory,
  updatedMs,
  feed,
}: {
  readonly inventory: Inventory;
  readonly updatedMs: number;
  readonly feed: Feed;
}) {
  const search: FleetSearch = route.useSearch();
  const navigate = route.useNavigate();
  const nowMs = useServerNow();
  const now = useNow();
  const stale = feed.isStale(now);
  const view = useFeedView(feed);
  const rows = useRows(inventory, view, stale, isOutdated({ dataUpdatedAt: updatedMs }, now));
  const show: Show = search.show ?? 'all';
  const sort = parseSort(search.sort);
  const kept = filterRows(rows, show, search.filter ?? '');
  const shown = useHeldOrder(kept, show, sort, now);
  const change = (next: Partial<Record<keyof FleetSearch, string | undefined>>): void => {
    const merged = { ...search, ...next };
    void navigate({ search: merged as FleetSearch, replace: true, resetScroll: false });
  };
  return (
    <>
      <Summary summary={summarise(rows)} view={view} stale={stale} />
      {inventory.truncated && (
        <p className={styles['notice']} role="status">
          <AlertTriangle size={16} aria-hidden />
          There are more instances than are listed here: those that ended are left out first.
          Queries find all of them.
        </p>
      )}
      <Controls
        filter={search.filter ?? ''}
        show={show}
        count={shown.length}
        onFilter={(filter) => change({ filter: filter === '' ? undefined : filter })}
        onShow={(next) => change({ show: next === 'all' ? undefined : next })}
      />
      {shown.length > 0 ? (
        <FleetTable
          rows={shown}
          sort={sort}
          tree={show === 'all'}
          nowMs={nowMs}
          onSort={(column) => change({ sort: sortText(nextSort(sort, column)) })}
        />
      ) : (
        <Nothing filter={search.filter} empty={rows.length === 0} />
      )}
    </>
  );
}

/** Once the stream is stale no row has a current value. */
function useRows(
  inventory: Inventory,
  view: FeedView,
  stale: boolean,
  outdated: boolean,
): readonly Row[] {
  return useMemo(
    () =>
      fleetRows(
        inventory,
        (kind, measure) => (stale ? new Map<string, number>() : view.latest(`${kind}.${measure}`)),
        outdated,
      ),
    [inventory, view, stale, outdated],
  );
}

const SHOWS: readonly (readonly [Show, string])[] = [
  ['all', 'All'],
  ['hosts', 'Hosts'],
  ['instances', 'Instances'],
];

function Controls({
  filter,
  show,
  count,
  onFilter,
  onShow,
}: {
  readonly filter: string;
  readonly show: Show;
  readonly count: number;
  readonly onFilter: (filter: string) => void;
  readonly onShow: (show: Show) => void;
}) {
  return (
    <div className={styles['controls']} role="search">
      <div className={styles['filter']}>
        <Search size={15} aria-hidden />
        <input
          type="text"
          value={filter}
          placeholder="Filter by name, project, host, state"
          aria-label="Filter hosts and instances"
          aria-keyshortcuts="/"
          data-shortcut="/"
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => onFilter(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return;
            onFilter('');
            event.currentTarget.blur();
          }}
        />
        {filter === '' ? (
          <kbd aria-hidden>/</kbd>
        ) : (
          <button type="button" aria-label="Clear the filter" onClick={() => onFilter('')}>
            <X size={14} aria-hidden />
          </button>
        )}
      </div>
      <div className={styles['segments']} role="group" aria-label="Show">
        {SHOWS.map(([value, label]) => (
          <button
            key={value}
            type="button"
            aria-pressed={show === value}
            onClick={() => onShow(value)}
          >
            {label}
          </button>
        ))}
      </div>
      <span className={styles['count']} role="status">
        {count} {count === 1 ? 'row' : 'rows'}
      </span>
    </div>
  );
}

function Nothing({
  filter,
  empty,
}: {
  readonly filter: string | undefined;
  readonly empty: boolean;
}) {
  return (
    <div className={styles['nothing']} role="status">
      <p className={styles['nothingTitle']}>
        {empty ? 'Nothing has been seen in the last hour' : `Nothing matches “${filter ?? ''}”`}
      </p>
      <p>
        {empty
          ? 'Hosts appear as soon as a collector sends their first sample. The log says what the collector of this machine does.'
          : 'Each word must be part of a name, UUID, project, flavor, host or state.'}
      </p>
    </div>
  );
}

function Skeleton() {
  return (
    <div role="status" className={styles['skeleton']}>
      <span className="visually-hidden">Loading hosts and instances</span>
      <div />
      <div />
    </div>
  );
}
