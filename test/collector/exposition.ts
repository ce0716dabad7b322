import { labelsToText } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { SampleSink, Source } from '../../collector/source.ts';

/** Takes what a source pushes and shows it as sorted lines, `name{labels} value`. */
export class ReadingSink implements SampleSink {
  readonly pushed: { readonly labels: Labels; readonly value: number }[] = [];

  push(labels: Labels, value: number): void {
    this.pushed.push({ labels, value });
  }

  end(labels: Labels): void {
    throw new Error(`${labelsToText(labels)} was ended: host series end by absence`);
  }

  get lines(): readonly string[] {
    return this.pushed.map(({ labels, value }) => `${labelsToText(labels)} ${value}`).sort();
  }

  /** The value of the series with this text, such as `node_load1`. */
  value(series: string): number | undefined {
    return this.pushed.find(({ labels }) => labelsToText(labels) === series)?.value;
  }
}

export async function read(source: Source): Promise<ReadingSink> {
  const sink = new ReadingSink();
  await source.sample(sink, new AbortController().signal);
  return sink;
}

/** One reading of each of them, in their order, as one. */
export async function readAll(sources: readonly Source[]): Promise<ReadingSink> {
  const all = new ReadingSink();
  for (const source of sources) all.pushed.push(...(await read(source)).pushed);
  return all;
}
