import type { Clock } from '../platform/clock.ts';
import type { KernelTree } from '../platform/kernel-tree.ts';
import type { Source } from './source.ts';
import { createHost } from './sources/host/host.ts';
import type { Host } from './sources/host/host.ts';
import { createMeminfoSource } from './sources/host/meminfo.ts';
import { createProcStatSources } from './sources/host/proc-stat.ts';

/** A source with its place in the world: the job under which its series are known, and how they end. */
export interface PlacedSource {
  readonly source: Source;
  readonly job: string;
  /**
   * `when-absent`: each reading is complete, so that a series that is not in it has ended. `when-told`: a
   * reading may leave out series that go on (they have a slower rhythm), and the source ends them itself.
   */
  readonly seriesEnd: 'when-absent' | 'when-told';
}

/** The collectors of node_exporter that we have; the order is that in which they are read in a slot. */
const HOST_SOURCES: readonly ((host: Host) => Source | readonly Source[])[] = [
  createProcStatSources,
  createMeminfoSource,
];

export function hostSources(
  tree: KernelTree,
  clock: Clock,
  intervalMs: number,
): readonly PlacedSource[] {
  const host = createHost(tree, clock, intervalMs);
  return HOST_SOURCES.flatMap((create) => create(host)).map((source) => ({
    source,
    job: 'node',
    seriesEnd: 'when-absent',
  }));
}
