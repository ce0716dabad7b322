// Scratch memory of one instance of the module. Each thread has an instance and a workspace of its own.
import { COLUMN_WORK_BYTES } from './columns';
import { COLUMN_MAX } from './tokens';

/** For the codec's tables and columns. */
export let codecWork: usize = 0;
/** For one encoded chunk: 300 + 20 × COLUMN_MAX bytes and slack. */
export let outputWork: usize = 0;
/** For one decoded column of values and one of times. */
export let valuesWork: usize = 0;
export let timesWork: usize = 0;

export const WORKSPACE_BYTES: usize = ((COLUMN_WORK_BYTES + 1023) & ~1023) + 83968 + <usize>COLUMN_MAX * 16 + 64;

export function beginWorkspace(base: usize): void {
  codecWork = (base + 63) & ~63;
  outputWork = codecWork + ((COLUMN_WORK_BYTES + 1023) & ~1023);
  valuesWork = outputWork + 83968;
  timesWork = valuesWork + <usize>COLUMN_MAX * 8;
}
