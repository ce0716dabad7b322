import { appendFileSync } from 'node:fs';
import type { ApiSeries } from '../end-to-end/prometheus-api.ts';
import type { WrittenSeries } from '../end-to-end/remote-write.ts';

/**
 * The sender's book: what was sent and what came of it, in memory and, line by line, in a file that is only
 * appended to. A value names its source and its place in that source's sequence, and the place gives the
 * time, so that whatever is read back can be judged by itself: lost, doubled, of another series, invented.
 */
export interface Batch {
  readonly number: number;
  readonly runs: readonly Run[];
}

/** Consecutive samples of one source. */
export interface Run {
  readonly source: number;
  readonly from: number;
  readonly count: number;
}

export type Outcome = 'acknowledged' | 'failed' | 'unknown';

export interface Verdict {
  readonly acknowledged: number;
  readonly found: number;
  readonly lost: number;
  readonly doubled: number;
  readonly wrong: number;
  /** Of the first few that should not be. */
  readonly examples: readonly string[];
}

export const METRIC = 'crash_sample';
/** The longest sequence; with the step between two samples nearly three hours, which fit before `nowMs`. */
export const SEQUENCE_MAX = 100_000;
const STEP_MS = 100;
const HOUR_MS = 3_600_000;
const EXAMPLES_MAX = 12;
const RECENT_MAX = 64;
const SOURCE_STRIDE = 2 ** 32;

const SENT = 1;
const ACKNOWLEDGED = 2;

export class Ledger {
  readonly path: string;
  readonly #originMs: number;
  /** By source, by sequence. */
  readonly #states: Uint8Array[] = [];
  readonly #next: number[] = [];
  /** Sent and neither acknowledged nor given up: a real sender sends these again. */
  readonly unanswered: Map<number, Batch> = new Map();
  /** The last few that were acknowledged, for sending them once more. */
  readonly recent: Batch[] = [];
  #batches = 0;
  #acknowledged = 0;

  constructor(path: string, nowMs: number) {
    this.path = path;
    this.#originMs = nowMs;
  }

  /** Samples. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  note(text: string): void {
    appendFileSync(this.path, `${text}\n`);
  }

  /** A batch of what comes next in the sources given; a source that is full is left out. */
  compose(wanted: readonly { readonly source: number; readonly count: number }[]): Batch {
    const runs = wanted.flatMap(({ source, count }): Run[] => {
      const from = this.#next[source] ?? 0;
      const fitting = Math.min(count, SEQUENCE_MAX - from);
      if (fitting <= 0) return [];
      this.#next[source] = from + fitting;
      return [{ source, from, count: fitting }];
    });
    return { number: this.#batches++, runs };
  }

  /** To be called before the first byte leaves. */
  sending(batch: Batch): void {
    this.#mark(batch, SENT);
    this.unanswered.set(batch.number, batch);
    const runs = batch.runs.map(({ source, from, count }) => `${source}:${from}+${count}`);
    this.note(`sent ${batch.number} ${runs.join(' ')}`);
  }

  settle(batch: Batch, outcome: Outcome, why = ''): void {
    this.note(`${outcome} ${batch.number}${why && ` ${why}`}`);
    if (outcome !== 'acknowledged') return;
    this.#mark(batch, ACKNOWLEDGED);
    this.unanswered.delete(batch.number);
    this.recent.push(batch);
    if (this.recent.length > RECENT_MAX) this.recent.shift();
  }

  /** `difference` is added to every value: for samples that contradict what is stored. */
  series(batch: Batch, difference = 0): readonly WrittenSeries[] {
    return batch.runs.map(({ source, from, count }) => ({
      labels: { __name__: METRIC, source: String(source), kind: `kind-${source % 5}` },
      samples: Array.from({ length: count }, (_, i) => ({
        timeMs: this.#timeMs(source, from + i),
        value: valueOf(source, from + i) + difference,
      })),
    }));
  }

  /** Every acknowledged sample exactly once, others at most once, nothing else. */
  judge(found: readonly ApiSeries[]): Verdict {
    const seen = this.#states.map((states) => new Uint8Array(states.length));
    const count = { found: 0, lost: 0, doubled: 0, wrong: 0 };
    const examples: string[] = [];
    const tell = (text: string): void => {
      if (examples.length < EXAMPLES_MAX) examples.push(text);
    };
    for (const { metric, values = [] } of found) {
      const series = JSON.stringify(metric);
      for (const [time, text] of values) {
        count.found++;
        const timeMs = Math.round(time * 1000);
        const place = this.#placeOf(metric, timeMs, Number(text));
        if (place === undefined) {
          count.wrong++;
          tell(`never sent: ${series} ${text} at ${timeMs}`);
        } else if (seen[place.source]![place.sequence]!++ > 0) {
          count.doubled++;
          tell(`there twice: ${series} ${text} at ${timeMs}`);
        }
      }
    }
    this.#states.forEach((states, source) => {
      for (let sequence = 0; sequence < states.length; sequence++) {
        if (states[sequence] !== ACKNOWLEDGED || seen[source]![sequence]! > 0) continue;
        count.lost++;
        tell(`lost: source ${source}, sequence ${sequence}, at ${this.#timeMs(source, sequence)}`);
      }
    });
    return { acknowledged: this.#acknowledged, ...count, examples };
  }

  /** Undefined when no such sample was ever sent to this series for this time. */
  #placeOf(
    metric: Readonly<Record<string, string>>,
    timeMs: number,
    value: number,
  ): { readonly source: number; readonly sequence: number } | undefined {
    const source = Math.floor(value / SOURCE_STRIDE);
    const sequence = value - source * SOURCE_STRIDE;
    const isSent = (this.#states[source]?.[sequence] ?? 0) > 0;
    const isHere = metric['source'] === String(source) && metric['kind'] === `kind-${source % 5}`;
    return isSent && isHere && this.#timeMs(source, sequence) === timeMs
      ? { source, sequence }
      : undefined;
  }

  #mark(batch: Batch, state: number): void {
    for (const { source, from, count } of batch.runs) {
      while (this.#states.length <= source) this.#states.push(new Uint8Array(0));
      let states = this.#states[source]!;
      if (states.length < from + count) {
        const larger = new Uint8Array(Math.max(1024, states.length * 2, from + count));
        larger.set(states);
        this.#states[source] = states = larger;
      }
      for (let sequence = from; sequence < from + count; sequence++) {
        if (states[sequence]! >= state) continue;
        states[sequence] = state;
        if (state === ACKNOWLEDGED) this.#acknowledged++;
      }
    }
  }

  /** A third of the sources lie days back, and every other one sends in stretches turned round. */
  #timeMs(source: number, sequence: number): number {
    const place = source % 2 === 0 ? sequence : (sequence & ~15) + 15 - (sequence & 15);
    const startMs = this.#originMs - (3 + (source % 3) * 30) * HOUR_MS;
    return startMs + place * STEP_MS;
  }
}

function valueOf(source: number, sequence: number): number {
  return source * SOURCE_STRIDE + sequence;
}
