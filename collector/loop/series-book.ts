import { labelsKey, withLabels } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { BatchBuilder } from '../../model/sample.ts';
import { STALE } from '../../model/staleness.ts';
import type { ShownSeries, ShownSet } from '../exposition.ts';

/** More series than any machine has; what comes beyond is not taken and counted. */
const SERIES_MAX = 200_000;

/**
 * The series of one source: which there are, under which stamped labels they go to the store, and which of
 * them the present reading has not touched. A source sends the same `Labels` object each time, so that a
 * sample costs one look-up by identity; equal labels in another object find the same series by their text.
 */
export class SeriesBook implements ShownSet {
  readonly #stamp: Readonly<Record<string, string>>;
  readonly #out: BatchBuilder;
  readonly #byIdentity = new WeakMap<Labels, Series>();
  readonly #live = new Map<string, Series>();
  #reading = 0;
  #touched = 0;
  #refused = 0;
  #changes = 0;

  constructor(stamp: { readonly job: string; readonly instance: string }, out: BatchBuilder) {
    this.#stamp = { job: stamp.job, instance: stamp.instance };
    this.#out = out;
  }

  get liveSeries(): number {
    return this.#live.size;
  }

  get changes(): number {
    return this.#changes;
  }

  series(): Iterable<ShownSeries> {
    return this.#live.values();
  }

  /** Samples that were not taken because there are too many series, since the last call. */
  takeRefused(): number {
    const refused = this.#refused;
    this.#refused = 0;
    return refused;
  }

  beginReading(): void {
    this.#reading++;
    this.#touched = 0;
  }

  push(labels: Labels, value: number, timeMs: number): void {
    let series = this.#byIdentity.get(labels);
    if (series === undefined || !series.live) {
      series = this.#admit(labels, series);
      if (series === undefined) {
        this.#refused++;
        return;
      }
    }
    if (series.reading !== this.#reading) {
      series.reading = this.#reading;
      this.#touched++;
    }
    series.value = value;
    this.#out.push(series.stamped, timeMs, value);
  }

  /** A newer value of a series that there is, to be shown only. */
  note(labels: Labels, value: number): void {
    const series = this.#byIdentity.get(labels);
    if (series !== undefined) series.value = value;
  }

  end(labels: Labels, timeMs: number): void {
    const stamped = this.#byIdentity.get(labels)?.stamped ?? withLabels(labels, this.#stamp);
    const series = this.#live.get(labelsKey(stamped));
    if (series === undefined) return;
    if (series.reading === this.#reading) this.#touched--;
    this.#end(series, timeMs);
  }

  /** Ends the live series that this reading did not touch. Costs nothing when it touched all. */
  endUntouched(timeMs: number): void {
    if (this.#touched === this.#live.size) return;
    for (const series of this.#live.values()) {
      if (series.reading !== this.#reading) this.#end(series, timeMs);
    }
  }

  endAll(timeMs: number): void {
    this.beginReading();
    this.endUntouched(timeMs);
  }

  #end(series: Series, timeMs: number): void {
    series.live = false;
    this.#changes++;
    this.#live.delete(series.key);
    this.#out.push(series.stamped, timeMs, STALE);
  }

  /** A series that is new, has come back, or is known under another object. */
  #admit(labels: Labels, ended: Series | undefined): Series | undefined {
    const stamped = ended?.stamped ?? withLabels(labels, this.#stamp);
    const key = ended?.key ?? labelsKey(stamped);
    let series = this.#live.get(key);
    if (series === undefined) {
      if (this.#live.size >= SERIES_MAX) return undefined;
      series = ended ?? { labels, stamped, key, live: true, reading: 0, value: Number.NaN };
      series.live = true;
      series.reading = 0;
      this.#changes++;
      this.#live.set(key, series);
    }
    this.#byIdentity.set(labels, series);
    return series;
  }
}

interface Series {
  /** As the source gave them first. */
  readonly labels: Labels;
  /** As they go to the store. */
  readonly stamped: Labels;
  readonly key: string;
  live: boolean;
  /** The last reading that touched it. */
  reading: number;
  /** What was read last. */
  value: number;
}
