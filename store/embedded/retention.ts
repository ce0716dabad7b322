import type { BlockMeta } from './block-format.ts';

/** The first time that is still kept. */
export function retentionEdge(nowMs: number, retentionMs: number): number {
  return nowMs - retentionMs;
}

/** The blocks of which every sample is too old. Readers leave older samples out long before that. */
export function expiredBlocks<T extends { readonly meta: Pick<BlockMeta, 'maxTimeMs'> }>(
  blocks: readonly T[],
  edgeMs: number,
): readonly T[] {
  return blocks.filter(({ meta }) => meta.maxTimeMs < edgeMs);
}
