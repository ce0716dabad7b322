import type { BlockMeta } from './block-format.ts';

/** What planning needs to know of a block. */
export interface MergeCandidate {
  readonly meta: Pick<BlockMeta, 'sequence' | 'level' | 'minTimeMs' | 'samples'>;
}

/**
 * Which blocks to merge next, if any. Within one window of time, blocks of like level are merged once there
 * are `factor` of them, so that a sample is rewritten about log(blocks) times; in a window that is past, the
 * rest follows, but a block is not rewritten for the sake of one that is far smaller.
 */
export function planMerge<T extends MergeCandidate>(
  blocks: readonly T[],
  options: { readonly windowMs: number; readonly nowMs: number; readonly factor: number },
): readonly T[] | undefined {
  const byWindow = new Map<number, T[]>();
  for (const block of blocks) {
    const window = Math.floor(block.meta.minTimeMs / options.windowMs);
    const others = byWindow.get(window);
    if (others) others.push(block);
    else byWindow.set(window, [block]);
  }
  for (const [window, members] of byWindow) {
    const isPast = (window + 1) * options.windowMs <= options.nowMs;
    const group = ofOneLevel(members, options.factor) ?? (isPast ? remainder(members) : undefined);
    if (group) return group;
  }
  return undefined;
}

function ofOneLevel<T extends MergeCandidate>(
  members: readonly T[],
  factor: number,
): readonly T[] | undefined {
  const byLevel = new Map<number, T[]>();
  for (const block of members) {
    const others = byLevel.get(block.meta.level);
    if (others) others.push(block);
    else byLevel.set(block.meta.level, [block]);
  }
  for (const level of [...byLevel.keys()].sort((a, b) => a - b)) {
    const group = byLevel.get(level)!;
    if (group.length >= factor) return group;
  }
  return undefined;
}

/** The blocks of a past window that are worth one rewrite. */
function remainder<T extends MergeCandidate>(members: readonly T[]): readonly T[] | undefined {
  if (members.length < 2) return undefined;
  const bySize = [...members].sort((a, b) => a.meta.samples - b.meta.samples);
  let sum = 0;
  let count = 0;
  for (const { meta } of bySize) {
    if (count > 0 && meta.samples > 4 * sum) break;
    sum += meta.samples;
    count++;
  }
  return count >= 2 ? bySize.slice(0, count) : undefined;
}
