import type uPlot from 'uplot';
import { formatTicks } from '../format/units.ts';
import type { Unit } from '../format/units.ts';
import { translucent } from './palette.ts';
import { stackUp } from './stack.ts';
import { timeTicks } from './time-axis.ts';

/** One line of a chart. Values are its own: stacking and mirroring happen when it is drawn. */
export interface ChartSeries {
  readonly key: string;
  readonly name: string;
  readonly values: readonly (number | null)[];
  /** Name of the custom property that holds its colour. */
  readonly token: string;
  readonly dash: readonly number[];
  /** Drawn below the zero line, as what goes out beside what comes in. */
  readonly mirrored: boolean;
}

export interface ChartShape {
  readonly unit: Unit;
  readonly layout: 'lines' | 'stacked';
  /** The axis always reaches from zero to here. */
  readonly fixedMax?: number;
  /** The axis reaches at least to here, so that noise does not look like load. */
  readonly maxAtLeast?: number;
}

/** Colours as the theme in force has them; the canvas knows no custom properties. */
export interface ChartColours {
  readonly text: string;
  readonly grid: string;
  readonly zero: string;
  readonly card: string;
  readonly font: string;
  readonly of: (token: string) => string;
}

export interface ChartHooks {
  readonly span: () => readonly [number, number];
  readonly onCursor: (chart: uPlot) => void;
  readonly onSelect: (fromMs: number, toMs: number) => void;
  readonly drawMarks: (chart: uPlot) => void;
}

/** A drag of fewer pixels is a click with a shaky hand. */
const DRAG_PX_MIN = 6;
const AXIS_PX = 72;

/** Where each series is drawn: stacked on the ones before it, or below zero. */
export function drawnColumns(
  series: readonly ChartSeries[],
  layout: ChartShape['layout'],
): (readonly (number | null)[])[] {
  if (layout === 'stacked') return stackUp(series.map((one) => one.values));
  return series.map((one) =>
    one.mirrored ? one.values.map((value) => (value === null ? null : -value)) : one.values,
  );
}

/** The vertical range: zero is always part of it. */
export function valueRange(
  shape: ChartShape,
  dataMin: number | null,
  dataMax: number | null,
): [number, number] {
  if (shape.fixedMax !== undefined) return [0, Math.max(shape.fixedMax, dataMax ?? 0)];
  const floor = shape.maxAtLeast ?? 0;
  const high = Math.max((dataMax ?? 0) * 1.08, floor);
  const low = Math.min((dataMin ?? 0) * 1.08, 0);
  // A mirrored chart keeps some room on both sides.
  const below = low < 0 ? Math.min(low, -floor) : 0;
  return high === 0 && below === 0 ? [0, 1] : [below, high];
}

export function chartOptions(
  shape: ChartShape,
  series: readonly ChartSeries[],
  colours: ChartColours,
  hooks: ChartHooks,
  size: { readonly width: number; readonly height: number; readonly syncKey: string },
): uPlot.Options {
  return {
    width: size.width,
    height: size.height,
    ms: 1,
    // Room on the right for half of the last label of the time axis.
    padding: [10, 18, 0, 0],
    legend: { show: false },
    cursor: cursorOptions(size.syncKey, colours),
    scales: {
      x: { time: true, range: () => [...hooks.span()] },
      y: { range: (_chart, min, max) => valueRange(shape, min, max) },
    },
    axes: axesOptions(shape.unit, colours),
    series: [
      {},
      ...series.map((one, i) =>
        seriesOptions(one, isFilled(series, i, shape.layout), shape, colours),
      ),
    ],
    bands: shape.layout === 'stacked' ? stackBands(series, colours) : [],
    hooks: {
      setCursor: [hooks.onCursor],
      setSelect: [
        (chart) => {
          const { left, width } = chart.select;
          if (width < DRAG_PX_MIN) return;
          hooks.onSelect(chart.posToVal(left, 'x'), chart.posToVal(left + width, 'x'));
          chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      draw: [hooks.drawMarks],
    },
  };
}

function cursorOptions(syncKey: string, colours: ChartColours): uPlot.Cursor {
  return {
    // A height means nothing on the charts beside this one.
    y: false,
    drag: { x: true, y: false, setScale: false, dist: DRAG_PX_MIN },
    points: { size: 7, width: 1.5, fill: () => colours.card },
    // Only the crosshair is shared; a drag belongs to the chart it is made on.
    sync: {
      key: syncKey,
      setSeries: false,
      scales: ['x', null],
      filters: {
        pub: (type) => type === 'mousemove' || type === 'mouseleave',
        sub: () => true,
      },
    },
    // The page decides what a double click undoes.
    bind: { dblclick: () => null },
  };
}

function axesOptions(unit: Unit, colours: ChartColours): uPlot.Axis[] {
  const shared = {
    stroke: colours.text,
    font: colours.font,
    ticks: { show: false },
  };
  return [
    {
      ...shared,
      size: 24,
      gap: 6,
      space: 84,
      grid: { show: false },
      values: (_chart, splits, _axis, _space, increment) => timeTicks(splits, increment),
    },
    {
      ...shared,
      size: AXIS_PX,
      gap: 8,
      space: 26,
      grid: { stroke: colours.grid, width: 1 },
      values: (_chart, splits) => formatTicks(unit, splits),
      ...(unit === 'bytes' ? { incrs: BINARY_INCREMENTS } : {}),
    },
  ];
}

/** Powers of two, so that an axis of memory says 512 MiB and 1 GiB. */
const BINARY_INCREMENTS = Array.from({ length: 51 }, (_, power) => 2 ** power);

function seriesOptions(
  one: ChartSeries,

  filled: boolean,
  shape: ChartShape,
  colours: ChartColours,
): uPlot.Series {
  const stroke = colours.of(one.token);
  return {
    label: one.name,
    stroke,
    width: shape.layout === 'stacked' ? 1 : 1.5,
    dash: [...one.dash],
    ...(filled ? { fill: translucent(stroke, fillOpacity(shape.layout)) } : {}),
    // A value with nothing on either side makes no line: it is drawn as a point.
    points: { show: false, size: 4, fill: stroke, filter: loneValues },
  };
}

/** The lowest layer of a stack reaches to zero; lines are filled only where no two fills overlap. */
function isFilled(
  series: readonly ChartSeries[],
  index: number,
  layout: ChartShape['layout'],
): boolean {
  if (layout === 'stacked') return index === 0;
  return (
    series.length === 1 || (series.length === 2 && series[0]!.mirrored !== series[1]!.mirrored)
  );
}

function fillOpacity(layout: ChartShape['layout']): number {
  return layout === 'stacked' ? 0.6 : 0.13;
}

function loneValues(chart: uPlot, seriesIndex: number): number[] | null {
  return lonePositions(chart.data[seriesIndex]!);
}

/** Positions of values whose neighbours are both missing. */
export function lonePositions(values: ArrayLike<number | null | undefined>): number[] | null {
  const lone: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) lone.push(i);
  }
  return lone.length > 0 ? lone : null;
}

function stackBands(series: readonly ChartSeries[], colours: ChartColours): uPlot.Band[] {
  return series.slice(1).map((one, i) => ({
    series: [i + 2, i + 1] as [number, number],
    fill: translucent(colours.of(one.token), fillOpacity('stacked')),
  }));
}
