import type { Platform } from '../platform/platform.ts';

/** What a store is told when it is opened. */
export interface StoreOptions {
  readonly directory: string;
  /** The compiled kernel: `dist/store/kernel.wasm`. */
  readonly kernel: Uint8Array;
  /** Samples older than this are refused, and removed once stored. */
  readonly retentionMs: number;
  /** Live series above this are refused with `series-limit`. */
  readonly seriesMax: number;
  /** Told while a start takes long: what is being done, and how much of it is done (0 to 1). */
  readonly progress?: (step: string, done: number) => void;
}

export type StorePlatform = Pick<Platform, 'clock' | 'files' | 'log' | 'telemetry' | 'random'>;
