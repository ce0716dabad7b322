import { isStale } from '../../model/staleness.ts';
import type { RawSeries } from '../../store/store.ts';
import type { Run } from '../engine/run.ts';
import { isEmpty } from '../engine/value.ts';
import type { Series, VectorValue } from '../engine/value.ts';
import { lastStepTime, stepTime } from '../plan/nodes.ts';
import type { Scan, Select, Steps } from '../plan/nodes.ts';

/** The time at which a scan looks when the query stands at `timeMs`. */
export function referenceTime(
  scan: { readonly pinMs: number | undefined; readonly offsetMs: number },
  timeMs: number,
): number {
  return (scan.pinMs ?? timeMs) - scan.offsetMs;
}

/** What a pass over the samples of one series gives for each step: the sample's value or its time in seconds. */
export type Reading = 'value' | 'time';

/** Instant selectors: the newest sample in (t - look-back, t], unless it is a stale marker. */
export async function select(
  run: Run,
  { scan }: Select,
  steps: Steps,
  reading: Reading = 'value',
): Promise<VectorValue> {
  const { lookbackMs } = run;
  const smoothed = scan.edges === 'smoothed';
  const fromMs = referenceTime(scan, steps.startMs) - lookbackMs + 1;
  const toMs = referenceTime(scan, lastStepTime(steps)) + (smoothed ? lookbackMs : 0);
  const selection = smoothed
    ? await run.source.selectReal(scan, fromMs, toMs)
    : await run.source.select(scan, fromMs, toMs);
  const series: Series[] = [];
  for (const raw of selection) {
    await run.budget.breathe();
    run.budget.hold(steps.count);
    const column = smoothed
      ? smoothedColumn(raw, scan, steps, lookbackMs)
      : latestColumn(raw, scan, steps, lookbackMs, reading);
    if (!isEmpty(column)) series.push(column);
  }
  return { kind: 'vector', series };
}

function latestColumn(
  raw: RawSeries,
  scan: Scan,
  steps: Steps,
  lookbackMs: number,
  reading: Reading,
): Series {
  const { times, values: samples } = raw;
  const values = new Float64Array(steps.count);
  const present = new Uint8Array(steps.count);
  // One past the newest sample that the step can see; steps and samples both ascend.
  let end = 0;
  for (let step = 0; step < steps.count; step++) {
    const at = referenceTime(scan, stepTime(steps, step));
    while (end < times.length && times[end]! <= at) end++;
    if (end === 0 || times[end - 1]! <= at - lookbackMs) continue;
    const sample = samples[end - 1]!;
    if (isStale(sample)) continue;
    values[step] = reading === 'value' ? sample : times[end - 1]! / 1000;
    present[step] = 1;
  }
  return { labels: raw.labels, values, present, dropName: false };
}

/** `smoothed`: between the samples around the time, on a straight line. */
function smoothedColumn(raw: RawSeries, scan: Scan, steps: Steps, lookbackMs: number): Series {
  const { times, values: samples } = raw;
  const values = new Float64Array(steps.count);
  const present = new Uint8Array(steps.count);
  let next = 0;
  for (let step = 0; step < steps.count; step++) {
    const at = referenceTime(scan, stepTime(steps, step));
    while (next < times.length && times[next]! < at) next++;
    const exact = next < times.length && times[next] === at;
    const hasPrevious = next > 0 && times[next - 1]! > at - lookbackMs;
    if (exact) values[step] = samples[next]!;
    else if (!hasPrevious) continue;
    else if (next < times.length && times[next]! <= at + lookbackMs) {
      values[step] = interpolated(raw, next - 1, at, false);
    } else values[step] = samples[next - 1]!;
    present[step] = 1;
  }
  return { labels: raw.labels, values, present, dropName: false };
}

/** The value at a time between sample `index` and the next; a counter that fell is taken to have begun at 0. */
function interpolated(
  columns: { readonly times: Float64Array; readonly values: Float64Array },
  index: number,
  timeMs: number,
  isCounter: boolean,
): number {
  const { times, values } = columns;
  const after = values[index + 1]!;
  const before = isCounter && after < values[index]! ? 0 : values[index]!;
  const share = (timeMs - times[index]!) / (times[index + 1]! - times[index]!);
  return before + (after - before) * share;
}
