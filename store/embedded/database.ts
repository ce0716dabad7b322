import type { SampleBatch } from '../../model/sample.ts';
import type { Labels } from '../../model/labels.ts';
import type { StoreOptions, StorePlatform } from '../options.ts';
import { StoreFailure } from '../store.ts';
import type {
  AppendOutcome,
  RawSeries,
  SelectRequest,
  SeriesRequest,
  Store,
  StoreStats,
  WriteRequest,
} from '../store.ts';
import type { Block } from './block-reader.ts';
import { ChunkCodec } from './chunk.ts';
import { Committer } from './committer.ts';
import { Contents } from './contents.ts';
import { fileName } from './filenames.ts';
import { checkFormat } from './format-file.ts';
import { Head } from './head.ts';
import { Instruments } from './instruments.ts';
import { Journal } from './journal.ts';
import { loadKernel } from './kernel-module.ts';
import { Maintenance } from './maintenance.ts';
import { Reader } from './reader.ts';
import { replayJournal } from './replay.ts';
import type { ReplayOutcome } from './replay.ts';
import { retentionEdge } from './retention.ts';
import { coveredBelow, loadBlocks, syncParents, takeInventory } from './startup.ts';
import type { Inventory } from './startup.ts';
import { TUNING } from './tuning.ts';
import type { Tuning } from './tuning.ts';

/**
 * Our own engine, in one directory:
 *
 *   append ─▶ committer ─▶ journal (synced) ─▶ head ─▶ blocks ─▶ merged blocks ─▶ expired
 *                                               └──────────┴─────── reader ───────┘
 *
 * Fails with a `FileFailure` of code `in-use` while another process has the directory, with a
 * `StoreFailure` of code `newer-format` when a newer version wrote it, and with what the disk says when the
 * directory cannot be used at all. Damage inside is reported and costs no more than what was damaged.
 */
export async function openEmbeddedStore(
  options: StoreOptions,
  platform: StorePlatform,
  tuning: Tuning = TUNING,
): Promise<Store> {
  const { clock, files } = platform;
  const named = { ...platform, log: platform.log.component('store') };
  const startedAt = clock.monotonic();
  await files.makeDirectory(options.directory);
  const lock = await files.lock(options.directory);
  try {
    const isNew = await checkFormat(files, options.directory, named.log);
    if (isNew) await syncParents(files, options.directory);
    return await EmbeddedStore.recover(options, named, { tuning, lock, startedAt });
  } catch (thrown) {
    await lock.release();
    throw thrown;
  }
}

interface Opening {
  readonly tuning: Tuning;
  readonly lock: { release(): Promise<void> };
  readonly startedAt: number;
}

class EmbeddedStore implements Store {
  readonly #options: StoreOptions;
  readonly #platform: StorePlatform;
  readonly #lock: { release(): Promise<void> };
  readonly #contents: Contents;
  readonly #instruments: Instruments;
  readonly #maintenance: Maintenance;
  readonly #journal: Journal;
  readonly #committer: Committer;
  readonly #reader: Reader;
  #closing: Promise<void> | undefined;
  #cancelShow: () => void = () => {};

  private constructor(
    options: StoreOptions,
    platform: StorePlatform,
    parts: {
      readonly lock: { release(): Promise<void> };
      readonly contents: Contents;
      readonly instruments: Instruments;
      readonly maintenance: Maintenance;
      readonly journal: Journal;
      readonly tuning: Tuning;
    },
  ) {
    this.#options = options;
    this.#platform = platform;
    this.#lock = parts.lock;
    this.#contents = parts.contents;
    this.#instruments = parts.instruments;
    this.#maintenance = parts.maintenance;
    this.#journal = parts.journal;
    const oldestMs = (): number => retentionEdge(platform.clock.now(), options.retentionMs);
    this.#committer = new Committer({
      contents: parts.contents,
      journal: parts.journal,
      clock: platform.clock,
      log: platform.log,
      instruments: parts.instruments,
      seriesMax: options.seriesMax,
      limits: parts.tuning,
      oldestMs,
      pressure: () => parts.maintenance.pressure(),
      afterCommit: () => parts.maintenance.afterCommit(),
    });
    this.#reader = new Reader(parts.contents, oldestMs);
    parts.maintenance.start(parts.journal, this.#committer);
    this.#showAgain();
  }

  /** Reads what is in the directory back and begins to work. */
  static async recover(
    options: StoreOptions,
    platform: StorePlatform,
    { tuning, lock, startedAt }: Opening,
  ): Promise<Store> {
    const { clock, files, log } = platform;
    const { directory } = options;
    const instruments = new Instruments(platform.telemetry);
    const kernel = loadKernel(options.kernel);
    const contents = new Contents(
      new Head(kernel, clock.monotonic(), hashSeed(platform.random.bytes(8))),
    );
    const onDamage = (block: Block, offset: number): void => {
      instruments.chunkDamaged();
      const file = fileName('block', block.meta.sequence);
      log.error('a chunk of a block is damaged; its samples are missing', { file, offset });
    };
    // A process that was killed leaves names and bytes that only the page cache has. What is served, taken
    // for a repetition or a reason to remove something else must not vanish with the power.
    await files.syncDirectory(directory);
    const codec = new ChunkCodec(kernel);
    const use = { catalogue: contents.catalogue, codec, onDamage };
    const inventory = await takeInventory(files, directory);
    try {
      await loadBlocks(inventory.blocks, { options, platform, contents, use });
      const maintenance = new Maintenance({
        options,
        platform,
        tuning,
        contents,
        instruments,
        use,
        lastSequence: inventory.lastSequence,
      });
      const segments = await removeCovered(inventory, contents, platform, directory);
      const replayed = await replayJournal({
        files,
        clock,
        log,
        directory,
        catalogue: contents.catalogue,
        segments,
        head: contents.head,
        afterRecord: async (segment) => {
          if (contents.head.samples < tuning.headSamplesMax) return;
          await maintenance.flushDuringReplay(segment);
        },
        progress: options.progress,
      });
      instruments.journalCorrupted(replayed.corruptions);
      const lastSegment = Math.max(inventory.lastSegment, coveredBelow(contents.blocks));
      const journal = openJournal(options, platform, { tuning, replayed, lastSegment });
      log.info('the store is open', {
        directory,
        blocks: contents.blocks.length,
        samplesReplayed: replayed.samples,
        segmentsReplayed: segments.size,
        series: contents.catalogue.size,
        milliseconds: Math.round(clock.monotonic() - startedAt),
      });
      const parts = { lock, contents, instruments, maintenance, journal, tuning };
      return new EmbeddedStore(options, platform, parts);
    } catch (thrown) {
      for (const block of contents.blocks) await block.retire();
      throw thrown;
    }
  }

  async append(batch: SampleBatch): Promise<AppendOutcome> {
    this.#assertOpen();
    return this.#committer.append(batch);
  }

  async appendWriteRequest(request: WriteRequest): Promise<AppendOutcome | undefined> {
    this.#assertOpen();
    return this.#committer.appendWriteRequest(request);
  }

  async select(request: SelectRequest): Promise<readonly RawSeries[]> {
    this.#assertOpen();
    return this.#reader.select(request);
  }

  async series(request: SeriesRequest): Promise<readonly Labels[]> {
    this.#assertOpen();
    return this.#reader.series(request);
  }

  async labelNames(request: SeriesRequest): Promise<readonly string[]> {
    this.#assertOpen();
    return this.#reader.labelNames(request);
  }

  async labelValues(label: string, request: SeriesRequest): Promise<readonly string[]> {
    this.#assertOpen();
    return this.#reader.labelValues(label, request);
  }

  stats(): StoreStats {
    const { blocks, liveSeries, minTimeMs, maxTimeMs } = this.#contents;
    const blockBytes = blocks.reduce((sum, { bytes }) => sum + bytes, 0);
    return {
      liveSeries,
      samplesAppended: this.#committer.samplesAppended,
      diskBytes: this.#journal.bytes + blockBytes,
      blocks: blocks.length,
      oldestMs: Number.isFinite(minTimeMs) ? minTimeMs : undefined,
      newestMs: Number.isFinite(maxTimeMs) ? maxTimeMs : undefined,
    };
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#cancelShow();
    try {
      await this.#committer.drained();
      await this.#maintenance.close();
      await this.#journal.close();
      // Resolves once the reads under way are done with them.
      await Promise.all(this.#contents.blocks.map((block) => block.retire()));
    } finally {
      await this.#lock.release();
    }
    this.#platform.log.info('the store is closed', { directory: this.#options.directory });
  }

  #assertOpen(): void {
    if (this.#closing) throw new StoreFailure('closed', 'the store is closed');
  }

  #showAgain(): void {
    this.#instruments.show(this.stats(), this.#journal.bytes);
    this.#cancelShow = this.#platform.clock.after(SHOW_INTERVAL_MS, () => this.#showAgain());
  }
}

/** How old the gauges on `/metrics` may be. */
const SHOW_INTERVAL_MS = 5000;

/** Random, so that nobody outside can aim at one bucket. */
function hashSeed(bytes: Uint8Array): bigint {
  return bytes.reduce((seed, byte) => (seed << 8n) | BigInt(byte), 0n);
}

function openJournal(
  options: StoreOptions,
  { files, clock, log }: StorePlatform,
  from: {
    readonly tuning: Tuning;
    readonly replayed: ReplayOutcome;
    readonly lastSegment: number;
  },
): Journal {
  return new Journal({
    files,
    clock,
    log,
    directory: options.directory,
    segmentBytesMax: from.tuning.segmentBytesMax,
    sizes: from.replayed.sizes,
    damaged: from.replayed.damaged,
    cuts: from.replayed.cuts,
    lastSegment: from.lastSegment,
    lastChapter: from.replayed.lastChapter,
  });
}

/** Removes segments whose samples are all in blocks; gives the others with their sizes. */
async function removeCovered(
  inventory: Inventory,
  contents: Contents,
  { files }: StorePlatform,
  directory: string,
): Promise<ReadonlyMap<number, number>> {
  const covered = coveredBelow(contents.blocks);
  const left = new Map<number, number>();
  for (const segment of inventory.segments) {
    const path = `${directory}/${fileName('journal', segment)}`;
    if (segment < covered) {
      await files.remove(path);
      continue;
    }
    const file = await files.open(path, 'read');
    try {
      left.set(segment, await file.size());
    } finally {
      await file.close();
    }
  }
  if (left.size < inventory.segments.length) await files.syncDirectory(directory);
  return left;
}
