import type { Labels } from '../../model/labels.ts';
import type { SampleColumns } from './columns.ts';

/**
 * One series as the running store knows it, whether its samples are in memory, in blocks or in both. Only
 * the committer and the maintenance steps that it lets in between two groups change these fields.
 */
export class Series {
  /** Rises with each series made in this run; never in a file. */
  readonly id: number;
  readonly labels: Labels;
  /** The object by which the last sender named this series, and the series that followed it then. */
  seenAs: Labels;
  follower: Series | undefined;

  /** Its number in the head while it is live, -1 else. */
  headId = -1;
  /** Samples that came out of order: not yet in a block, and being written to one. */
  late: SampleColumns | undefined;
  frozenLate: SampleColumns | undefined;
  /** How many blocks hold samples of it. */
  blockUses = 0;
  /** No sample of the series is newer, but for those in the head. */
  maxTimeMs: number = -Infinity;
  /** Forgotten by the catalogue: no sample of it is left anywhere. */
  removed = false;

  constructor(id: number, labels: Labels) {
    this.id = id;
    this.labels = labels;
    this.seenAs = labels;
  }

  get isEmpty(): boolean {
    return this.headId < 0 && !this.late && !this.frozenLate && this.blockUses === 0;
  }
}
