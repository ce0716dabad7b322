import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { browserClock } from './browser-clock.ts';
import { Feed } from './feed.ts';
import type { FeedOptions, FeedSource, FeedView } from './feed.ts';

export type FeedWish = Omit<FeedOptions, 'source' | 'clock'>;

/** One feed for the page, as long as what is asked for stays the same. */
export function useFeed(wish: FeedWish, source: FeedSource): Feed {
  const text = JSON.stringify(wish);
  const feed = useMemo(
    () => new Feed({ ...(JSON.parse(text) as FeedWish), source, clock: browserClock }),
    [text, source],
  );
  useEffect(() => {
    feed.start();
    return () => feed.stop();
  }, [feed]);
  return feed;
}

/** Renders again at each change of the feed. */
export function useFeedView(feed: Feed): FeedView {
  return useSyncExternalStore(feed.subscribe, () => feed.view);
}

/** The time, once a second: for ages, which grow although nothing arrives. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
