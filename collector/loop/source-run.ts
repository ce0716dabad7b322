import { messageOf } from '../../model/failure.ts';
import { metric } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { BatchBuilder } from '../../model/sample.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import type { Counter, Telemetry } from '../../platform/telemetry.ts';
import type { ShownSet } from '../exposition.ts';
import type { SampleSink, Source } from '../source.ts';
import type { PlacedSource } from '../sources.ts';
import { SeriesBook } from './series-book.ts';

/** A source that runs longer than this and than three of its intervals is declared to hang. */
const HANGING_MS = 5000;

/** About ourselves one value a second is enough, however fast the source is. */
const SELF_METRICS_MS = 1000;

export interface SourceStatus {
  readonly name: string;
  readonly job: string;
  readonly intervalMs: number;
  readonly state: 'not-read-yet' | 'reads' | 'fails' | 'hangs';
  /** Why it fails or hangs. */
  readonly error: string | undefined;
  readonly lastDurationMs: number;
  readonly slotsMissed: number;
  readonly failures: number;
  readonly series: number;
}

export interface Surroundings {
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly instance: string;
  readonly out: BatchBuilder;
  readonly signal: AbortSignal;
  /** Rows of `out` are complete and may go. */
  readonly completed: () => void;
}

/** One source while it is run: what it is doing, how it went, and which series it has. */
export class SourceRun {
  readonly source: Source;
  readonly job: string;
  readonly #around: Surroundings;
  readonly #endsByAbsence: boolean;
  readonly #book: SeriesBook;
  readonly #self: SeriesBook;
  readonly #sink: SampleSink;
  /** For readings between two slots, of which the store hears nothing. */
  readonly #glance: SampleSink;
  readonly #success: Labels;
  readonly #duration: Labels;
  readonly #missedCounter: Counter;
  readonly #failureCounter: Counter;
  readonly #refusedCounter: Counter;
  #timeMs = 0;
  #startedMs = 0;
  #answersAtOnce = false;
  #glancedMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  #state: SourceStatus['state'] = 'not-read-yet';
  #error: string | undefined;
  #equalErrors = 0;
  #selfMs = Number.NEGATIVE_INFINITY;
  #lastDurationMs = 0;
  #slotsMissed = 0;
  #failures = 0;

  constructor(placed: PlacedSource, around: Surroundings) {
    const { source, job } = placed;
    this.source = source;
    this.job = job;
    this.#around = around;
    this.#endsByAbsence = placed.seriesEnd === 'when-absent';
    const stamp = { job, instance: around.instance };
    this.#book = new SeriesBook(stamp, around.out);
    this.#self = new SeriesBook(stamp, around.out);
    this.#sink = {
      push: (labels, value, timeMs) => this.#book.push(labels, value, timeMs ?? this.#timeMs),
      end: (labels, timeMs) => this.#book.end(labels, timeMs ?? this.#timeMs),
    };
    this.#glance = { push: (labels, value) => this.#book.note(labels, value), end() {} };
    const collector = source.name;
    this.#success = metric('node_scrape_collector_success', { collector });
    this.#duration = metric('node_scrape_collector_duration_seconds', { collector });
    const { telemetry } = around;
    this.#missedCounter = telemetry.counter(
      'nephoscope_collector_slots_missed_total',
      'Readings that did not start because the one before was still under way.',
      ['collector'],
    );
    this.#failureCounter = telemetry.counter(
      'nephoscope_collector_failures_total',
      'Readings that failed.',
      ['collector'],
    );
    this.#refusedCounter = telemetry.counter(
      'nephoscope_collector_samples_refused_total',
      'Samples not taken because their source has too many series.',
      ['collector'],
    );
  }

  /** Whether a reading is under way. */
  get isReading(): boolean {
    return this.#reading !== undefined;
  }

  get hasSeries(): boolean {
    return this.#book.liveSeries > 0;
  }

  /** The series that it has, and those about itself. */
  get shown(): readonly ShownSet[] {
    return [this.#book, this.#self];
  }

  /** Settles when no reading is under way. */
  async rest(): Promise<void> {
    await this.#reading;
  }

  /** A slot has come: starts a reading, unless the last one is still under way. */
  wake(): void {
    if (this.#reading !== undefined) {
      this.missed(1);
      this.#lookWhetherItHangs();
      return;
    }
    const { clock, signal } = this.#around;
    this.#timeMs = Math.floor(clock.now());
    this.#startedMs = clock.monotonic();
    this.#book.beginReading();
    let reading: void | Promise<void>;
    try {
      reading = this.source.sample(this.#sink, signal);
    } catch (thrown) {
      this.#finish(messageOf(thrown));
      return;
    }
    this.#answersAtOnce = reading === undefined;
    if (reading === undefined) {
      this.#finish(undefined);
      return;
    }
    this.#reading = reading
      .then(
        () => this.#finish(undefined),
        (thrown: unknown) => this.#finish(messageOf(thrown)),
      )
      .then(() => {
        this.#reading = undefined;
      });
  }

  /**
   * For whoever looks between two slots: brings up to date the values of the series that there are, if what
   * was read is older than this and if the source answers at once. What fails here is left to the next slot.
   */
  refresh(olderThanMs: number): void {
    const { clock, signal } = this.#around;
    if (!this.#answersAtOnce || this.#state !== 'reads' || signal.aborted) return;
    const now = clock.monotonic();
    if (now - Math.max(this.#startedMs, this.#glancedMs) < olderThanMs) return;
    this.#glancedMs = now;
    try {
      void this.source.sample(this.#glance, signal)?.catch(() => {});
    } catch {
      // The next slot meets it again, and tells.
    }
  }

  missed(slots: number): void {
    this.#slotsMissed += slots;
    this.#missedCounter.add(slots, { collector: this.source.name });
  }

  status(): SourceStatus {
    return {
      name: this.source.name,
      job: this.job,
      intervalMs: this.source.intervalMs,
      state: this.#state,
      error: this.#error,
      lastDurationMs: this.#lastDurationMs,
      slotsMissed: this.#slotsMissed,
      failures: this.#failures,
      series: this.#book.liveSeries,
    };
  }

  #finish(error: string | undefined): void {
    const { clock, signal } = this.#around;
    this.#lastDurationMs = clock.monotonic() - this.#startedMs;
    // A reading that we cut short ourselves says nothing about the source.
    if (signal.aborted) return;
    if (this.#endsByAbsence) this.#book.endUntouched(this.#timeMs);
    const refused = this.#book.takeRefused();
    if (refused > 0) this.#refusedCounter.add(refused, { collector: this.source.name });
    if (error === undefined) this.#succeeded();
    else this.#failed(error);
    this.#tellAboutItself(this.#timeMs, this.#lastDurationMs);
    this.#around.completed();
  }

  #succeeded(): void {
    if (this.#state === 'reads') return;
    if (this.#error !== undefined) {
      this.#around.log.info('a source reads again', {
        source: this.source.name,
        failures: this.#equalErrors,
      });
    }
    this.#error = undefined;
    this.#equalErrors = 0;
    this.#enter('reads');
  }

  #failed(error: string): void {
    this.#failures++;
    this.#failureCounter.add(1, { collector: this.source.name });
    if (error === this.#error) {
      this.#equalErrors++;
    } else {
      this.#error = error;
      this.#equalErrors = 1;
      this.#around.log.warn('a source cannot be read', { source: this.source.name, error });
    }
    this.#enter('fails');
  }

  /** A source that gives no answer has no present values: its series end until it comes back. */
  #lookWhetherItHangs(): void {
    const elapsedMs = this.#around.clock.monotonic() - this.#startedMs;
    if (elapsedMs < Math.max(HANGING_MS, 3 * this.source.intervalMs)) return;
    const timeMs = Math.floor(this.#around.clock.now());
    if (this.#state !== 'hangs') {
      const error = `it has not answered for ${Math.round(elapsedMs / 1000)} s`;
      this.#around.log.warn('a source hangs', { source: this.source.name, error });
      this.#error = error;
      this.#enter('hangs');
      if (this.#endsByAbsence) this.#book.endAll(timeMs);
    }
    this.#tellAboutItself(timeMs, elapsedMs);
    this.#around.completed();
  }

  #enter(state: SourceStatus['state']): void {
    if (state === this.#state) return;
    this.#state = state;
    // A change is told at once.
    this.#selfMs = Number.NEGATIVE_INFINITY;
  }

  #tellAboutItself(timeMs: number, durationMs: number): void {
    // Half an interval of leeway, so that a wake a few milliseconds early does not halve the rate.
    const due =
      this.#selfMs + SELF_METRICS_MS - Math.min(SELF_METRICS_MS, this.source.intervalMs) / 2;
    if (timeMs < due && timeMs >= this.#selfMs) return;
    this.#selfMs = timeMs;
    this.#self.push(this.#success, this.#state === 'reads' ? 1 : 0, timeMs);
    this.#self.push(this.#duration, durationMs / 1000, timeMs);
  }
}
