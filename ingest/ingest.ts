import type { Refusal } from '../model/refusal.ts';
import type { SampleBatch } from '../model/sample.ts';

/** The one gate through which every sample enters. */
export interface Ingest {
  /**
   * Takes a batch in: checks names and limits, stamps the origin's labels, appends to the store. Resolves
   * when every accepted sample is durable. What was refused is counted in `/metrics` and returned.
   * Fails with the store's `StoreFailure`, or `overloaded` when too much is under way already.
   */
  accept(batch: SampleBatch, origin: Origin): Promise<Acceptance>;
}

/** Who sent a batch. */
export interface Origin {
  /** Small closed set for metrics: the path by which it came. */
  readonly kind: 'collector' | 'remote-write' | 'rules' | 'self';
  /** The sender, for limits by source and for messages: a host name or an address. */
  readonly source: string;
}

export interface Acceptance {
  /** Samples that are now in the store (repeated ones included: they are there). */
  readonly accepted: number;
  readonly refused: readonly Refusal[];
}

/** Limits at the gate. Each has a reason in `model/refusal.ts` under which it refuses. */
export interface IngestLimits {
  readonly labelsMax: number;
  readonly labelNameBytesMax: number;
  readonly labelValueBytesMax: number;
  /** A sample whose time is further ahead of our clock than this is refused. */
  readonly futureMs: number;
  /** Batches that wait for the disk at once, in samples; more fail with `overloaded`. */
  readonly samplesUnderWayMax: number;
}

export const DEFAULT_INGEST_LIMITS: IngestLimits = {
  labelsMax: 40,
  labelNameBytesMax: 256,
  labelValueBytesMax: 2048,
  futureMs: 600_000,
  samplesUnderWayMax: 2_000_000,
};
