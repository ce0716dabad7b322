import { durationText, parseDuration } from '../../model/duration.ts';

/** One end of a range: a distance back from now, or a fixed moment (milliseconds since 1970 UTC). */
export type Moment =
  | { readonly kind: 'ago'; readonly ms: number }
  | { readonly kind: 'at'; readonly ms: number };

export interface TimeRange {
  readonly from: Moment;
  readonly to: Moment;
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export const DEFAULT_RANGE: TimeRange = lastMs(15 * 60_000);

/** Shorter than this a chart shows fewer than a handful of samples. */
export const SPAN_MS_MIN = 5000;
const SPAN_MS_MAX = 10 * 365 * 86_400_000;

export function lastMs(ms: number): TimeRange {
  return { from: { kind: 'ago', ms }, to: { kind: 'ago', ms: 0 } };
}

export function between(fromMs: number, toMs: number): TimeRange {
  return { from: { kind: 'at', ms: fromMs }, to: { kind: 'at', ms: toMs } };
}

/** Reads `now`, `now-15m`, milliseconds since 1970, or an ISO date. */
export function parseMoment(text: string): Moment | undefined {
  const trimmed = text.trim();
  if (trimmed === 'now') return { kind: 'ago', ms: 0 };
  if (trimmed.startsWith('now-')) {
    const ms = parseDuration(trimmed.slice(4));
    return ms === undefined ? undefined : { kind: 'ago', ms };
  }
  if (/^\d{1,15}$/.test(trimmed)) return { kind: 'at', ms: Number(trimmed) };
  if (!/^\d{4}-\d{2}-\d{2}/.test(trimmed)) return undefined;
  const ms = Date.parse(trimmed);
  return Number.isFinite(ms) ? { kind: 'at', ms } : undefined;
}

export function momentText(moment: Moment): string {
  if (moment.kind === 'at') return String(Math.round(moment.ms));
  return moment.ms === 0 ? 'now' : `now-${durationText(moment.ms)}`;
}

/** Reads the two ends as they stand in the URL; undefined when they make no range. */
export function parseRange(
  from: string | undefined,
  to: string | undefined,
): TimeRange | undefined {
  const start = from === undefined ? undefined : parseMoment(from);
  const end = to === undefined ? ({ kind: 'ago', ms: 0 } as const) : parseMoment(to);
  if (!start || !end) return undefined;
  // Ends of the same kind can be compared at any time; a mixed range is judged when it is resolved.
  if (start.kind === 'ago' && end.kind === 'ago' && start.ms - end.ms < SPAN_MS_MIN) {
    return undefined;
  }
  if (start.kind === 'at' && end.kind === 'at' && end.ms - start.ms < SPAN_MS_MIN) {
    return undefined;
  }
  return { from: start, to: end };
}

/** What the URL should say: nothing for the default of its page. */
export function rangeSearch(
  range: TimeRange,
  standard: TimeRange = DEFAULT_RANGE,
): { from?: string; to?: string } {
  if (equalRanges(range, standard)) return {};
  return { from: momentText(range.from), to: momentText(range.to) };
}

export function equalRanges(a: TimeRange, b: TimeRange): boolean {
  return momentText(a.from) === momentText(b.from) && momentText(a.to) === momentText(b.to);
}

/** Whether the range moves on with the clock. */
export function isLive(range: TimeRange): boolean {
  return range.from.kind === 'ago' && range.to.kind === 'ago' && range.to.ms === 0;
}

/** The range in milliseconds; always at least `SPAN_MS_MIN` and at most ten years long. */
export function resolveRange(range: TimeRange, nowMs: number): Span {
  const toMs = range.to.kind === 'at' ? range.to.ms : nowMs - range.to.ms;
  const fromMs = range.from.kind === 'at' ? range.from.ms : nowMs - range.from.ms;
  const span = Math.min(Math.max(toMs - fromMs, SPAN_MS_MIN), SPAN_MS_MAX);
  return { fromMs: toMs - span, toMs };
}

/** As a person would say it: `Last 15 minutes`, `21 Nov 14:03:10 – 14:08:10`. */
export function rangeLabel(range: TimeRange, nowMs: number, locale?: string): string {
  if (isLive(range)) return `Last ${spanWords(range.from.ms)}`;
  const { fromMs, toMs } = resolveRange(range, nowMs);
  const sameDay = new Date(fromMs).toDateString() === new Date(toMs).toDateString();
  const day = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
  const time = new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  const end = sameDay ? time.format(toMs) : `${day.format(toMs)} ${time.format(toMs)}`;
  return `${day.format(fromMs)} ${time.format(fromMs)} – ${end}`;
}

const WORDS: readonly (readonly [number, string])[] = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1000, 'second'],
];

function spanWords(ms: number): string {
  for (const [size, word] of WORDS) {
    if (ms >= size && ms % size === 0) {
      const count = ms / size;
      return `${count} ${word}${count === 1 ? '' : 's'}`;
    }
  }
  return durationText(ms);
}

/** The range before this one, or after it; a following range stops following. */
export function shifted(range: TimeRange, nowMs: number, direction: -1 | 1): TimeRange {
  const { fromMs, toMs } = resolveRange(range, nowMs);
  const by = ((toMs - fromMs) / 2) * direction;
  // Nothing lies beyond now.
  const end = Math.min(toMs + by, nowMs);
  return between(Math.round(end - (toMs - fromMs)), Math.round(end));
}

/** Twice as long: into the past for a following range, to both sides for any other. */
export function widened(range: TimeRange, nowMs: number): TimeRange {
  if (isLive(range)) return lastMs(Math.min(range.from.ms * 2, SPAN_MS_MAX));
  const { fromMs, toMs } = resolveRange(range, nowMs);
  const half = (toMs - fromMs) / 2;
  return between(Math.round(fromMs - half), Math.round(Math.min(toMs + half, nowMs)));
}
