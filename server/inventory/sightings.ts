import { labelPairs, labelsKey } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import { isStale } from '../../model/staleness.ts';
import type { RawSeries, SeriesReader } from '../../store/store.ts';

/**
 * When a series was seen first and last; `isEnd`: its last sample is an end marker. The first time may be
 * before the window that was asked for, where an earlier question had looked further back.
 */
export interface Sighting {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly isEnd: boolean;
}

interface Known extends Sighting {
  /** Nothing between these was overlooked. */
  readonly fromMs: number;
  readonly toMs: number;
}

interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

const FIRST_STEP_MS = 60_000;
/** Late samples arrive within this; what is older does not change any more. */
const SETTLED_MS = 60_000;
const KNOWN_MAX = 50_000;
const SELECT_BATCH = 100;
/** Below the limit of a pattern; longer alternations are left out, which only makes a select wider. */
const PATTERN_CHARACTERS = 4000;
const BUDGET = { seriesMax: 20_000, samplesMax: 5_000_000 };

/**
 * Finds the first and last sample of series without reading all in between. The store gives ranges, not
 * ends; so a search goes backwards (for the last) and forwards (for the first) in steps that double,
 * for all series of the same metric together. What was found is remembered, and only the time since is
 * looked at again.
 */
export class Sightings {
  readonly #reader: SeriesReader;
  readonly #known = new Map<string, Known>();

  constructor(reader: SeriesReader) {
    this.#reader = reader;
  }

  async of(
    series: readonly Labels[],
    window: Window,
    signal?: AbortSignal,
  ): Promise<readonly (readonly [Labels, Sighting])[]> {
    const found: (readonly [Labels, Sighting])[] = [];
    for (let i = 0; i < series.length; i += SELECT_BATCH) {
      const batch = series.slice(i, i + SELECT_BATCH);
      const sightings = await this.#batch(batch, window, signal);
      batch.forEach((labels, j) => {
        const sighting = sightings[j];
        if (sighting) found.push([labels, sighting]);
      });
    }
    return found;
  }

  async #batch(
    series: readonly Labels[],
    window: Window,
    signal?: AbortSignal,
  ): Promise<readonly (Sighting | undefined)[]> {
    const keys = series.map(labelsKey);
    const known = keys.map((key) => this.#known.get(key));
    const last = await this.#search(series, window, backwards, { signal, known });
    const first = await this.#search(series, window, forwards, { signal, known });
    return keys.map((key, i) => {
      const previous = known[i];
      const ending = last[i];
      if (!ending || ending.lastMs < window.fromMs) return undefined;
      const beginnings = [first[i]?.firstMs, previous?.firstMs, ending.firstMs];
      const sighting: Known = {
        firstMs: Math.min(...beginnings.filter((ms) => ms !== undefined)),
        lastMs: ending.lastMs,
        isEnd: ending.isEnd,
        fromMs: Math.min(window.fromMs, previous?.fromMs ?? window.fromMs),
        toMs: Math.max(window.toMs - SETTLED_MS, previous?.toMs ?? 0),
      };
      this.#remember(key, sighting);
      return sighting;
    });
  }

  /** Walks through the window until each series was met, or was met before in what remains. */
  async #search(
    series: readonly Labels[],
    window: Window,
    steps: (window: Window) => Generator<Window>,
    {
      signal,
      known,
    }: { readonly signal: AbortSignal | undefined; readonly known: readonly (Known | undefined)[] },
  ): Promise<readonly (Sighting | undefined)[]> {
    const found: (Sighting | undefined)[] = series.map(() => undefined);
    const isBackwards = steps === backwards;
    let open = series.map((_, i) => i);
    for (const step of steps(window)) {
      // What lies in a range already searched is known, without reading it again.
      open = open.filter((i) => {
        const before = known[i];
        if (!before) return true;
        if (isBackwards ? step.toMs > before.toMs : before.fromMs > window.fromMs) return true;
        found[i] = before;
        return false;
      });
      if (open.length === 0) break;
      const met = await this.#select(
        open.map((i) => series[i]!),
        step,
        signal,
      );
      open = open.filter((i) => {
        const raw = met.get(labelsKey(series[i]!));
        if (!raw || raw.times.length === 0) return true;
        found[i] = sightingOf(raw);
        return false;
      });
      if (open.length === 0) break;
    }
    return found;
  }

  async #select(
    series: readonly Labels[],
    { fromMs, toMs }: Window,
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, RawSeries>> {
    const raw = await this.#reader.select({
      matchers: matchersFor(series),
      fromMs,
      toMs,
      budget: BUDGET,
      ...(signal && { signal }),
    });
    return new Map(raw.map((each) => [labelsKey(each.labels), each]));
  }

  #remember(key: string, sighting: Known): void {
    this.#known.delete(key);
    if (this.#known.size >= KNOWN_MAX) {
      const [oldest] = this.#known.keys();
      this.#known.delete(oldest!);
    }
    this.#known.set(key, sighting);
  }
}

function sightingOf({ times, values }: RawSeries): Sighting {
  const last = times.length - 1;
  return { firstMs: times[0]!, lastMs: times[last]!, isEnd: isStale(values[last]!) };
}

function* backwards({ fromMs, toMs }: Window): Generator<Window> {
  let end = toMs;
  for (let size = FIRST_STEP_MS; end >= fromMs; size *= 2) {
    const start = Math.max(end - size + 1, fromMs);
    yield { fromMs: start, toMs: end };
    end = start - 1;
  }
}

function* forwards({ fromMs, toMs }: Window): Generator<Window> {
  let start = fromMs;
  for (let size = FIRST_STEP_MS; start <= toMs; size *= 2) {
    const end = Math.min(start + size - 1, toMs);
    yield { fromMs: start, toMs: end };
    start = end + 1;
  }
}

/**
 * Conditions that hold for all of the series and for few others: their values of the labels that tell
 * series of one metric apart.
 */
function matchersFor(series: readonly Labels[]): readonly Matcher[] {
  const values = new Map<string, Set<string>>();
  for (const labels of series) {
    for (const [name, value] of labelPairs(labels)) {
      if (name !== '__name__' && name !== 'uuid' && name !== 'instance') continue;
      const seen = values.get(name);
      if (seen) seen.add(value);
      else values.set(name, new Set([value]));
    }
  }
  return [...values].flatMap(([name, seen]): readonly Matcher[] => {
    if (seen.size === 1) return [{ name, operator: '=', value: [...seen][0]! }];
    const pattern = [...seen].map(escaped).join('|');
    return pattern.length > PATTERN_CHARACTERS ? [] : [{ name, operator: '=~', value: pattern }];
  });
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
