import type { StoreOptions, StorePlatform } from '../options.ts';
import { StoreFailure } from '../store.ts';
import { openBlock } from './block-reader.ts';
import type { Block, BlockUse } from './block-reader.ts';
import type { Committer } from './committer.ts';
import { planMerge } from './compaction.ts';
import type { Contents } from './contents.ts';
import { fileName } from './filenames.ts';
import { writeHead } from './flush.ts';
import type { Instruments } from './instruments.ts';
import { diskFailure } from './journal.ts';
import type { Journal } from './journal.ts';
import { Lane } from './lane.ts';
import { DamagedInput, mergeBlocks } from './merge.ts';
import { expiredBlocks, retentionEdge } from './retention.ts';
import { windowMs } from './tuning.ts';
import type { Tuning } from './tuning.ts';

export interface MaintenanceParts {
  readonly options: StoreOptions;
  readonly platform: StorePlatform;
  readonly tuning: Tuning;
  readonly contents: Contents;
  readonly instruments: Instruments;
  readonly use: BlockUse;
  /** The highest block number ever seen. */
  readonly lastSequence: number;
}

/** Of the 4 GiB that the kernel can have; what a freeze seals and a read unpacks needs the rest. */
const HEAD_BYTES_MAX = 3n * 1024n * 1024n * 1024n;

/** Merges in one round; what is left waits for the next. */
const MERGES_PER_ROUND = 16;

/**
 * The work behind the appends: writes a full or old head to blocks, merges blocks, removes expired ones. On
 * the clock's timers and when a commit fills the head. Writing the head has a lane of its own, since a long
 * merge must not let memory fill up. A failure is tried again later; samples stay in journal and memory
 * meanwhile.
 */
export class Maintenance {
  readonly #parts: MaintenanceParts;
  readonly #windowMs: number;
  readonly #stop = new AbortController();
  #journal: Journal | undefined;
  #committer: Committer | undefined;
  #sequence: number;
  readonly #flushing: Lane;
  readonly #tidying: Lane;
  #cancelTimer: () => void = () => {};
  #flushFailure: StoreFailure | undefined;
  /** Where the frozen head's journal ends; kept for the next attempt when writing fails. */
  #boundary = 0;
  /** Journal segments below this are in blocks and can go. */
  #obsoleteBelow = 0;

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
    this.#windowMs = windowMs(parts.options.retentionMs);
    this.#sequence = parts.lastSequence;
    const { clock, log } = parts.platform;
    const { signal } = this.#stop;
    this.#flushing = new Lane({
      clock,
      log,
      signal,
      what: 'writing samples from memory to blocks',
      work: () => this.#flush(),
    });
    this.#tidying = new Lane({
      clock,
      log,
      signal,
      what: 'merging and removing blocks',
      work: () => this.#tidy(),
    });
  }

  /** Begins the rounds. */
  start(journal: Journal, committer: Committer): void {
    this.#journal = journal;
    this.#committer = committer;
    this.#wait();
  }

  /** Why no more samples fit in memory now, if so. */
  pressure(): StoreFailure | undefined {
    const { contents, tuning } = this.#parts;
    const isFull = contents.head.kernel.calls.bytesUsed.value > HEAD_BYTES_MAX;
    if (contents.head.samples < 2 * tuning.headSamplesMax && !isFull) return undefined;
    return (
      this.#flushFailure ??
      new StoreFailure(
        'overloaded',
        `${contents.head.samples} samples wait in memory to be written to blocks: send again later`,
      )
    );
  }

  /** Looks at once when the head is full, instead of at the next tick. */
  afterCommit(): void {
    const { contents, tuning } = this.#parts;
    if (contents.head.samples >= tuning.headSamplesMax) this.#flushing.kick();
  }

  async close(): Promise<void> {
    this.#stop.abort(new StoreFailure('closed', 'the store is closing'));
    this.#cancelTimer();
    await this.#flushing.settled();
    await this.#tidying.settled();
  }

  /**
   * Writes the head while the journal is still being replayed. Where the disk does not allow that, the start
   * goes on: the frozen head is written later, and what is left to replay is about one head more.
   */
  async flushDuringReplay(segment: number): Promise<void> {
    const { contents, platform } = this.#parts;
    if (contents.isFrozen) return;
    contents.freeze(platform.clock.monotonic());
    this.#boundary = segment;
    try {
      await this.#writeFrozen();
    } catch (thrown) {
      this.#flushFailure = diskFailure(thrown, 'a block');
      this.#flushing.failed(thrown);
    }
  }

  #wait(): void {
    const { platform, tuning } = this.#parts;
    this.#cancelTimer = platform.clock.after(tuning.maintenanceIntervalMs, () => {
      this.#flushing.kick();
      this.#tidying.kick();
      this.#wait();
    });
  }

  async #flush(): Promise<void> {
    await this.#flushIfDue();
    await this.#removeJournal();
    // What was just written may make a merge due.
    this.#tidying.kick();
  }

  async #tidy(): Promise<void> {
    await this.#expire();
    await this.#merge();
  }

  async #flushIfDue(): Promise<void> {
    const { contents, platform, tuning } = this.#parts;
    if (!contents.isFrozen) {
      const { head } = contents;
      const age = platform.clock.monotonic() - head.startedAt;
      const isDue =
        head.samples >= tuning.headSamplesMax || (head.samples > 0 && age >= tuning.headAgeMaxMs);
      if (!isDue) return;
      await this.#committer!.exclusively(async () => {
        this.#boundary = await this.#journal!.rotate();
        contents.freeze(platform.clock.monotonic());
        contents.forgetIdle();
      });
    }
    try {
      await this.#writeFrozen();
      this.#flushFailure = undefined;
    } catch (thrown) {
      this.#flushFailure = diskFailure(thrown, 'a block');
      throw thrown;
    }
    this.#obsoleteBelow = this.#boundary;
  }

  /** Apart from the flush, so that a removal that failed is tried again. */
  async #removeJournal(): Promise<void> {
    if (this.#obsoleteBelow === 0) return;
    await this.#journal!.removeBelow(this.#obsoleteBelow);
    this.#obsoleteBelow = 0;
  }

  /** Writes the frozen head to blocks and lets them take its place. */
  async #writeFrozen(): Promise<void> {
    const { contents, options, platform, instruments, tuning, use } = this.#parts;
    const { clock, files, log } = platform;
    const { head } = contents;
    const samples = head.frozenSamples;
    const startedAt = clock.monotonic();
    const nowMs = clock.now();
    const sequences = await writeHead({
      files,
      directory: options.directory,
      head,
      codec: use.codec,
      chunkSamples: tuning.chunkSamples,
      windowMs: this.#windowMs,
      nowMs,
      oldestMs: retentionEdge(nowMs, options.retentionMs),
      journalBelow: this.#boundary,
      takeSequence: () => ++this.#sequence,
      signal: this.#stop.signal,
    });
    const blocks = await this.#openAll(sequences);
    const publish = async (): Promise<void> => contents.publish(blocks);
    await (this.#committer ? this.#committer.exclusively(publish) : publish());
    const seconds = (clock.monotonic() - startedAt) / 1000;
    instruments.flushed(seconds);
    log.info('samples were written from memory to blocks', {
      samples,
      blocks: sequences.map((sequence) => fileName('block', sequence)),
      bytes: blocks.reduce((sum, { bytes }) => sum + bytes, 0),
      seconds,
    });
  }

  async #merge(): Promise<void> {
    const { contents, options, platform, instruments, tuning } = this.#parts;
    const { clock, files, log } = platform;
    for (let round = 0; round < MERGES_PER_ROUND; round++) {
      this.#stop.signal.throwIfAborted();
      const inputs = planMerge(
        contents.blocks.filter((block) => !block.isDamaged),
        { windowMs: this.#windowMs, nowMs: clock.now(), factor: tuning.mergeFactor },
      );
      if (!inputs) return;
      const bytes = inputs.reduce((sum, block) => sum + block.bytes, 0);
      // The result is never larger than its inputs by more than its index.
      if ((await files.freeBytes(options.directory)) < 2 * bytes) return;
      const startedAt = clock.monotonic();
      const merged = await this.#mergeOnce(inputs);
      if (!merged) continue;
      contents.add([merged]);
      await this.#remove(inputs);
      const seconds = (clock.monotonic() - startedAt) / 1000;
      instruments.compacted(seconds);
      log.info('blocks were merged', {
        blocks: inputs.length,
        into: fileName('block', merged.meta.sequence),
        samples: merged.meta.samples,
        bytesBefore: bytes,
        bytes: merged.bytes,
        seconds,
      });
    }
  }

  async #mergeOnce(inputs: readonly Block[]): Promise<Block | undefined> {
    const { options, platform, tuning, use } = this.#parts;
    try {
      const sequence = await mergeBlocks(inputs, {
        files: platform.files,
        directory: options.directory,
        sequence: ++this.#sequence,
        codec: use.codec,
        chunkSamples: tuning.chunkSamplesMerged,
        signal: this.#stop.signal,
      });
      return await this.#open(sequence);
    } catch (thrown) {
      // The damaged block is marked and no longer planned for.
      if (thrown instanceof DamagedInput) return undefined;
      throw thrown;
    }
  }

  async #expire(): Promise<void> {
    const { contents, options, platform } = this.#parts;
    const edge = retentionEdge(platform.clock.now(), options.retentionMs);
    const expired = expiredBlocks(contents.blocks, edge);
    if (expired.length === 0) return;
    await this.#remove(expired);
    platform.log.info('blocks beyond retention were removed', {
      blocks: expired.map(({ meta }) => fileName('block', meta.sequence)),
      samples: expired.reduce((sum, { meta }) => sum + meta.samples, 0),
    });
  }

  /** Takes blocks from readers and from the disk. Reads under way finish on the open file. */
  async #remove(blocks: readonly Block[]): Promise<void> {
    const { contents, options, platform } = this.#parts;
    contents.drop(blocks);
    await Promise.all(blocks.map((block) => block.retire()));
    for (const block of blocks) {
      const name = fileName('block', block.meta.sequence);
      await platform.files.remove(`${options.directory}/${name}`);
    }
    await platform.files.syncDirectory(options.directory);
  }

  /** Opens what a flush wrote; when one cannot be opened, all of them go, and the flush is tried anew. */
  async #openAll(sequences: readonly number[]): Promise<readonly Block[]> {
    const blocks: Block[] = [];
    try {
      for (const sequence of sequences) blocks.push(await this.#open(sequence));
      return blocks;
    } catch (thrown) {
      this.#parts.contents.drop(blocks);
      for (const block of blocks) await block.retire();
      const { files } = this.#parts.platform;
      for (const sequence of sequences) {
        await files.remove(`${this.#parts.options.directory}/${fileName('block', sequence)}`);
      }
      throw thrown;
    }
  }

  #open(sequence: number): Promise<Block> {
    const { options, platform, use } = this.#parts;
    return openBlock(platform.files, options.directory, sequence, use);
  }
}
