import { Link, getRouteApi } from '@tanstack/react-router';
import { useCallback, useMemo, useState } from 'react';
import type { InventoryHost } from '../api/inventory.ts';
import { useHeldOrder } from '../fleet/held-order.ts';
import { nextSort } from '../fleet/order.ts';
import type { Sort } from '../fleet/order.ts';
import { instanceQueriesOf } from '../fleet/queries.ts';
import { fleetRows, hostStateNow } from '../fleet/rows.ts';
import { FleetTable } from '../fleet/table.tsx';
import { NO_VALUE, ageText, formatCapacity } from '../format/units.ts';
import { useServerNow } from '../live/connection-mark.tsx';
import type { Feed } from '../live/feed.ts';
import { useFeedView, useNow } from '../live/use-feed.ts';
import { hostPanels } from '../panels/host.ts';
import { isOutdated, useInventory } from '../shell/queries.ts';
import { StateMark } from '../shell/state-mark.tsx';
import { useTitle } from '../shell/title.ts';
import { ChartsPage } from './charts.tsx';
import styles from './host.module.css';
import { Subject } from './subject.tsx';

const route = getRouteApi('/hosts/$instance');

export function HostPage() {
  const { instance } = route.useParams();
  useTitle(instance);
  const panelsFor = useCallback((window: string) => hostPanels(instance, window), [instance]);
  const moreQueries = useMemo(() => instanceQueriesOf(instance), [instance]);
  return (
    <ChartsPage
      renderTitle={(disconnected) => <Head instance={instance} disconnected={disconnected} />}
      search={route.useSearch()}
      panelsFor={panelsFor}
      moreQueries={moreQueries}
      renderAfter={(feed) => <Instances instance={instance} feed={feed} />}
    />
  );
}

function Head({
  instance,
  disconnected,
}: {
  readonly instance: string;
  readonly disconnected: boolean;
}) {
  const inventory = useInventory();
  const { data } = inventory;
  const now = useNow();
  const nowMs = useServerNow();
  const host = data?.hosts.find((one) => one.instance === instance);
  const state = host && hostStateNow(host.state, disconnected || isOutdated(inventory, now));
  const mark = host && state && (
    <StateMark
      state={state}
      detail={state === 'stale' ? `seen ${ageText(nowMs - host.lastSeenMs)}` : undefined}
    />
  );
  return (
    <Subject name={instance} path="Host" mark={mark} facts={facts(host, data !== undefined)} />
  );
}

const LIBVIRT = {
  up: 'connected',
  down: 'not reachable',
  none: 'not installed',
  unknown: NO_VALUE,
} as const;

function facts(
  host: InventoryHost | undefined,
  known: boolean,
): readonly (readonly [string, string])[] {
  if (!host) return known ? [['Seen', 'not in the last hour']] : [['Cores', '…']];
  return [
    ['Cores', formatCapacity('number', host.cpus)],
    ['Memory', formatCapacity('bytes', host.memoryBytes)],
    ['libvirt', LIBVIRT[host.libvirt]],
    ['Instances', String(host.instances)],
  ];
}

/** Who uses this host: its instances, the busiest first. */
function Instances({ instance, feed }: { readonly instance: string; readonly feed: Feed }) {
  const inventory = useInventory();
  const { data } = inventory;
  const view = useFeedView(feed);
  const nowMs = useServerNow();
  const now = useNow();
  const outdated = isOutdated(inventory, now);
  const stale = feed.isStale(now);
  const following = feed.options.range.kind === 'following';
  const [sort, setSort] = useState<Sort>({ column: 'cpu', descending: true });
  const rows = useMemo(() => {
    if (!data) return [];
    const mine = data.instances.filter((one) => one.host === instance);
    const known = fleetRows(
      { ...data, instances: mine },
      (kind, measure) =>
        kind === 'host' || stale ? new Map<string, number>() : view.latest(`instances.${measure}`),
      outdated,
    );
    return known.filter((row) => row.kind === 'instance');
  }, [data, instance, view, stale, outdated]);
  const ordered = useHeldOrder(rows, 'instances', sort, now);
  if (!following || rows.length === 0) return null;
  return (
    <section className={styles['instances']} aria-labelledby="instances-title">
      <div className={styles['heading']}>
        <h2 id="instances-title">Instances now</h2>
        <Link to="/" search={{ filter: instance, show: 'instances' }}>
          Show in the fleet
        </Link>
      </div>
      <FleetTable
        rows={ordered}
        sort={sort}
        tree
        flat
        nowMs={nowMs}
        onSort={(column) => setSort(nextSort(sort, column))}
      />
    </section>
  );
}
