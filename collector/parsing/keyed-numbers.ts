import type { Labels } from '../../model/labels.ts';
import type { SampleSink } from '../source.ts';
import type { ByteScan } from './byte-scan.ts';

/** After so many readings all keys are looked at again, in case that one has come behind those known. */
const READINGS_BEFORE_LOOKING_AGAIN = 60;

interface KnownLine {
  readonly line: number;
  readonly key: Uint8Array;
  readonly series: Labels;
}

/**
 * A file that has a key and its number in each line, of which few are shown. The kernel writes the same keys
 * in the same lines each time, so only the lines that are shown are looked at, and their keys compared; when
 * one is not where it was, the whole file is read anew.
 */
export class KeyedNumbers {
  readonly #seriesOf: (key: string) => Labels | undefined;
  readonly #series = new Map<string, Labels | undefined>();
  readonly #values: number[] = [];
  #known: KnownLine[] = [];
  #readings = 0;

  constructor(seriesOf: (key: string) => Labels | undefined) {
    this.#seriesOf = seriesOf;
  }

  push(scan: ByteScan, sink: SampleSink): void {
    const isDue = this.#readings++ % READINGS_BEFORE_LOOKING_AGAIN === 0;
    if (isDue || this.#known.length === 0 || !this.#readKnown(scan)) this.#readAll(scan);
    for (let i = 0; i < this.#known.length; i++) {
      const value = this.#values[i]!;
      if (value === value) sink.push(this.#known[i]!.series, value);
    }
  }

  /** Nothing is pushed before every line has turned out to be where it was. */
  #readKnown(scan: ByteScan): boolean {
    let line = 0;
    for (let i = 0; i < this.#known.length; i++) {
      const known = this.#known[i]!;
      if (!scan.skipLines(known.line - line) || !scan.word() || !scan.wordIs(known.key)) {
        return false;
      }
      line = known.line;
      this.#values[i] = scan.number();
    }
    return true;
  }

  #readAll(scan: ByteScan): void {
    scan.rewind();
    this.#known = [];
    let line = 0;
    do {
      if (scan.word()) {
        const series = this.#seriesOfKey(scan.wordText());
        if (series !== undefined) {
          const key = scan.bytes.slice(scan.wordStart, scan.wordEnd);
          this.#values[this.#known.length] = scan.number();
          this.#known.push({ line, key, series });
        }
      }
      line++;
    } while (scan.nextLine());
  }

  /** The same object each time. What is remembered is forgotten when it outgrows any real file. */
  #seriesOfKey(key: string): Labels | undefined {
    if (!this.#series.has(key)) {
      if (this.#series.size >= KEYS_MAX) this.#series.clear();
      this.#series.set(key, this.#seriesOf(key));
    }
    return this.#series.get(key);
  }
}

const KEYS_MAX = 4096;
