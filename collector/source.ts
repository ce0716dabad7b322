import type { Labels } from '../model/labels.ts';

/**
 * Something on this machine that can be read again and again. One file for each subject in `sources/`, one
 * line for each in `sources.ts`. A source may run no command, need no root, and never block on another.
 */
export interface Source {
  /** As in node_exporter where it has one: the `collector` label of the self-metrics. */
  readonly name: string;
  readonly intervalMs: number;
  /**
   * Reads once and pushes what it read. Resolves also when there is nothing to read on this machine
   * (that is no error). A rejection is counted and logged once for each run of equal errors.
   */
  sample(sink: SampleSink, signal: AbortSignal): void | Promise<void>;
  /** Gives back descriptors and connections. */
  close?(): void | Promise<void>;
}

/**
 * Takes the samples of one reading. Labels carry the metric's name and what tells the thing from its
 * siblings; the collector adds `job` and `instance`. Push the very same `Labels` object each time for one
 * series: its identity is what makes the path to the store cheap.
 */
export interface SampleSink {
  /** `timeMs` is when the value was read; the default is the time at which this source was woken. */
  push(labels: Labels, value: number, timeMs?: number): void;
  /**
   * The series has ended (the domain is gone): writes a staleness marker. Only for sources whose readings
   * may leave series out; of the others, what a reading does not push ends by itself (`sources.ts`).
   */
  end(labels: Labels, timeMs?: number): void;
}
