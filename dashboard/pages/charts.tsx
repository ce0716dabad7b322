import { useLocation, useNavigate, useRouter } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { ReactNode } from 'react';
import { serverNow } from '../api/server-clock.ts';
import { serverSource } from '../api/source.ts';
import type { EndMark } from '../chart/marks.ts';
import { RangeControl } from '../controls/range-control.tsx';
import { ConnectionMark } from '../live/connection-mark.tsx';
import type { Feed, FeedQuery } from '../live/feed.ts';
import { useFeed, useFeedView, useNow } from '../live/use-feed.ts';
import type { FeedWish } from '../live/use-feed.ts';
import { feedQueries } from '../panels/definition.ts';
import type { PanelDefinition } from '../panels/definition.ts';
import { Panel } from '../panels/panel.tsx';
import type { RangeSearch } from '../search.ts';
import {
  DEFAULT_RANGE,
  SPAN_MS_MIN,
  between,
  isLive,
  parseRange,
  rangeSearch,
  resolveRange,
} from '../time/range.ts';
import type { Span, TimeRange } from '../time/range.ts';
import { liveIntervalMs, rateWindow, stepMsFor } from '../time/step.ts';
import styles from './charts.module.css';

interface ChartsPageProps {
  /** Told whether the stream of the page is lost, if only for a moment, or silent. */
  readonly renderTitle: (disconnected: boolean) => ReactNode;
  readonly banner?: ReactNode;
  readonly search: RangeSearch;
  /** The range when the URL names none. */
  readonly standard?: TimeRange;
  readonly panelsFor: (window: string) => readonly PanelDefinition[];
  /** Queries whose latest values the page needs besides its charts. */
  readonly moreQueries?: readonly FeedQuery[];
  readonly ended?: EndMark | undefined;
  readonly renderAfter?: (feed: Feed) => ReactNode;
}

/** A page of charts over one range, with one stream for all of them and one crosshair. */
export function ChartsPage(props: ChartsPageProps) {
  const { search, standard = DEFAULT_RANGE, panelsFor, moreQueries = NO_QUERIES, ended } = props;
  const { from, to } = search;
  const range = useMemo(() => parseRange(from, to) ?? standard, [from, to, standard]);
  const { columns, chartPx } = useColumns();
  const { wish, panels } = useWish(range, chartPx, panelsFor, moreQueries);
  const feed = useFeed(wish, serverSource);
  const zoom = useZoom(standard);
  const shown = useShownSpan(feed, range);
  const disconnected = feed.isStale(useNow());
  const lost = useFeedView(feed).connection.kind === 'lost';
  return (
    <>
      <div className={styles['heading']}>
        <div className={styles['title']}>{props.renderTitle(disconnected || lost)}</div>
        <div className={styles['controls']}>
          <ConnectionMark feed={feed} />
          <RangeControl range={range} onChange={zoom.choose} />
        </div>
      </div>
      {props.banner}
      <div
        className={styles['grid']}
        style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}
      >
        {panels.map((panel) => (
          <Panel
            key={panel.id}
            panel={panel}
            feed={feed}
            span={shown}
            disconnected={disconnected}
            ended={ended}
            onZoom={zoom.into}
            onUndoZoom={zoom.undo}
          />
        ))}
      </div>
      {props.renderAfter?.(feed)}
    </>
  );
}

const NO_QUERIES: readonly FeedQuery[] = [];

/** What to ask for: the step follows the width of a chart, the windows of rates follow the step. */
function useWish(
  range: TimeRange,
  chartPx: number,
  panelsFor: (window: string) => readonly PanelDefinition[],
  moreQueries: readonly FeedQuery[],
): { readonly wish: FeedWish; readonly panels: readonly PanelDefinition[] } {
  return useMemo(() => {
    const span = resolveRange(range, serverNow());
    const spanMs = span.toMs - span.fromMs;
    const stepMs = stepMsFor(spanMs, chartPx);
    const panels = panelsFor(rateWindow(stepMs));
    const wish: FeedWish = {
      queries: [...feedQueries(panels), ...moreQueries],
      range: isLive(range)
        ? { kind: 'following', spanMs, intervalMs: liveIntervalMs(spanMs, stepMs) }
        : { kind: 'fixed', ...span },
      stepMs,
    };
    return { wish, panels };
  }, [range, chartPx, panelsFor, moreQueries]);
}

/** A following range ends at the newest tick, so that the picture moves exactly when data comes. */
function useShownSpan(feed: Feed, range: TimeRange): Span {
  const { lastTickMs } = useFeedView(feed);
  return resolveRange(range, isLive(range) ? (lastTickMs ?? feed.openedMs) : feed.openedMs);
}

interface Zoom {
  readonly choose: (range: TimeRange) => void;
  readonly into: (fromMs: number, toMs: number) => void;
  readonly undo: () => void;
}

/** Each zoom is a step in the browser's history; undoing one goes back, as the back button does. */
function useZoom(standard: TimeRange): Zoom {
  const navigate = useNavigate();
  const router = useRouter();
  const zooms = useLocation({ select: (location) => location.state.zooms ?? 0 });
  const go = (range: TimeRange, depth: number): void => {
    void navigate({
      to: '.',
      search: rangeSearch(range, standard),
      state: (previous) => ({ ...previous, zooms: depth }),
      resetScroll: false,
    });
  };
  const undo = (): void => {
    if (zooms > 0) router.history.back();
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const open = document.querySelector('dialog[open], :popover-open');
      if (event.key === 'Escape' && !event.defaultPrevented && !open) undo();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  });
  return {
    choose: (range) => go(range, 0),
    into: (fromMs, toMs) => {
      const middle = (fromMs + toMs) / 2;
      const half = Math.max(toMs - fromMs, SPAN_MS_MIN) / 2;
      go(between(Math.round(middle - half), Math.round(middle + half)), zooms + 1);
    },
    undo,
  };
}

const GUTTER_PX = 130;

/** How many charts stand side by side, and about how many pixels of line each of them has. */
function useColumns(): { readonly columns: number; readonly chartPx: number } {
  const width = useWindowWidth();
  const columns = width < 900 ? 1 : width < 1800 ? 2 : 3;
  // In coarse steps, so that a window being resized does not ask anew at each pixel.
  const chartPx = Math.max(200, Math.ceil((width / columns - GUTTER_PX) / 100) * 100);
  return { columns, chartPx };
}

function useWindowWidth(): number {
  const [width, setWidth] = useState(() => document.documentElement.clientWidth);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    const onResize = (): void => {
      clearTimeout(timer.current);
      timer.current = setTimeout(() => setWidth(document.documentElement.clientWidth), 150);
    };
    addEventListener('resize', onResize);
    return () => {
      clearTimeout(timer.current);
      removeEventListener('resize', onResize);
    };
  }, []);
  return width;
}
