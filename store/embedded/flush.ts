import { compareLabels } from '../../model/labels.ts';
import type { Files } from '../../platform/files.ts';
import { BlockWriter } from './block-writer.ts';
import type { ChunkCodec } from './chunk.ts';
import { SampleColumns } from './columns.ts';
import { fileName } from './filenames.ts';
import { FROZEN } from './head.ts';
import type { Head } from './head.ts';
import type { Series } from './series.ts';
import { windowOf } from './tuning.ts';

export interface FlushRequest {
  readonly files: Files;
  readonly directory: string;
  /** Its frozen part is written. */
  readonly head: Head;
  readonly codec: ChunkCodec;
  readonly chunkSamples: number;
  readonly windowMs: number;
  readonly nowMs: number;
  /** Samples before this are beyond retention and are not written. */
  readonly oldestMs: number;
  /** The journal segments below this number hold no sample that is not in the head or in a block. */
  readonly journalBelow: number;
  readonly takeSequence: () => number;
  readonly signal: AbortSignal;
}

/**
 * Writes a frozen head to blocks, one for each window of time that it touches, and gives their numbers. All
 * of them are durable then, or, when it fails, none is left behind if the disk allows.
 */
export async function writeHead(request: FlushRequest): Promise<readonly number[]> {
  const { head, files, directory, journalBelow } = request;
  const series = head.frozenSeries().sort((a, b) => compareLabels(a.labels, b.labels));
  const windows = windowsOf(series, request);
  const written: number[] = [];
  try {
    for (const window of windows) {
      const sequence = request.takeSequence();
      const writer = await BlockWriter.create({ ...request, sequence });
      try {
        await writeWindow(writer, series, window, request);
        await writer.finish({ level: 0, parents: [], journalBelow, parts: windows.length });
      } catch (thrown) {
        await writer.abandon();
        throw thrown;
      }
      written.push(sequence);
    }
  } catch (thrown) {
    for (const sequence of written) {
      await files.remove(`${directory}/${fileName('block', sequence)}`);
    }
    throw thrown;
  }
  return written;
}

interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The windows in which the head has samples, oldest first. */
function windowsOf(series: readonly Series[], request: FlushRequest): readonly Window[] {
  const { head, windowMs, nowMs, oldestMs } = request;
  const span = { windowMs, nowMs };
  const numbers = new Set<number>();
  const samples = new SampleColumns();
  for (const one of series) {
    samples.clear();
    head.copy(one, FROZEN, -Infinity, Infinity, samples);
    const first = windowOf(samples.times[0]!, span);
    const last = windowOf(samples.lastTime, span);
    numbers.add(first).add(last);
    if (last - first < 2) continue;
    for (let row = 0; row < samples.length;) {
      const window = windowOf(samples.times[row]!, span);
      numbers.add(window);
      // The next row that counts is the first one of a later window.
      row = Math.max(row + 1, samples.rowAt((window + 1) * windowMs));
    }
  }
  const latest = windowOf(Infinity, span);
  return [...numbers]
    .sort((a, b) => a - b)
    .map((window) => ({
      fromMs: window * windowMs,
      toMs: window === latest ? Infinity : (window + 1) * windowMs - 1,
    }))
    .filter(({ toMs }) => toMs >= oldestMs);
}

async function writeWindow(
  writer: BlockWriter,
  series: readonly Series[],
  window: Window,
  { head, signal }: FlushRequest,
): Promise<void> {
  const samples = new SampleColumns(1024);
  for (const one of series) {
    signal.throwIfAborted();
    samples.clear();
    head.copy(one, FROZEN, window.fromMs, window.toMs, samples);
    if (samples.length === 0) continue;
    writer.startSeries(one.labels);
    await writer.addSamples(samples, 0, samples.length);
  }
}
