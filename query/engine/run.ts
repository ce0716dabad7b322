import { messageOf } from '../../model/failure.ts';
import { isStale } from '../../model/staleness.ts';
import type { RawSeries, SeriesReader } from '../../store/store.ts';
import { StoreFailure } from '../../store/store.ts';
import type { PlanNode, Scan, Steps } from '../plan/nodes.ts';
import { QueryFailure } from '../query.ts';
import type { Budget } from './budget.ts';
import type { Notes } from './notes.ts';
import type { Value } from './value.ts';

/** One evaluation of one query: what every operator may use. */
export interface Run {
  readonly lookbackMs: number;
  readonly budget: Budget;
  readonly notes: Notes;
  readonly source: SampleSource;
  evaluate(node: PlanNode, steps: Steps): Promise<Value>;
}

/** Reads series for a query, each distinct selection once. */
export class SampleSource {
  readonly #reader: SeriesReader;
  readonly #budget: Budget;
  readonly #signal: AbortSignal | undefined;
  readonly #selections = new Map<string, Promise<readonly RawSeries[]>>();
  readonly #withoutStale = new Map<readonly RawSeries[], readonly RawSeries[]>();

  constructor(reader: SeriesReader, budget: Budget, signal: AbortSignal | undefined) {
    this.#reader = reader;
    this.#budget = budget;
    this.#signal = signal;
  }

  /** Raw samples in [fromMs, toMs], stale markers included. */
  select(scan: Scan, fromMs: number, toMs: number): Promise<readonly RawSeries[]> {
    const key = JSON.stringify([scan.matchers, fromMs, toMs]);
    let selection = this.#selections.get(key);
    if (!selection) {
      selection = this.#select(scan, fromMs, toMs);
      this.#selections.set(key, selection);
    }
    return selection;
  }

  /** The same without stale markers: ranges see only real samples. */
  async selectReal(scan: Scan, fromMs: number, toMs: number): Promise<readonly RawSeries[]> {
    const selection = await this.select(scan, fromMs, toMs);
    let real = this.#withoutStale.get(selection);
    if (!real) {
      real = selection.map(withoutStale).filter((series) => series.times.length > 0);
      this.#withoutStale.set(selection, real);
    }
    return real;
  }

  async #select(scan: Scan, fromMs: number, toMs: number): Promise<readonly RawSeries[]> {
    this.#budget.check();
    let selection: readonly RawSeries[];
    try {
      selection = await this.#reader.select({
        matchers: scan.matchers,
        fromMs,
        toMs,
        ...(this.#signal ? { signal: this.#signal } : {}),
        budget: { seriesMax: this.#budget.seriesMax, samplesMax: this.#budget.samplesLeft },
      });
    } catch (thrown) {
      this.#budget.check();
      throw storeFailure(thrown, this.#budget);
    }
    let samples = 0;
    for (const series of selection) samples += series.times.length;
    this.#budget.read(samples);
    this.#budget.holdSeries(selection.length);
    return selection;
  }
}

function storeFailure(thrown: unknown, budget: Budget): unknown {
  if (thrown instanceof StoreFailure) {
    if (thrown.code === 'limit-series') return budget.tooManySeries();
    const code = thrown.code === 'limit-samples' ? 'execution' : 'unavailable';
    return new QueryFailure(code, thrown.message, { cause: thrown });
  }
  if (thrown instanceof QueryFailure) return thrown;
  return new QueryFailure('execution', `the samples could not be read: ${messageOf(thrown)}`, {
    cause: thrown,
  });
}

function withoutStale(series: RawSeries): RawSeries {
  const { times, values } = series;
  let stale = 0;
  for (let i = 0; i < values.length; i++) if (isStale(values[i]!)) stale++;
  if (stale === 0) return series;
  const realTimes = new Float64Array(times.length - stale);
  const realValues = new Float64Array(times.length - stale);
  let kept = 0;
  for (let i = 0; i < values.length; i++) {
    if (isStale(values[i]!)) continue;
    realTimes[kept] = times[i]!;
    realValues[kept++] = values[i]!;
  }
  return { labels: series.labels, times: realTimes, values: realValues };
}
