import { dropLabels, labelsKey, labelValue, metricName, withLabels } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { quantileNote } from '../engine/notes.ts';
import type { Run } from '../engine/run.ts';
import { emptySeries, isEmpty } from '../engine/value.ts';
import type { Series, VectorValue } from '../engine/value.ts';
import { bucketFraction, bucketQuantile } from '../functions/buckets.ts';
import type { Bucket, Quantile } from '../functions/buckets.ts';
import { dateText } from '../functions/calendar.ts';
import { stepTime } from '../plan/nodes.ts';
import type { Steps } from '../plan/nodes.ts';
import type { Place } from '../syntax/ast.ts';
import { numberText } from '../wire.ts';

const BUCKET_LABEL = new Set(['le']);

/** The buckets of one histogram: series that differ in `le` only. */
interface Histogram {
  readonly labels: Labels;
  readonly dropName: boolean;
  readonly buckets: { readonly upperBound: number; readonly series: Series }[];
}

function histogramsOf(run: Run, series: readonly Series[], place: Place): readonly Histogram[] {
  const histograms = new Map<string, Histogram>();
  for (const each of series) {
    const text = labelValue(each.labels, 'le');
    const upperBound = boundOf(text);
    if (upperBound === undefined) {
      run.notes.warn(
        `bucket label "le" is missing or has a malformed value of ${JSON.stringify(text)}${ofMetric(each.labels)}`,
        place,
      );
      continue;
    }
    const labels = dropLabels(each.labels, BUCKET_LABEL);
    const key = labelsKey(labels);
    let histogram = histograms.get(key);
    if (!histogram) {
      histogram = { labels, dropName: true, buckets: [] };
      histograms.set(key, histogram);
    }
    histogram.buckets.push({ upperBound, series: each });
  }
  return [...histograms.values()];
}

function ofMetric(labels: Labels): string {
  const name = metricName(labels);
  return name === '' ? '' : ` for metric name ${JSON.stringify(name)}`;
}

function boundOf(text: string): number | undefined {
  const infinite = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

/** One number for each histogram and step. */
async function evaluateEach(
  run: Run,
  histograms: readonly Histogram[],
  steps: Steps,
  compute: (buckets: readonly Bucket[], step: number, labels: Labels) => number,
): Promise<Series[]> {
  const result: Series[] = [];
  for (const { labels, buckets, dropName } of histograms) {
    await run.budget.breathe();
    run.budget.hold(steps.count);
    const column = emptySeries(labels, steps.count, dropName);
    for (let step = 0; step < steps.count; step++) {
      const there: Bucket[] = [];
      for (const { upperBound, series } of buckets) {
        if (series.present[step] === 1) there.push({ upperBound, count: series.values[step]! });
      }
      if (there.length === 0) continue;
      column.values[step] = compute(there, step, labels);
      column.present[step] = 1;
    }
    if (!isEmpty(column)) result.push(column);
  }
  return result;
}

export interface QuantileCall {
  readonly phi: Float64Array;
  readonly phiPlace: Place;
  readonly series: readonly Series[];
  readonly seriesPlace: Place;
}

export async function histogramQuantile(
  run: Run,
  { phi, phiPlace, series, seriesPlace }: QuantileCall,
  steps: Steps,
): Promise<VectorValue> {
  noteQuantiles(run, phi, phiPlace);
  const histograms = histogramsOf(run, series, seriesPlace);
  const mended = new Map<string, Mended>();
  const result = await evaluateEach(run, histograms, steps, (buckets, step, labels) => {
    const quantile = bucketQuantile(phi[step]!, buckets);
    if (quantile.forced) mend(mended, ofMetric(labels), quantile.forced, stepTime(steps, step));
    return quantile.value;
  });
  for (const [metric, each] of mended) noteMended(run, metric, each, seriesPlace);
  return { kind: 'vector', series: result };
}

/** Several quantiles at once, each under its own value of a label. */
export async function histogramQuantiles(
  run: Run,
  label: string,
  calls: readonly QuantileCall[],
  steps: Steps,
): Promise<VectorValue> {
  const series: Series[] = [];
  for (const call of calls) {
    const { series: quantiles } = await histogramQuantile(run, call, steps);
    const phi = call.phi[0] ?? NaN;
    const text = Number.isInteger(phi) ? `${phi}.0` : numberText(phi);
    for (const each of quantiles) {
      series.push({ ...each, labels: withLabels(each.labels, { [label]: text }) });
    }
  }
  return { kind: 'vector', series };
}

export async function histogramFraction(
  run: Run,
  bounds: { readonly lower: Float64Array; readonly upper: Float64Array },
  series: readonly Series[],
  place: Place,
  steps: Steps,
): Promise<VectorValue> {
  const histograms = histogramsOf(run, series, place);
  const result = await evaluateEach(run, histograms, steps, (buckets, step) =>
    bucketFraction(bounds.lower[step]!, bounds.upper[step]!, buckets),
  );
  return { kind: 'vector', series: result };
}

function noteQuantiles(run: Run, phi: Float64Array, place: Place): void {
  for (const each of phi) {
    if (!(each >= 0 && each <= 1)) run.notes.warn(quantileNote(each), place);
  }
}

/** Where counts of a metric's buckets fell, over all its histograms and steps. */
interface Mended {
  lowest: number;
  highest: number;
  largestFall: number;
  count: number;
  firstMs: number;
  lastMs: number;
}

function mend(
  mended: Map<string, Mended>,
  metric: string,
  forced: NonNullable<Quantile['forced']>,
  timeMs: number,
): void {
  const known = mended.get(metric);
  if (!known) {
    mended.set(metric, { ...forced, count: 1, firstMs: timeMs, lastMs: timeMs });
    return;
  }
  known.lowest = Math.min(known.lowest, forced.lowest);
  known.highest = Math.max(known.highest, forced.highest);
  known.largestFall = Math.max(known.largestFall, forced.largestFall);
  known.count++;
  known.firstMs = Math.min(known.firstMs, timeMs);
  known.lastMs = Math.max(known.lastMs, timeMs);
}

function noteMended(run: Run, metric: string, mended: Mended, place: Place): void {
  run.notes.info(
    'input to histogram_quantile needed to be fixed for monotonicity (see ' +
      'https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)' +
      `${metric}, from buckets ${mended.lowest} to ${mended.highest}, with a max diff of ` +
      `${mended.largestFall.toPrecision(2)}, over ${mended.count} samples from ` +
      `${dateText(mended.firstMs / 1000)} to ${dateText(mended.lastMs / 1000)}`,
    place,
  );
}
