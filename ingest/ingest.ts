import { Failure } from '../model/failure.ts';
import type { Refusal } from '../model/refusal.ts';
import type { SampleBatch } from '../model/sample.ts';

/** The one gate through which every sample enters. */
export interface Ingest {
  /**
   * Takes a batch in: checks names and limits, stamps the origin's labels, appends to the store. Resolves
   * when every accepted sample is durable. What was refused is counted in `/metrics` and returned.
   * Fails with the store's `StoreFailure`, or `overloaded` when too much is under way already.
   * `refusedBefore` is what the decoder of the wire format could not hand over: counted and returned too.
   */
  accept(
    batch: SampleBatch,
    origin: Origin,
    refusedBefore?: readonly Refusal[],
  ): Promise<Acceptance>;
  /**
   * The same for a body that was pushed. Where the store can read it by itself, only series that it does not
   * know are looked at here. Fails with an `IngestFailure`, too.
   */
  acceptBody(pushed: PushedBody, origin: Origin): Promise<Acceptance>;
}

export interface PushedBody {
  /** As they came over the wire: remote write 1.0, compressed. */
  readonly bytes: Uint8Array;
  /** Reads one field of the decompressed message. */
  readonly readPart: (part: Uint8Array) => ReadRows;
  /** Reads all of the body; fails with an `IngestFailure` when it cannot be. */
  readonly readAll: () => ReadRows;
}

export interface ReadRows {
  readonly batch: SampleBatch;
  /** Samples that cannot be expressed as rows of a batch. */
  readonly refused: readonly Refusal[];
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
  /** Series that one outside sender may keep alive; its further ones are refused, its known ones never. */
  readonly seriesPerSourceMax: number;
  /** A pushed body as it came over the wire. */
  readonly bodyBytesMax: number;
  /** The same body after decompression. */
  readonly decodedBytesMax: number;
}

export const DEFAULT_INGEST_LIMITS: IngestLimits = {
  labelsMax: 40,
  labelNameBytesMax: 256,
  labelValueBytesMax: 2048,
  futureMs: 600_000,
  samplesUnderWayMax: 2_000_000,
  seriesPerSourceMax: 200_000,
  bodyBytesMax: 8 * 1024 * 1024,
  decodedBytesMax: 32 * 1024 * 1024,
};

export type IngestFailureCode = 'malformed' | 'too-large' | 'unsupported-format';

/** A body that cannot be taken in at all; nothing of it was stored. */
export class IngestFailure extends Failure<IngestFailureCode> {
  override readonly name = 'IngestFailure';
}
