import { labelsToText, labelValue, metricName } from '../../../model/labels.ts';
import type { Labels } from '../../../model/labels.ts';
import type { SampleSink, Source } from '../../../collector/source.ts';

export interface Kept {
  readonly labels: Labels;
  readonly values: readonly number[];
  readonly times: readonly (number | undefined)[];
  readonly ended: boolean;
}

/** Keeps everything that a source hands over, by the object that it used as the series. */
export class Recorder implements SampleSink {
  readonly series = new Map<Labels, Kept>();

  push(labels: Labels, value: number, timeMs?: number): void {
    const { values = [], times = [] } = this.series.get(labels) ?? {};
    this.series.set(labels, {
      labels,
      values: [...values, value],
      times: [...times, timeMs],
      ended: false,
    });
  }

  end(labels: Labels): void {
    const kept = this.series.get(labels);
    if (!kept || kept.ended) throw new Error(`${labelsToText(labels)} ended without having begun`);
    this.series.set(labels, { ...kept, ended: true });
  }

  /** All series of that name and labels, whether they have ended or not. */
  all(name: string, where: Readonly<Record<string, string>> = {}): readonly Kept[] {
    return [...this.series.values()].filter(
      ({ labels }) =>
        metricName(labels) === name &&
        Object.entries(where).every(([label, value]) => labelValue(labels, label) === value),
    );
  }

  /** The last value of the one living series; undefined when there is none. */
  value(name: string, where: Readonly<Record<string, string>> = {}): number | undefined {
    const living = this.all(name, where).filter(({ ended }) => !ended);
    if (living.length > 1) throw new Error(`${name} lives ${living.length} times`);
    return living[0]?.values.at(-1);
  }

  living(where: Readonly<Record<string, string>>): readonly string[] {
    return [...this.series.values()]
      .filter(
        ({ labels, ended }) =>
          !ended &&
          Object.entries(where).every(([label, value]) => labelValue(labels, label) === value),
      )
      .map(({ labels }) => metricName(labels));
  }

  /** One sample of a source; resolves with the error when it rejects. */
  async sample(source: Source): Promise<unknown> {
    try {
      await source.sample(this, new AbortController().signal);
      return undefined;
    } catch (thrown) {
      return thrown;
    }
  }
}
