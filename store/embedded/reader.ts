import { compareLabels, labelValue } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { StoreFailure } from '../store.ts';
import type {
  RawSeries,
  ReadBudget,
  SelectRequest,
  SeriesReader,
  SeriesRequest,
} from '../store.ts';
import type { Block } from './block-reader.ts';
import { compileAll } from './catalogue.ts';
import { SampleColumns } from './columns.ts';
import type { Contents } from './contents.ts';
import { BOTH } from './head.ts';
import { diskFailure } from './journal.ts';
import type { Series } from './series.ts';

interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Answers the reading half of the contract. A request sees one moment: what is in memory is copied, and the
 * blocks are held, before the first wait. Memory: what the budget allows, and one read of a megabyte.
 */
export class Reader implements SeriesReader {
  readonly #contents: Contents;
  /** Older samples are beyond retention, whether or not they have been removed yet. */
  readonly #oldestMs: () => number;

  constructor(contents: Contents, oldestMs: () => number) {
    this.#contents = contents;
    this.#oldestMs = oldestMs;
  }

  async select(request: SelectRequest): Promise<readonly RawSeries[]> {
    const range = this.#range(request);
    const matching = this.#matching(request, range, request.budget.seriesMax);
    const meter = new SampleMeter(request.budget);
    const { blocks } = this.#contents;
    const inMemory = matching.map((series) => {
      const samples = new SampleColumns(0);
      this.#contents.head.copy(series, BOTH, range.fromMs, range.toMs, samples);
      meter.add(samples.length);
      return samples;
    });
    const concerned = blocks.filter(
      ({ meta }) => meta.minTimeMs <= range.toMs && meta.maxTimeMs >= range.fromMs,
    );
    for (const block of concerned) block.acquire();
    const gathered = matching.map(() => new SampleColumns(0));
    try {
      for (const block of concerned) {
        await readBlock(block, { matching, gathered, range, meter, signal: request.signal });
      }
    } catch (thrown) {
      if (thrown instanceof StoreFailure || request.signal?.aborted) throw thrown;
      throw diskFailure(thrown, 'a block');
    } finally {
      for (const block of concerned) await block.release();
    }
    const answer: RawSeries[] = [];
    matching.forEach((series, i) => {
      const samples = gathered[i]!;
      samples.merge(inMemory[i]!);
      if (samples.length > 0) answer.push(rawSeries(series, samples));
    });
    return answer;
  }

  async series(request: SeriesRequest): Promise<readonly Labels[]> {
    return this.#matching(request, this.#range(request)).map(({ labels }) => labels);
  }

  async labelNames(request: SeriesRequest): Promise<readonly string[]> {
    const names = new Set<string>();
    this.#visit(request, this.#range(request), ({ labels }) => {
      for (let i = 0; i < labels.length; i += 2) names.add(labels[i]!);
    });
    return [...names].sort();
  }

  async labelValues(label: string, request: SeriesRequest): Promise<readonly string[]> {
    const values = new Set<string>();
    const range = this.#range(request);
    this.#visit(request, range, ({ labels }) => {
      const value = labelValue(labels, label);
      if (value !== '') values.add(value);
    });
    return [...values].sort();
  }

  /** Times are whole milliseconds, so that both ends can be made so, too. */
  #range({ fromMs, toMs }: SeriesRequest): Range {
    return {
      fromMs: Math.max(Math.ceil(fromMs), Math.ceil(this.#oldestMs())),
      toMs: Math.floor(toMs),
    };
  }

  #matching(request: SeriesRequest, range: Range, seriesMax = Infinity): readonly Series[] {
    const matching: Series[] = [];
    this.#visit(request, range, (series) => {
      matching.push(series);
      if (matching.length > seriesMax) {
        throw new StoreFailure(
          'limit-series',
          `more than ${seriesMax} series match: narrow the matchers or raise the limit`,
        );
      }
    });
    return matching.sort((a, b) => compareLabels(a.labels, b.labels));
  }

  #visit(request: SeriesRequest, range: Range, visit: (series: Series) => void): void {
    request.signal?.throwIfAborted();
    if (range.fromMs > range.toMs) return;
    this.#contents.catalogue.match(compileAll(request.matchers), (series) => {
      if (this.#mayHold(series, range)) visit(series);
    });
  }

  #mayHold(series: Series, { fromMs, toMs }: Range): boolean {
    if (this.#contents.head.mayHold(series, fromMs, toMs)) return true;
    if (series.blockUses === 0) return false;
    const { blocks } = this.#contents;
    for (let i = blocks.length - 1; i >= 0; i--) {
      if (blocks[i]!.mayHold(series, fromMs, toMs)) return true;
    }
    return false;
  }
}

async function readBlock(
  block: Block,
  request: {
    readonly matching: readonly Series[];
    readonly gathered: readonly SampleColumns[];
    readonly range: Range;
    readonly meter: SampleMeter;
    readonly signal: AbortSignal | undefined;
  },
): Promise<void> {
  const { matching, gathered, range, meter, signal } = request;
  const numbers: number[] = [];
  const targets = new Map<number, SampleColumns>();
  // Matching series and the series of a block are in one order, so the chunks ascend.
  matching.forEach((series, i) => {
    const position = block.positionOf(series);
    if (position < 0) return;
    const { start, end } = block.chunksWithin(position, range.fromMs, range.toMs);
    for (let number = start; number < end; number++) {
      numbers.push(number);
      targets.set(number, gathered[i]!);
    }
  });
  await block.readChunks(
    numbers,
    (number, samples) => {
      const start = samples.rowAt(range.fromMs);
      const end = samples.rowAt(range.toMs + 1);
      meter.add(end - start);
      targets.get(number)!.merge(samples, start, end);
    },
    signal ? { signal } : {},
  );
}

function rawSeries({ labels }: Series, samples: SampleColumns): RawSeries {
  return {
    labels,
    times: samples.times.subarray(0, samples.length),
    values: samples.values.subarray(0, samples.length),
  };
}

/** Counts what is read against the budget, before memory for more is taken. */
class SampleMeter {
  readonly #samplesMax: number;
  #samples = 0;

  constructor(budget: ReadBudget) {
    this.#samplesMax = budget.samplesMax;
  }

  add(count: number): void {
    this.#samples += count;
    if (this.#samples > this.#samplesMax) {
      throw new StoreFailure(
        'limit-samples',
        `the request reads more than ${this.#samplesMax} samples: shorten the range, narrow the matchers or raise the limit`,
      );
    }
  }
}
