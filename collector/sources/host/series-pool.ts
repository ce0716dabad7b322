import { metric } from '../../../model/labels.ts';
import type { Labels } from '../../../model/labels.ts';
import type { SampleSink } from '../../source.ts';

/**
 * Keeps the `Labels` objects of sources whose labels are found anew in each reading (device properties and
 * the like). Costs a string for each sample, so it is for the slow lane. What two readings in a row have
 * not used is forgotten.
 */
export class SeriesPool {
  #current = new Map<string, Labels>();
  #previous = new Map<string, Labels>();

  /** Pushes the value, unless it is NaN, which says that there is none. */
  push(
    sink: SampleSink,
    name: string,
    labels: Readonly<Record<string, string>>,
    value: number,
  ): void {
    if (value !== value) return;
    sink.push(this.#series(name, labels), value);
  }

  /** The reading is complete. */
  finish(): void {
    this.#previous = this.#current;
    this.#current = new Map();
  }

  /** Whether this reading has used the series already. */
  has(name: string, labels: Readonly<Record<string, string>>): boolean {
    return this.#current.has(keyOf(name, labels));
  }

  #series(name: string, labels: Readonly<Record<string, string>>): Labels {
    const key = keyOf(name, labels);
    let series = this.#current.get(key);
    if (series === undefined) {
      series = this.#previous.get(key) ?? metric(name, labels);
      this.#current.set(key, series);
    }
    return series;
  }
}

/** A name always comes with the same labels in the same order, so that their values tell series apart. */
function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  return `${name}\n${Object.values(labels).join('\n')}`;
}
