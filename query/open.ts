import type { Platform } from '../platform/platform.ts';
import type { SeriesReader } from '../store/store.ts';
import { createEngine } from './engine.ts';
import type { Querier, QueryLimits } from './query.ts';

export interface QuerierOptions {
  readonly lookbackMs: number;
  readonly limits: QueryLimits;
  /** Queries evaluated at once; further ones wait, bounded by their own timeout. */
  readonly concurrencyMax: number;
}

/** Bounds that suit a machine with two cores. */
export const DEFAULT_QUERIER_OPTIONS: QuerierOptions = {
  lookbackMs: 300_000,
  limits: { timeoutMs: 10_000, seriesMax: 100_000, samplesMax: 10_000_000, pointsMax: 11_000 },
  concurrencyMax: 4,
};

export function openQuerier(
  options: QuerierOptions,
  reader: SeriesReader,
  platform: Pick<Platform, 'clock' | 'telemetry'>,
): Querier {
  return createEngine(options, reader, platform);
}
