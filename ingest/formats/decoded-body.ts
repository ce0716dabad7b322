import type { MetricMetadata } from '../../model/metadata.ts';
import type { Refusal } from '../../model/refusal.ts';
import type { SampleBatch } from '../../model/sample.ts';

/** What a pushed body turned out to hold. */
export interface DecodedBody {
  readonly batch: SampleBatch;
  /** Samples that cannot be expressed as rows of a batch. */
  readonly refused: readonly Refusal[];
  readonly metadata: readonly NamedMetadata[];
}

export interface NamedMetadata {
  readonly name: string;
  readonly metadata: MetricMetadata;
}
