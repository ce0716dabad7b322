import { Failure, messageOf } from '../../model/failure.ts';
import { assertBatch } from '../../model/sample.ts';
import type { SampleBatch } from '../../model/sample.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import { StoreFailure } from '../store.ts';
import type { AppendOutcome, WriteRequest } from '../store.ts';
import { NOTHING_STORED, lookUpInBlocks } from './block-lookup.ts';
import type { StoredValues } from './block-lookup.ts';
import type { Contents } from './contents.ts';
import type { Instruments } from './instruments.ts';
import { diskFailure } from './journal.ts';
import type { Journal } from './journal.ts';
import type { Series } from './series.ts';
import { Staging } from './staging.ts';
import type { LateRow, StagedOutcome, StagingRules } from './staging.ts';
import { WriteRequests } from './write-request.ts';

interface Waiting {
  /** About how many; bodies are counted by their bytes. */
  readonly rows: number;
  /** Stages what waits; undefined when it is not understood. */
  readonly stage: (rules: StagingRules) => Promise<StagedOutcome | undefined>;
  readonly resolve: (outcome: AppendOutcome | undefined) => void;
  readonly reject: (failure: unknown) => void;
}

/** Of a compressed body; a little less than senders need. */
const BYTES_PER_SAMPLE = 4;

interface Staged {
  readonly waiting: Waiting;
  readonly outcome: StagedOutcome | undefined;
}

/**
 * The single writer. Appends that arrive while a sync is under way wait together and are committed by the
 * next one, in the order of their arrival; between two groups, steps of the maintenance have their turn, so
 * that none of them ever meets a group half done.
 */
export class Committer {
  readonly #contents: Contents;
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #instruments: Instruments;
  readonly #staging: Staging;
  readonly #requests: WriteRequests;
  readonly #limits: { readonly queueRowsMax: number; readonly groupRowsMax: number };
  readonly #oldestMs: () => number;
  readonly #pressure: () => StoreFailure | undefined;
  readonly #afterCommit: () => void;
  #queue: Waiting[] = [];
  #queuedRows = 0;
  #turns: (() => Promise<void>)[] = [];
  #loop: Promise<void> | undefined;
  #samplesAppended = 0;

  constructor(options: {
    readonly contents: Contents;
    readonly journal: Journal;
    readonly clock: Clock;
    readonly log: Log;
    readonly instruments: Instruments;
    readonly seriesMax: number;
    readonly limits: { readonly queueRowsMax: number; readonly groupRowsMax: number };
    /** Samples before this time are refused. */
    readonly oldestMs: () => number;
    /** Why no more samples fit in memory now, if so. */
    readonly pressure: () => StoreFailure | undefined;
    readonly afterCommit: () => void;
  }) {
    this.#contents = options.contents;
    this.#journal = options.journal;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#instruments = options.instruments;
    this.#staging = new Staging(options.contents, options.seriesMax);
    this.#requests = new WriteRequests(options.contents, this.#staging);
    this.#limits = options.limits;
    this.#oldestMs = options.oldestMs;
    this.#pressure = options.pressure;
    this.#afterCommit = options.afterCommit;
  }

  get samplesAppended(): number {
    return this.#samplesAppended;
  }

  async append(batch: SampleBatch): Promise<AppendOutcome> {
    assertBatch(batch);
    const outcome = await this.#enqueue(batch.labels.length, (rules) =>
      this.#staging.stage(batch, rules),
    );
    return outcome!;
  }

  async appendWriteRequest(request: WriteRequest): Promise<AppendOutcome | undefined> {
    return this.#enqueue(Math.ceil(request.body.length / BYTES_PER_SAMPLE), (rules) =>
      this.#requests.stage(request, rules),
    );
  }

  async #enqueue(rows: number, stage: Waiting['stage']): Promise<AppendOutcome | undefined> {
    // What is larger than the queue still has its turn when nothing else waits.
    if (this.#queuedRows > 0 && this.#queuedRows + rows > this.#limits.queueRowsMax) {
      throw new StoreFailure(
        'overloaded',
        `${this.#queuedRows} samples wait for the disk already (limit ${this.#limits.queueRowsMax}): send again later`,
      );
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ rows, stage, resolve, reject });
      this.#queuedRows += rows;
      this.#start();
    });
  }

  /** Runs a step while no group is under way. */
  async exclusively<T>(step: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#turns.push(async () => {
        try {
          resolve(await step());
        } catch (thrown) {
          reject(thrown);
        }
      });
      this.#start();
    });
  }

  /** Resolves once nothing waits. */
  async drained(): Promise<void> {
    while (this.#loop) await this.#loop;
  }

  #start(): void {
    this.#loop ??= this.#run();
  }

  async #run(): Promise<void> {
    // Calls made in one go share the first sync, too.
    await Promise.resolve();
    for (;;) {
      const turn = this.#turns.shift();
      if (turn) await turn();
      else if (this.#queue.length > 0) await this.#commit(this.#takeGroup());
      else break;
    }
    this.#loop = undefined;
  }

  #takeGroup(): readonly Waiting[] {
    let rows = 0;
    let count = 0;
    while (count < this.#queue.length && (count === 0 || rows < this.#limits.groupRowsMax)) {
      rows += this.#queue[count++]!.rows;
    }
    const group = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    this.#queuedRows -= rows;
    return group;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    try {
      const staged = await this.#makeDurable(group);
      for (const { waiting, outcome } of staged) {
        waiting.resolve(outcome && this.#answer(outcome));
      }
    } catch (thrown) {
      this.#noteFailure(thrown);
      for (const waiting of group) waiting.reject(thrown);
    }
  }

  #noteFailure(thrown: unknown): void {
    this.#instruments.commitFailed();
    if (thrown instanceof Failure) return;
    this.#log.error('an append failed in a way that was not foreseen', {
      error: messageOf(thrown),
    });
  }

  async #makeDurable(group: readonly Waiting[]): Promise<readonly Staged[]> {
    const full = this.#pressure();
    if (full) throw full;
    await this.#journal.prepare();
    this.#staging.begin(this.#journal.beginGroup(this.#contents.head.forgotten));
    const start = this.#staging.mark();
    try {
      const staged = await this.#stageAll(group);
      const rows = this.#staging.length;
      if (rows > 0) {
        const startedAt = this.#clock.monotonic();
        this.#staging.writeTo(this.#journal);
        await this.#journal.commit();
        this.#instruments.committed((this.#clock.monotonic() - startedAt) / 1000);
      }
      this.#staging.apply();
      this.#samplesAppended += rows;
      if (rows > 0) this.#afterCommit();
      return staged;
    } catch (thrown) {
      this.#staging.undo(start);
      throw thrown;
    }
  }

  /** Stages one after the other. What cannot be is answered at once, and leaves no trace. */
  async #stageAll(group: readonly Waiting[]): Promise<readonly Staged[]> {
    const oldestMs = Math.ceil(this.#oldestMs());
    const rules = { oldestMs, lookUp: (rows: readonly LateRow[]) => this.#lookUp(rows) };
    const staged: Staged[] = [];
    for (const waiting of group) {
      const mark = this.#staging.mark();
      try {
        const outcome = await waiting.stage(rules);
        if (!outcome) this.#staging.undo(mark);
        staged.push({ waiting, outcome });
      } catch (thrown) {
        this.#staging.undo(mark);
        this.#noteFailure(thrown);
        waiting.reject(thrown);
      }
    }
    return staged;
  }

  async #lookUp(rows: readonly LateRow[]): Promise<StoredValues> {
    if (this.#contents.blocks.length === 0) return NOTHING_STORED;
    const wanted = new Map<Series, number[]>();
    for (const { series, timeMs } of rows) {
      if (series.blockUses === 0) continue;
      const times = wanted.get(series);
      if (times) times.push(timeMs);
      else wanted.set(series, [timeMs]);
    }
    if (wanted.size === 0) return NOTHING_STORED;
    try {
      return await lookUpInBlocks(this.#contents.blocks, wanted);
    } catch (thrown) {
      throw diskFailure(thrown, 'a block');
    }
  }

  #answer({ stored, repeated, refusals }: StagedOutcome): AppendOutcome {
    const outcome = { stored, repeated, refused: refusals.list() };
    this.#instruments.answered(outcome);
    return outcome;
  }
}
