import { compareLabels, labelPairs, labelsKey, labelValue } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { compileMatcher, matchesAll } from '../../model/matcher.ts';
import type { RawSeries, SelectRequest, SeriesReader, SeriesRequest } from '../../store/store.ts';
import { StoreFailure } from '../../store/store.ts';

/** A store that is a map: what the engine's tests read from. */
export class MemoryReader implements SeriesReader {
  readonly #series = new Map<string, { labels: Labels; samples: Map<number, number> }>();

  add(labels: Labels, timeMs: number, value: number): void {
    const key = labelsKey(labels);
    const series = this.#series.get(key) ?? { labels, samples: new Map<number, number>() };
    this.#series.set(key, series);
    series.samples.set(timeMs, value);
  }

  clear(): void {
    this.#series.clear();
  }

  async select(request: SelectRequest): Promise<readonly RawSeries[]> {
    request.signal?.throwIfAborted();
    const selection: RawSeries[] = [];
    let samples = 0;
    for (const { labels, samples: all } of this.#matching(request)) {
      const rows = [...all]
        .filter(([timeMs]) => timeMs >= request.fromMs && timeMs <= request.toMs)
        .sort(([a], [b]) => a - b);
      if (rows.length === 0) continue;
      samples += rows.length;
      if (samples > request.budget.samplesMax) {
        throw new StoreFailure('limit-samples', `more than ${request.budget.samplesMax} samples`);
      }
      selection.push({
        labels,
        times: Float64Array.from(rows, ([timeMs]) => timeMs),
        values: Float64Array.from(rows, ([, value]) => value),
      });
      if (selection.length > request.budget.seriesMax) {
        throw new StoreFailure('limit-series', `more than ${request.budget.seriesMax} series`);
      }
    }
    return selection;
  }

  async series(request: SeriesRequest): Promise<readonly Labels[]> {
    return this.#matching(request).map(({ labels }) => labels);
  }

  async labelNames(request: SeriesRequest): Promise<readonly string[]> {
    const names = this.#matching(request).flatMap(({ labels }) =>
      [...labelPairs(labels)].map(([name]) => name),
    );
    return [...new Set(names)].sort();
  }

  async labelValues(label: string, request: SeriesRequest): Promise<readonly string[]> {
    const values = this.#matching(request).map(({ labels }) => labelValue(labels, label));
    return [...new Set(values)].filter((value) => value !== '').sort();
  }

  #matching({ matchers }: SeriesRequest): { labels: Labels; samples: Map<number, number> }[] {
    const compiled = matchers.map(compileMatcher);
    return [...this.#series.values()]
      .filter(({ labels }) => matchesAll(compiled, labels))
      .sort((a, b) => compareLabels(a.labels, b.labels));
  }
}
