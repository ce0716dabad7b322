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

  /** Samples not yet in a block, and those that are being written to one. */
  column: HeadColumn | undefined;
  frozen: HeadColumn | undefined;
  /** How many blocks hold samples of it. */
  blockUses = 0;
  /** No sample of the series, wherever it is kept, is newer. */
  maxTimeMs: number = -Infinity;

  /** The head in which it last took a sample; -1: none in this run. */
  liveGeneration = -1;
  /** Where the journal defines it: segment number (0: nowhere) and number within the segment. */
  journalSegment = 0;
  journalId = 0;

  /** Of the group being committed: newest staged time, and the last staged row (-1: none). */
  stagedMaxMs: number = -Infinity;
  stagedRow = -1;
  /** Forgotten by the catalogue: no sample of it is left anywhere. */
  removed = false;

  constructor(id: number, labels: Labels) {
    this.id = id;
    this.labels = labels;
    this.seenAs = labels;
  }

  get isEmpty(): boolean {
    return this.column === undefined && this.frozen === undefined && this.blockUses === 0;
  }
}

/** The samples of one series in one head; `head.ts` says how they lie. */
export interface HeadColumn {
  readonly slabs: number[];
  /** Rows in slabs. */
  count: number;
  late: SampleColumns | undefined;
  /** The newest time in slabs; -Infinity without any. */
  lastMs: number;
  minTimeMs: number;
  maxTimeMs: number;
}
