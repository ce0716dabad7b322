import { metric } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { BatchBuilder } from '../../model/sample.ts';
import { everySlot, withDeadline } from '../../platform/clock.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import type { Telemetry } from '../../platform/telemetry.ts';
import type { ShownSet } from '../exposition.ts';
import type { PlacedSource } from '../sources.ts';
import { DELIVERY_LIMITS, Delivery } from './delivery.ts';
import type { Deliver, DeliveryLimits, DeliveryStatus } from './delivery.ts';
import { SeriesBook } from './series-book.ts';
import { SourceRun } from './source-run.ts';
import type { SourceStatus } from './source-run.ts';

/** Readings that end within this time of each other go out as one batch. */
const GATHER_MS = 5;

/** When stopping: for readings under way to end, and for the last samples to reach the store. */
const REST_MS = 1000;
const DRAIN_MS = 5000;

/**
 * What somebody who looks between two slots gets to see is at most so old: of what moves all the time, and
 * of the rest. Also the limit to what can be caused by looking often.
 */
const MOVING_MS_MAX = 100;
const STEADY_MS_MAX = 10_000;

export interface LoopOptions {
  /** The slot of `up`, and of the sources that run at full speed. */
  readonly intervalMs: number;
  readonly instance: string;
  readonly delivery?: DeliveryLimits;
}

export interface LoopPlatform {
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: Telemetry;
}

export interface LoopStatus {
  readonly sources: readonly SourceStatus[];
  readonly delivery: DeliveryStatus;
}

/** The sources known under one `job`, and its series `up`. */
interface Job {
  readonly book: SeriesBook;
  readonly runs: readonly SourceRun[];
  hasBegun: boolean;
}

/**
 * Runs sources, each on the slots of its own interval. Sources with equal intervals share one timer, but
 * none waits for another: a reading that takes time goes on by itself, and its next slot is skipped. What
 * was read around the same moment is gathered and leaves as one batch.
 *
 *     slot ──► source ──► series book (stamp, ends) ──► one batch builder ──► delivery ──► store
 */
export class CollectorLoop {
  readonly #options: LoopOptions;
  readonly #platform: LoopPlatform;
  readonly #out = new BatchBuilder(1024);
  readonly #delivery: Delivery;
  readonly #runs: readonly SourceRun[];
  readonly #stopping = new AbortController();
  readonly #slots: Promise<void>[] = [];
  readonly #jobs: Job[] = [];
  readonly #upSeries: Labels = metric('up');
  #cancelGather: (() => void) | undefined;
  #stopped: Promise<void> | undefined;

  constructor(
    placed: readonly PlacedSource[],
    options: LoopOptions,
    deliver: Deliver,
    platform: LoopPlatform,
  ) {
    this.#options = options;
    this.#platform = platform;
    this.#delivery = new Delivery(platform, deliver, options.delivery ?? DELIVERY_LIMITS);
    this.#runs = placed.map(
      (one) =>
        new SourceRun(one, {
          ...platform,
          instance: options.instance,
          out: this.#out,
          signal: this.#stopping.signal,
          completed: () => this.#gather(),
        }),
    );
    for (const job of new Set(placed.map((one) => one.job))) {
      this.#jobs.push({
        book: new SeriesBook({ job, instance: options.instance }, this.#out),
        runs: this.#runs.filter((run) => run.job === job),
        hasBegun: false,
      });
    }
  }

  start(): void {
    const byInterval = new Map<number, SourceRun[]>([[this.#options.intervalMs, []]]);
    for (const run of this.#runs) {
      const together = byInterval.get(run.source.intervalMs);
      if (together) together.push(run);
      else byInterval.set(run.source.intervalMs, [run]);
    }
    for (const [intervalMs, runs] of byInterval) this.#runSlots(intervalMs, runs);
  }

  status(): LoopStatus {
    return {
      sources: this.#runs.map((run) => run.status()),
      delivery: this.#delivery.status(),
    };
  }

  /** All series of a job as they are now. Waits for nothing: what takes time is given as it was read last. */
  look(job: string): readonly ShownSet[] {
    const runs = this.#runs.filter((run) => run.job === job);
    const movingMs = Math.max(this.#options.intervalMs, 1000);
    for (const run of runs) {
      run.refresh(run.source.intervalMs <= movingMs ? MOVING_MS_MAX : STEADY_MS_MAX);
    }
    return runs.flatMap((run) => run.shown);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  #runSlots(intervalMs: number, runs: readonly SourceRun[]): void {
    const isBase = intervalMs === this.#options.intervalMs;
    // The rare ones start at once: nobody should wait ten seconds to see the file systems.
    if (!isBase) for (const run of runs) run.wake();
    const slots = {
      intervalMs,
      missed: (count: number): void => {
        for (const run of runs) run.missed(count);
      },
    };
    const loop = everySlot(this.#platform.clock, slots, this.#stopping.signal, () => {
      for (const run of runs) run.wake();
      if (isBase) this.#tellUp();
    });
    this.#slots.push(loop);
  }

  #tellUp(): void {
    const timeMs = Math.floor(this.#platform.clock.now());
    for (const job of this.#jobs) {
      // A job that never found anything to read, such as libvirt where there is none, is not there at all.
      job.hasBegun ||= job.runs.some((run) => run.hasSeries);
      if (job.hasBegun) job.book.push(this.#upSeries, 1, timeMs);
    }
    this.#gather();
  }

  #gather(): void {
    this.#cancelGather ??= this.#platform.clock.after(GATHER_MS, () => this.#send());
  }

  #send(): void {
    this.#cancelGather = undefined;
    if (this.#out.length > 0) this.#delivery.add(this.#out.take());
  }

  async #stop(): Promise<void> {
    const { clock, log } = this.#platform;
    this.#stopping.abort(new Error('the collector stops'));
    await Promise.all(this.#slots);
    const resting = Promise.all(this.#runs.map((run) => run.rest()));
    try {
      await withDeadline(clock, REST_MS, 'the last reading', async () => void (await resting));
    } catch {
      const hanging = this.#runs.filter((run) => run.isReading).map((run) => run.source.name);
      log.warn('sources were still reading when the collector stopped', { sources: hanging });
    }
    this.#cancelGather?.();
    this.#send();
    await this.#delivery.drain(DRAIN_MS);
    await Promise.allSettled(this.#runs.map(async (run) => run.source.close?.()));
  }
}
