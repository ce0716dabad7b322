import { useEffect, useLayoutEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { dayAndClock } from '../format/moment.ts';
import { useTheme } from '../shell/theme.ts';
import { drawEndMark } from './marks.ts';
import type { EndMark } from './marks.ts';
import { nearestRows } from './nearest.ts';
import { chartOptions, drawnColumns } from './options.ts';
import type { ChartColours, ChartSeries, ChartShape } from './options.ts';
import styles from './time-chart.module.css';
import { Tooltip } from './tooltip.ts';

export interface TimeChartProps {
  readonly shape: ChartShape;
  readonly timesMs: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly height: number;
  /** Charts with the same key share their crosshair. */
  readonly syncKey: string;
  /** The picture in words. */
  readonly summary: string;
  readonly end?: EndMark | undefined;
  readonly onZoom: (fromMs: number, toMs: number) => void;
  readonly onUndoZoom: () => void;
  /** The row under the crosshair of any chart of the page, or null. */
  readonly onCursor: (row: number | null) => void;
}

/** A chart over time. The only component that knows how it is drawn. */
export function TimeChart(props: TimeChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const latest = useRef(props);
  const { theme } = useTheme();
  const { shape, series, timesMs, fromMs, toMs, height, syncKey } = props;
  // A new chart only when lines come or go or look different; new values are put into the old one.
  const structure = JSON.stringify([
    theme,
    shape,
    syncKey,
    series.map(({ key, name, token, dash, mirrored }) => [key, name, token, dash, mirrored]),
  ]);

  useLayoutEffect(() => {
    latest.current = props;
  });

  useLayoutEffect(() => {
    const made = buildChart(host.current!, latest);
    chart.current = made.chart;
    return () => {
      chart.current = null;
      made.destroy();
    };
    // What is drawn is read through `latest`; only a new structure needs a new chart.
    // oxlint-disable-next-line react/exhaustive-effect-dependencies
  }, [structure]);

  useLayoutEffect(() => {
    chart.current?.setData(chartData(latest.current));
    // These are read through `latest`, too: they say when to draw, not what.
    // oxlint-disable-next-line react/exhaustive-effect-dependencies
  }, [structure, timesMs, series, fromMs, toMs, props.end?.timeMs]);

  useEffect(() => {
    const element = host.current!;
    const observer = new ResizeObserver(() => {
      const width = Math.floor(element.clientWidth);
      if (chart.current && width > 0) chart.current.setSize({ width, height });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [height]);

  return (
    <div
      ref={host}
      className={styles['chart']}
      role="img"
      aria-label={props.summary}
      style={{ height }}
    />
  );
}

function chartData({ timesMs, series, shape }: TimeChartProps): uPlot.AlignedData {
  const columns = drawnColumns(series, shape.layout);
  // uPlot only reads these arrays; its type does not say so.
  return [timesMs, ...columns] as unknown as uPlot.AlignedData;
}

interface Latest {
  readonly current: TimeChartProps;
}

function buildChart(
  host: HTMLDivElement,
  latest: Latest,
): { readonly chart: uPlot; readonly destroy: () => void } {
  const { shape, series, height, syncKey } = latest.current;
  const colours = themeColours(host);
  const tooltip = new Tooltip(host, styles);
  const pointer = { inside: false };
  const options = chartOptions(
    shape,
    series,
    colours,
    {
      span: () => [latest.current.fromMs, latest.current.toMs],
      onSelect: (fromMs, toMs) => latest.current.onZoom(Math.round(fromMs), Math.round(toMs)),
      onCursor: (chart) => {
        const row = chart.cursor.left != null && chart.cursor.left >= 0 ? chart.cursor.idx : null;
        latest.current.onCursor(row ?? null);
        if (!pointer.inside || row == null) tooltip.hide();
        else showTooltip(chart, row, tooltip, latest.current, colours);
      },
      drawMarks: (chart) => {
        const { end } = latest.current;
        if (!end) return;
        const line = colours.of('--text');
        drawEndMark(chart, end, { line, hatch: colours.grid, font: colours.font });
      },
    },
    { width: Math.max(host.clientWidth, 50), height, syncKey },
  );
  const chart = new uPlot(options, chartData(latest.current), host);
  const enter = (): void => {
    pointer.inside = true;
  };
  const leave = (): void => {
    pointer.inside = false;
    tooltip.hide();
  };
  chart.over.addEventListener('mouseenter', enter);
  const undo = (): void => latest.current.onUndoZoom();
  chart.over.addEventListener('mouseleave', leave);
  chart.over.addEventListener('dblclick', undo);
  const destroy = (): void => {
    chart.over.removeEventListener('mouseenter', enter);
    chart.over.removeEventListener('mouseleave', leave);
    chart.over.removeEventListener('dblclick', undo);
    chart.destroy();
    tooltip.remove();
  };
  return { chart, destroy };
}

function showTooltip(
  chart: uPlot,
  row: number,
  tooltip: Tooltip,
  { series, timesMs, shape }: TimeChartProps,
  colours: ChartColours,
): void {
  const drawn = series.map((_, i) => chart.data[i + 1]?.[row]);
  const own = series.map((one) => one.values[row]);
  const { left = 0, top = 0 } = chart.cursor;
  const rows = nearestRows(drawn, own, chart.posToVal(top, 'y'));
  const lines = series.map(({ name, token, dash }) => ({
    name,
    colour: colours.of(token),
    dashed: dash.length > 0,
  }));
  tooltip.show(dayAndClock(timesMs[row] ?? 0), shape.unit, rows, lines, {
    x: left + chart.over.offsetLeft,
    y: top + chart.over.offsetTop,
    width: chart.root.clientWidth,
  });
}

function themeColours(element: HTMLElement): ChartColours {
  const computed = getComputedStyle(element);
  const of = (token: string): string => computed.getPropertyValue(token).trim();
  return {
    text: of('--text-muted'),
    grid: of('--grid'),
    zero: of('--border-strong'),
    card: of('--surface'),
    font: `11px ${computed.fontFamily}`,
    of,
  };
}
