// A store of a few lines for tests of what reads: series by their labels, samples in memory.
import { compareLabels, labelValue, labelsKey } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { compileMatcher, matchesAll } from '../../model/matcher.ts';
import type { SampleBatch } from '../../model/sample.ts';
import type { Store, SeriesRequest } from '../../store/store.ts';

interface MemorySeries {
  readonly labels: Labels;
  readonly samples: [number, number][];
}

export class MemoryStore implements Store {
  readonly #series = new Map<string, MemorySeries>();
  /** How many samples `select` has handed out. */
  samplesRead = 0;

  add(labels: Labels, samples: Iterable<readonly [number, number]>): void {
    const key = labelsKey(labels);
    const series = this.#series.get(key) ?? { labels, samples: [] };
    this.#series.set(key, series);
    for (const [time, value] of samples) series.samples.push([time, value]);
    series.samples.sort(([a], [b]) => a - b);
  }

  append(batch: SampleBatch): ReturnType<Store['append']> {
    batch.labels.forEach((labels, i) => this.add(labels, [[batch.times[i]!, batch.values[i]!]]));
    return Promise.resolve({ stored: batch.labels.length, repeated: 0, refused: [] });
  }

  select(request: SeriesRequest): ReturnType<Store['select']> {
    const found = this.#matching(request).map(({ labels, samples }) => ({
      labels,
      times: Float64Array.from(samples, ([time]) => time),
      values: Float64Array.from(samples, ([, value]) => value),
    }));
    for (const { times } of found) this.samplesRead += times.length;
    return Promise.resolve(found);
  }

  series(request: SeriesRequest): ReturnType<Store['series']> {
    return Promise.resolve(this.#matching(request).map(({ labels }) => labels));
  }

  labelNames(request: SeriesRequest): ReturnType<Store['labelNames']> {
    const names = this.#matching(request).flatMap(({ labels }) =>
      labels.filter((_, i) => i % 2 === 0),
    );
    return Promise.resolve([...new Set(names)].sort());
  }

  labelValues(label: string, request: SeriesRequest): ReturnType<Store['labelValues']> {
    const values = this.#matching(request).map(({ labels }) => labelValue(labels, label));
    return Promise.resolve([...new Set(values)].filter((value) => value !== '').sort());
  }

  stats(): ReturnType<Store['stats']> {
    return {
      liveSeries: this.#series.size,
      samplesAppended: 0,
      diskBytes: 0,
      blocks: 0,
      oldestMs: undefined,
      newestMs: undefined,
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #matching({ matchers, fromMs, toMs }: SeriesRequest): MemorySeries[] {
    const compiled = matchers.map(compileMatcher);
    return [...this.#series.values()]
      .filter(({ labels }) => matchesAll(compiled, labels))
      .map(({ labels, samples }) => ({
        labels,
        samples: samples.filter(([time]) => time >= fromMs && time <= toMs),
      }))
      .filter(({ samples }) => samples.length > 0)
      .sort((a, b) => compareLabels(a.labels, b.labels));
  }
}
