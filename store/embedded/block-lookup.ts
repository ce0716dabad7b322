import type { Block } from './block-reader.ts';
import { lowerBound } from './columns.ts';
import type { HeadSample } from './head.ts';
import type { Series } from './series.ts';

/** What blocks hold for the times that were asked about. */
export class StoredValues {
  readonly #bySeries = new Map<Series, Map<number, HeadSample>>();

  find(series: Series, timeMs: number): HeadSample | undefined {
    return this.#bySeries.get(series)?.get(timeMs);
  }

  add(series: Series, timeMs: number, value: HeadSample): void {
    let byTime = this.#bySeries.get(series);
    if (!byTime) this.#bySeries.set(series, (byTime = new Map()));
    if (!byTime.has(timeMs)) byTime.set(timeMs, value);
  }
}

export const NOTHING_STORED: StoredValues = new StoredValues();

/**
 * Looks single samples up in blocks: how a late sample learns whether it is there already. Each chunk that
 * covers one of the times is read once; a batch of late samples of one series costs few reads.
 */
export async function lookUpInBlocks(
  blocks: readonly Block[],
  wanted: ReadonlyMap<Series, readonly number[]>,
): Promise<StoredValues> {
  const stored = new StoredValues();
  const concerned = blocks.filter((block) => mayHoldAny(block, wanted));
  for (const block of concerned) block.acquire();
  try {
    for (const block of concerned) {
      const { times: timesOf, numbers } = chunksFor(block, wanted);
      await block.readChunks(numbers, (number, samples) => {
        const request = timesOf.get(number)!;
        for (const timeMs of request.times) {
          const row = lowerBound(samples.times, timeMs, samples.length);
          if (row === samples.length || samples.times[row] !== timeMs) continue;
          const low = samples.words[row * 2]!;
          stored.add(request.series, timeMs, { low, high: samples.words[row * 2 + 1]! });
        }
      });
    }
  } finally {
    for (const block of concerned) await block.release();
  }
  return stored;
}

function mayHoldAny(block: Block, wanted: ReadonlyMap<Series, readonly number[]>): boolean {
  for (const [series, times] of wanted) {
    if (times.some((timeMs) => block.mayHold(series, timeMs, timeMs))) return true;
  }
  return false;
}

interface ChunkRequest {
  readonly series: Series;
  readonly times: number[];
}

function chunksFor(
  block: Block,
  wanted: ReadonlyMap<Series, readonly number[]>,
): { readonly times: ReadonlyMap<number, ChunkRequest>; readonly numbers: readonly number[] } {
  const requests = new Map<number, ChunkRequest>();
  for (const [series, times] of wanted) {
    const position = block.positionOf(series);
    if (position < 0) continue;
    for (const timeMs of times) {
      const { start, end } = block.chunksWithin(position, timeMs, timeMs);
      for (let number = start; number < end; number++) {
        const request = requests.get(number);
        if (request) request.times.push(timeMs);
        else requests.set(number, { series, times: [timeMs] });
      }
    }
  }
  return { times: requests, numbers: [...requests.keys()].sort((a, b) => a - b) };
}
