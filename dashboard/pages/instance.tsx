import { useQuery } from '@tanstack/react-query';
import { Link, getRouteApi } from '@tanstack/react-router';
import { ChevronRight, Flag } from 'lucide-react';
import { useCallback, useMemo, useState } from 'react';
import { fetchInventory } from '../api/inventory.ts';
import type { InventoryInstance } from '../api/inventory.ts';
import { instanceStateNow } from '../fleet/rows.ts';
import { dayAndClock, momentWords } from '../format/moment.ts';
import { ageText, formatCapacity } from '../format/units.ts';
import { useServerNow } from '../live/connection-mark.tsx';
import { useNow } from '../live/use-feed.ts';
import { instancePanels } from '../panels/instance.ts';
import { isOutdated, useInventory } from '../shell/queries.ts';
import { StateMark } from '../shell/state-mark.tsx';
import { useTitle } from '../shell/title.ts';
import { DEFAULT_RANGE, between } from '../time/range.ts';
import type { TimeRange } from '../time/range.ts';
import { ChartsPage } from './charts.tsx';
import styles from './instance.module.css';
import { Failed } from './notice.tsx';
import { Subject } from './subject.tsx';

const route = getRouteApi('/instances/$uuid');

export function InstancePage() {
  const { uuid } = route.useParams();
  const { instance, state, settled, error, retry } = useInstance(uuid);
  useTitle(instance ? instance.name || instance.domain : 'Instance');
  if (error) return <Failed what="This instance" error={error} onRetry={retry} />;
  if (!instance) return settled ? <NotSeen uuid={uuid} /> : <Waiting />;
  return <Known key={uuid} instance={instance} state={state} />;
}

const BEFORE_END_MS = 14 * 60_000;
const AFTER_END_MS = 60_000;

function Known({
  instance,
  state,
}: {
  readonly instance: InventoryInstance;
  readonly state: InventoryInstance['state'];
}) {
  const { uuid } = instance;
  const endMs = state === 'ended' ? (instance.endedAtMs ?? instance.lastSeenMs) : undefined;
  // Who opens the page of what has ended wants its last minutes; who watches it end keeps watching.
  const [standard] = useState((): TimeRange =>
    endMs === undefined ? DEFAULT_RANGE : between(endMs - BEFORE_END_MS, endMs + AFTER_END_MS),
  );
  const panelsFor = useCallback((window: string) => instancePanels(uuid, window), [uuid]);
  const ended = useMemo(
    () => (endMs === undefined ? undefined : { timeMs: endMs, text: 'ended' }),
    [endMs],
  );
  return (
    <ChartsPage
      renderTitle={(disconnected) => (
        <Head instance={instance} known={state} disconnected={disconnected} />
      )}
      banner={endMs !== undefined && <EndedBanner endMs={endMs} />}
      search={route.useSearch()}
      standard={standard}
      panelsFor={panelsFor}
      ended={ended}
    />
  );
}

function Head({
  instance,
  known,
  disconnected,
}: {
  readonly instance: InventoryInstance;
  readonly known: InventoryInstance['state'];
  readonly disconnected: boolean;
}) {
  const inventory = useInventory();
  const now = useNow();
  const nowMs = useServerNow();
  const state = instanceStateNow(known, disconnected || isOutdated(inventory, now));
  const { name, domain, host, project, flavor, vcpus, memoryBytes, uuid } = instance;
  const path = (
    <>
      <Link to="/hosts/$instance" params={{ instance: host }}>
        {host}
      </Link>
      <ChevronRight size={13} aria-hidden />
      Instance
    </>
  );
  const detail = state === 'unknown' ? `seen ${ageText(nowMs - instance.lastSeenMs)}` : undefined;
  const facts: (readonly [string, string])[] = [['Domain', domain]];
  if (project !== '') facts.push(['Project', project]);
  if (flavor !== '') facts.push(['Flavor', flavor]);
  facts.push(
    ['vCPUs', formatCapacity('number', vcpus)],
    ['Memory', formatCapacity('bytes', memoryBytes)],
    ['First seen', momentWords(instance.firstSeenMs, nowMs)],
    ['UUID', uuid],
  );
  return (
    <Subject
      name={name || domain}
      path={path}
      mark={<StateMark state={state} detail={detail} />}
      facts={facts}
    />
  );
}

function EndedBanner({ endMs }: { readonly endMs: number }) {
  return (
    <p className={styles['banner']} role="status">
      <Flag size={16} aria-hidden />
      <span>
        <strong>Ended at {dayAndClock(endMs)}.</strong> The instance no longer exists on its host;
        the charts stop at the mark.
      </span>
    </p>
  );
}

function NotSeen({ uuid }: { readonly uuid: string }) {
  return (
    <div className={styles['missing']}>
      <h1>No such instance</h1>
      <p>
        Nothing called <code>{uuid}</code> has been seen in the last 7 days.
      </p>
      <Link to="/">Go to the fleet</Link>
    </div>
  );
}

function Waiting() {
  return (
    <div className={styles['waiting']} role="status">
      <span className="visually-hidden">Loading the instance</span>
    </div>
  );
}

interface InstanceAnswer {
  readonly instance: InventoryInstance | undefined;
  readonly state: InventoryInstance['state'];
  readonly settled: boolean;
  readonly error: Error | undefined;
  readonly retry: () => void;
}

/** Looks among what was seen lately, then, once, among what was seen within a week. */
function useInstance(uuid: string): InstanceAnswer {
  const recent = useInventory();
  const find = (list: readonly InventoryInstance[] | undefined): InventoryInstance | undefined =>
    list?.find((one) => one.uuid === uuid);
  const here = find(recent.data?.instances);
  const older = useQuery({
    queryKey: ['inventory', '7d'],
    queryFn: ({ signal }) => fetchInventory('7d', signal),
    enabled: recent.data !== undefined && !here,
    staleTime: 60_000,
  });
  const instance = here ?? find(older.data?.instances);
  const host = recent.data?.hosts.find((one) => one.instance === instance?.host);
  const state = instance?.state ?? 'unknown';
  return {
    instance,
    state: instanceStateNow(state, host?.state === 'stale'),
    settled: older.data !== undefined,
    error: instance ? undefined : (recent.error ?? older.error ?? undefined),
    retry: () => {
      void recent.refetch();
      if (older.isError) void older.refetch();
    },
  };
}
