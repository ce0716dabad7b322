/**
 * The sizes at which the store acts, with why. They are not configuration: tests turn them down to see in
 * milliseconds what takes hours.
 */
export interface Tuning {
  /** Samples in memory before they are written to a block. */
  readonly headSamplesMax: number;
  /** A head this old is written even when small, so that a start never replays more than this. */
  readonly headAgeMaxMs: number;
  /** A journal segment this long is closed and the next one begun. */
  readonly segmentBytesMax: number;
  /** Rows that may wait for a commit; above it appends fail with `overloaded`. */
  readonly queueRowsMax: number;
  /** Rows committed by one sync. */
  readonly groupRowsMax: number;
  /** Samples in a chunk of a block written from memory, and of one made by merging. */
  readonly chunkSamples: number;
  readonly chunkSamplesMerged: number;
  /** Blocks of one size and one window of time that are merged into one. */
  readonly mergeFactor: number;
  /** How often age, retention and merging are looked at. */
  readonly maintenanceIntervalMs: number;
}

export const TUNING: Tuning = {
  // About a byte each, and a kilobyte for each live series: ten minutes of 30,000 series at
  // 1 s, two hours of a small cloud, and a replay of a few seconds.
  headSamplesMax: 18_000_000,
  headAgeMaxMs: 2 * 3_600_000,
  // A full head is about 26 MB of journal; a bound for the rest of what a day of disk errors could leave.
  segmentBytesMax: 64 * 1024 * 1024,
  // Half a minute of 30,000 series at 1 s: a disk that stalls longer must be heard of.
  queueRowsMax: 1_000_000,
  groupRowsMax: 250_000,
  // A chunk is decoded whole: ten minutes at 1 s for what is asked for most, an hour where bytes count.
  chunkSamples: 600,
  chunkSamplesMerged: 3600,
  mergeFactor: 4,
  maintenanceIntervalMs: 10_000,
};

/** Time is cut into windows, and a block never crosses from one into the next; expiry removes whole blocks. */
export const WINDOWS_PER_RETENTION = 16;
const WINDOW_MIN_MS = 2 * 3_600_000;

/** Long retention makes long windows: samples from decades back must not make thousands of files. */
export function windowMs(retentionMs: number): number {
  return Math.max(WINDOW_MIN_MS, Math.ceil(retentionMs / WINDOWS_PER_RETENTION));
}

/** Samples of times further ahead than one window share a last one, however far their clocks went wrong. */
export function windowOf(timeMs: number, span: { windowMs: number; nowMs: number }): number {
  const latest = Math.floor(span.nowMs / span.windowMs) + 1;
  return Math.min(Math.floor(timeMs / span.windowMs), latest);
}
