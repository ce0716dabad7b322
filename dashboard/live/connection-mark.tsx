import { CircleDashed, Radio, WifiOff } from 'lucide-react';
import { serverNow } from '../api/server-clock.ts';
import { ageText } from '../format/units.ts';
import styles from './connection-mark.module.css';
import type { Feed } from './feed.ts';
import { useFeedView, useNow } from './use-feed.ts';

/** Whether the page is alive: says how old its values are as soon as they are not from now. */
export function ConnectionMark({ feed }: { readonly feed: Feed }) {
  const { connection, lastTickSeenMs } = useFeedView(feed);
  const now = useNow();
  const { range } = feed.options;
  if (range.kind === 'fixed') return null;
  const stale = feed.isStale(now);
  if (connection.kind === 'live' && !stale) {
    return (
      <span className={styles['live']} role="status">
        <Radio size={14} aria-hidden /> Live · {range.intervalMs / 1000} s
      </span>
    );
  }
  if (connection.kind === 'lost' || stale) {
    const age =
      lastTickSeenMs === undefined ? 'no data yet' : `last data ${ageText(now - lastTickSeenMs)}`;
    return (
      <span className={styles['lost']} title={connection.kind === 'lost' ? connection.message : ''}>
        <WifiOff size={14} aria-hidden />
        <span>
          {/* The word is told once; the seconds would be told each second. */}
          <span role="status">{connection.kind === 'lost' ? 'Reconnecting' : 'Stale'}</span>, {age}
        </span>
      </span>
    );
  }
  return (
    <span className={styles['connecting']} role="status">
      <CircleDashed size={14} aria-hidden /> Connecting
    </span>
  );
}

/** The time of the server, for ages that count from its timestamps. */
export function useServerNow(): number {
  useNow();
  return serverNow();
}
