import { AlertTriangle, ChartLine, CircleSlash, Clock, RotateCw, Table2 } from 'lucide-react';
import { useMemo, useState } from 'react';
import type { ReactNode } from 'react';
import type { EndMark } from '../chart/marks.ts';
import { chartSummary } from '../chart/summary.ts';
import { TimeChart } from '../chart/time-chart.tsx';
import { clockText, momentWords } from '../format/moment.ts';
import type { Feed, FeedView } from '../live/feed.ts';
import { useFeedView } from '../live/use-feed.ts';
import { DataTable } from './data-table.tsx';
import type { PanelDefinition } from './definition.ts';
import { Legend } from './legend.tsx';
import styles from './panel.module.css';
import { composePicture, staleSince } from './picture.ts';
import type { Picture } from './picture.ts';

export interface PanelProps {
  readonly panel: PanelDefinition;
  readonly feed: Feed;
  readonly span: { readonly fromMs: number; readonly toMs: number };
  /** Whether the page's stream has been silent for too long. */
  readonly disconnected: boolean;
  readonly ended: EndMark | undefined;
  readonly onZoom: (fromMs: number, toMs: number) => void;
  readonly onUndoZoom: () => void;
}

const CHART_PX = 190;

export function Panel(props: PanelProps) {
  const { panel, feed, ended, disconnected } = props;
  const view = useFeedView(feed);
  const [asTable, setAsTable] = useState(false);
  const composed = useMemo(
    () => composePicture(panel, view.state, ended?.timeMs ?? null),
    [panel, view, ended?.timeMs],
  );
  const { picture, pending } = useLastPicture(composed);
  const stale = staleness(props, view, picture);
  const titleId = `panel-${panel.id}`;
  return (
    <section
      className={styles['panel']}
      aria-labelledby={titleId}
      aria-busy={pending}
      data-panel={panel.id}
      data-state={stale === undefined && !disconnected ? picture.kind : 'stale'}
    >
      <header className={styles['header']}>
        <h2 id={titleId} className={styles['title']}>
          {panel.title}
        </h2>
        {pending && picture.kind === 'ready' && <span className={styles['badge']}>loading…</span>}
        <StaleBadge since={stale} disconnected={disconnected && picture.kind === 'ready'} />
        {picture.kind === 'ready' && picture.problems.length > 0 && (
          <span className={styles['problem']} title={picture.problems.join('\n')}>
            <AlertTriangle size={13} aria-hidden /> incomplete: {picture.problems[0]}
          </span>
        )}
        <button
          type="button"
          className={styles['tool']}
          aria-pressed={asTable}
          aria-label={`${panel.title}: show as ${asTable ? 'chart' : 'table'}`}
          title={asTable ? 'Show the chart' : 'Show the values as a table'}
          disabled={picture.kind !== 'ready'}
          onClick={() => setAsTable(!asTable)}
        >
          {asTable ? <ChartLine size={15} aria-hidden /> : <Table2 size={15} aria-hidden />}
        </button>
      </header>
      <div className={stale !== undefined || disconnected ? styles['bodyStale'] : styles['body']}>
        <Body {...props} picture={picture} asTable={asTable} stale={stale !== undefined} />
      </div>
    </section>
  );
}

/** While a new range is on its way, the picture from before stays. */
function useLastPicture(composed: Picture): { picture: Picture; pending: boolean } {
  const [last, setLast] = useState(composed);
  const pending = composed.kind === 'loading';
  if (!pending && composed !== last) setLast(composed);
  return { picture: pending ? last : composed, pending };
}

function staleness(
  { feed, ended }: PanelProps,
  view: FeedView,
  picture: Picture,
): number | undefined {
  const { range, stepMs } = feed.options;
  if (range.kind === 'fixed' || ended) return undefined;
  return staleSince(picture, view.lastTickMs, Math.max(range.intervalMs, stepMs));
}

function StaleBadge({
  since,
  disconnected,
}: {
  readonly since: number | undefined;
  readonly disconnected: boolean;
}) {
  if (since === undefined && !disconnected) return null;
  return (
    <span className={styles['stale']}>
      <Clock size={13} aria-hidden />
      {since === undefined ? 'stale' : `no data since ${clockText(since)}`}
    </span>
  );
}

interface Display {
  readonly asTable: boolean;
  readonly stale: boolean;
}

function Body(props: PanelProps & Display & { readonly picture: Picture }) {
  const { picture, panel, feed } = props;
  switch (picture.kind) {
    case 'loading':
      return (
        <div className={styles['skeleton']} role="status">
          <span className="visually-hidden">Loading {panel.title}</span>
        </div>
      );
    case 'failed':
      return (
        <Message icon={<AlertTriangle size={20} aria-hidden />} title="This could not be loaded">
          <p className={styles['detail']}>{picture.message}</p>
          <button type="button" className={styles['retry']} onClick={() => feed.retry()}>
            <RotateCw size={14} aria-hidden /> Try again
          </button>
        </Message>
      );
    case 'empty':
      return (
        <Message icon={<CircleSlash size={20} aria-hidden />} title="No series match in this range">
          <p className={styles['detail']}>{panel.hint}</p>
          <code className={styles['query']}>{panel.queries[0]?.query}</code>
        </Message>
      );
    case 'ready':
      return <Ready {...props} picture={picture} />;
  }
}

function Message({
  icon,
  title,
  children,
}: {
  readonly icon: ReactNode;
  readonly title: string;
  readonly children: ReactNode;
}) {
  return (
    <div className={styles['message']} role="status">
      {icon}
      <p className={styles['messageTitle']}>{title}</p>
      {children}
    </div>
  );
}

type ReadyPicture = Extract<Picture, { kind: 'ready' }>;

function Ready(props: PanelProps & Display & { readonly picture: ReadyPicture }) {
  const { panel, picture, asTable, span, ended, onZoom, onUndoZoom } = props;
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [row, setRow] = useState<number | null>(null);
  const { series, timesMs } = picture;
  const shown = useMemo(() => series.filter((one) => !hidden.has(one.key)), [series, hidden]);
  const { unit } = panel.shape;
  return (
    <>
      {asTable ? (
        <DataTable title={panel.title} unit={unit} timesMs={timesMs} series={shown} />
      ) : (
        <div className={styles['chartBox']}>
          <TimeChart
            shape={panel.shape}
            timesMs={timesMs}
            series={shown}
            fromMs={span.fromMs}
            toMs={span.toMs}
            height={CHART_PX}
            syncKey="page"
            summary={chartSummary(panel.title, unit, shown)}
            end={ended}
            onZoom={onZoom}
            onUndoZoom={onUndoZoom}
            onCursor={setRow}
          />
          {picture.lastValueMs === undefined && (
            <p className={styles['overlay']}>
              no values between {momentWords(span.fromMs, span.toMs)} and {clockText(span.toMs)}
            </p>
          )}
        </div>
      )}
      <Legend
        title={panel.title}
        unit={unit}
        series={series}
        hidden={hidden}
        row={row}
        newest={newestOf(props)}
        onHide={setHidden}
      />
    </>
  );
}

/** The last value of what is silent, cut off or over is not a current one. */
function newestOf({ feed, stale, disconnected, ended }: PanelProps & Display) {
  if (feed.options.range.kind === 'fixed') return 'past';
  return stale || disconnected || ended ? 'none' : 'now';
}
