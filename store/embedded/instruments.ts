import { REFUSAL_REASONS } from '../../model/refusal.ts';
import type { Refusal } from '../../model/refusal.ts';
import type { Telemetry } from '../../platform/telemetry.ts';
import type { StoreStats } from '../store.ts';

/** What the store counts about itself. */
export class Instruments {
  readonly #appended;
  readonly #repeated;
  readonly #refused;
  readonly #commit;
  readonly #commitFailures;
  readonly #flush;
  readonly #compaction;
  readonly #corruptions;
  readonly #damagedChunks;
  readonly #liveSeries;
  readonly #journalBytes;
  readonly #blocks;
  readonly #diskBytes;
  readonly #oldest;
  readonly #newest;

  constructor(telemetry: Telemetry) {
    const name = (rest: string): string => `nephoscope_store_${rest}`;
    this.#appended = telemetry.counter(name('samples_appended_total'), 'Samples stored.');
    this.#repeated = telemetry.counter(
      name('samples_repeated_total'),
      'Samples that were stored already, with the same value.',
    );
    this.#refused = telemetry.counter(name('samples_refused_total'), 'Samples not stored.', [
      'reason',
    ]);
    for (const reason of REFUSAL_REASONS) this.#refused.add(0, { reason });
    this.#commit = telemetry.histogram(
      name('commit_duration_seconds'),
      'Time to write and sync one group of appends.',
    );
    this.#commitFailures = telemetry.counter(
      name('commit_failures_total'),
      'Groups of appends that could not be made durable.',
    );
    const minutes = { buckets: [0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800] };
    this.#flush = telemetry.histogram(
      name('flush_duration_seconds'),
      'Time to write samples from memory to blocks.',
      minutes,
    );
    this.#compaction = telemetry.histogram(
      name('compaction_duration_seconds'),
      'Time to merge blocks into one.',
      minutes,
    );
    this.#corruptions = telemetry.counter(
      name('journal_corruptions_total'),
      'Damaged stretches met in the journal.',
    );
    this.#damagedChunks = telemetry.counter(
      name('damaged_chunks_total'),
      'Reads of chunks whose checksum did not hold; their samples are missing from answers.',
    );
    this.#liveSeries = telemetry.gauge(name('live_series'), 'Series that took a sample recently.');
    this.#journalBytes = telemetry.gauge(name('journal_bytes'), 'Size of the journal.');
    this.#blocks = telemetry.gauge(name('blocks'), 'Number of blocks.');
    this.#diskBytes = telemetry.gauge(name('disk_bytes'), 'Size of journal and blocks.');
    this.#oldest = telemetry.gauge(
      name('oldest_sample_timestamp_seconds'),
      'Time of the oldest sample; 0 while empty.',
    );
    this.#newest = telemetry.gauge(
      name('newest_sample_timestamp_seconds'),
      'Time of the newest sample; 0 while empty.',
    );
  }

  committed(seconds: number): void {
    this.#commit.observe(seconds);
  }

  commitFailed(): void {
    this.#commitFailures.add(1);
  }

  answered(outcome: {
    readonly stored: number;
    readonly repeated: number;
    readonly refused: readonly Refusal[];
  }): void {
    if (outcome.stored > 0) this.#appended.add(outcome.stored);
    if (outcome.repeated > 0) this.#repeated.add(outcome.repeated);
    for (const { reason, count } of outcome.refused) this.#refused.add(count, { reason });
  }

  flushed(seconds: number): void {
    this.#flush.observe(seconds);
  }

  compacted(seconds: number): void {
    this.#compaction.observe(seconds);
  }

  journalCorrupted(stretches: number): void {
    if (stretches > 0) this.#corruptions.add(stretches);
  }

  chunkDamaged(): void {
    this.#damagedChunks.add(1);
  }

  show(stats: StoreStats, journalBytes: number): void {
    this.#liveSeries.set(stats.liveSeries);
    this.#journalBytes.set(journalBytes);
    this.#blocks.set(stats.blocks);
    this.#diskBytes.set(stats.diskBytes);
    this.#oldest.set((stats.oldestMs ?? 0) / 1000);
    this.#newest.set((stats.newestMs ?? 0) / 1000);
  }
}
