import type { Labels } from '../../../model/labels.ts';
import type { SampleSink } from '../../source.ts';

/**
 * What was read and not yet handed over. libvirt answers when it likes and events come in between, while
 * samples may be pushed only when the collector asks: in the meantime they stay here, each with the time
 * at which it was read.
 */
export const READINGS_MAX = 500_000;

interface Reading {
  readonly labels: Labels;
  readonly value: number;
  readonly timeMs: number;
  readonly isEnd: boolean;
}

export class Readings {
  #kept: Reading[] = [];
  #dropped = 0;

  push(labels: Labels, value: number, timeMs: number): void {
    if (this.#kept.length >= READINGS_MAX) this.#dropped += 1;
    else this.#kept.push({ labels, value, timeMs, isEnd: false });
  }

  /** Never dropped: there is at most one for each series that ever began. */
  end(labels: Labels, timeMs: number): void {
    this.#kept.push({ labels, value: 0, timeMs, isEnd: true });
  }

  /** Hands everything over, in the order of reading; returns how many had to be dropped since last time. */
  flush(sink: SampleSink): number {
    const kept = this.#kept;
    const dropped = this.#dropped;
    this.#kept = [];
    this.#dropped = 0;
    for (const { labels, value, timeMs, isEnd } of kept) {
      if (isEnd) sink.end(labels, timeMs);
      else sink.push(labels, value, timeMs);
    }
    return dropped;
  }
}
