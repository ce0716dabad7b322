import { durationText } from '../../model/duration.ts';

const STEPS_S = [
  1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 14_400, 21_600, 43_200,
  86_400,
] as const;

/** The server answers at most 11 000 points for each series; this stays well below. */
const POINTS_MAX = 5000;
const POINTS_PER_PIXEL = 1.5;

/** How often counters are sampled unless the data says otherwise. */
export const SAMPLE_MS = 1000;

/** The step of a range query: a round number of seconds that gives about one and a half points a pixel. */
export function stepMsFor(spanMs: number, widthPx: number, sampleMs: number = SAMPLE_MS): number {
  const points = Math.min(Math.max(Math.round(widthPx * POINTS_PER_PIXEL), 100), POINTS_MAX);
  const wanted = Math.max(spanMs / points, sampleMs);
  for (const seconds of STEPS_S) if (seconds * 1000 >= wanted) return seconds * 1000;
  const day = 86_400_000;
  return Math.ceil(wanted / day) * day;
}

/**
 * The window of `rate(…)`: it holds at least four samples, plus one for the sample that comes late, and
 * never leaves time between two steps unlooked at.
 */
export function rateWindow(stepMs: number, sampleMs: number = SAMPLE_MS): string {
  return durationText(Math.max(5 * sampleMs, stepMs));
}

/** Widens a span to whole steps, so that the same moments are asked for again and again. */
export function alignSpan(
  span: { readonly fromMs: number; readonly toMs: number },
  stepMs: number,
): { readonly fromMs: number; readonly toMs: number } {
  return {
    fromMs: Math.floor(span.fromMs / stepMs) * stepMs,
    toMs: Math.floor(span.toMs / stepMs) * stepMs,
  };
}

/** Up to here a live page receives each second; beyond, one step at a time. */
const EVERY_SECOND_SPAN_MS = 3_600_000;

/** The longest interval of the live stream. */
const INTERVAL_MS_MAX = 60_000;

export function liveIntervalMs(
  spanMs: number,
  stepMs: number,
  sampleMs: number = SAMPLE_MS,
): number {
  if (spanMs <= EVERY_SECOND_SPAN_MS) return Math.max(1000, sampleMs);
  return Math.min(Math.max(stepMs, 5000), INTERVAL_MS_MAX);
}
