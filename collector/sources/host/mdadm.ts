import type { SampleSink, Source } from '../../source.ts';
import type { Host } from './host.ts';
import { namesIn, numberIn } from './kernel-text.ts';
import { SeriesPool } from './series-pool.ts';

/** What an array is doing, in the words of the label `state`. */
const STATES = ['active', 'inactive', 'recovering', 'resync', 'check'] as const;

export interface MdArray {
  readonly device: string;
  readonly state: (typeof STATES)[number] | 'reshaping';
  readonly disksActive: number;
  readonly disksFailed: number;
  readonly disksSpare: number;
  readonly disksRequired: number;
  readonly blocks: number;
  readonly blocksSynced: number;
}

/** Software RAID. */
export function createMdadmSource(host: Host): Source {
  const pool = new SeriesPool();
  const { tree } = host;
  const mdstat = host.reader.file('/proc/mdstat');

  function sampleArray(sink: SampleSink, array: MdArray): void {
    const { device } = array;
    const push = (name: string, value: number, state?: string): void =>
      pool.push(
        sink,
        `node_md_${name}`,
        state === undefined ? { device } : { device, state },
        value,
      );
    push('disks', array.disksActive, 'active');
    push('disks', array.disksFailed, 'failed');
    push('disks', array.disksSpare, 'spare');
    push('disks_required', array.disksRequired);
    for (const state of STATES) push('state', array.state === state ? 1 : 0, state);
    push('blocks', array.blocks);
    push('blocks_synced', array.blocksSynced);
  }

  function sampleSysfs(sink: SampleSink): void {
    for (const device of namesIn(tree, '/sys/block')) {
      if (!device.startsWith('md')) continue;
      const disks = numberIn(tree, `/sys/block/${device}/md/raid_disks`);
      if (disks !== disks) continue;
      pool.push(sink, 'node_md_raid_disks', { device }, disks);
      // Arrays without redundancy cannot be degraded and have no such file.
      const degraded = numberIn(tree, `/sys/block/${device}/md/degraded`);
      pool.push(sink, 'node_md_degraded', { device }, degraded === degraded ? degraded : 0);
    }
  }

  return {
    name: 'mdadm',
    intervalMs: host.slowMs,
    sample(sink) {
      for (const array of parseMdstat(mdstat.readText())) sampleArray(sink, array);
      sampleSysfs(sink);
      pool.finish();
    },
    close: () => mdstat.close(),
  };
}

/**
 * Reads /proc/mdstat. An array's entry begins at the margin; the lines under it are indented:
 *
 *     md0 : active raid1 sdb1[2](F) sda1[0]
 *           1048512 blocks super 1.2 [2/1] [U_]
 *           [=>...................]  recovery =  8.5% (89128/1048512) finish=0.3min
 */
export function parseMdstat(text: string): readonly MdArray[] {
  const arrays: MdArray[] = [];
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const head = /^(md\S*)\s*:\s*(\S.*)$/.exec(lines[i]!);
    if (head === null) continue;
    let under = '';
    while (i + 1 < lines.length && /^\s+\S/.test(lines[i + 1]!)) under += `${lines[++i]!}\n`;
    arrays.push(parseArray(head[1]!, head[2]!, under));
  }
  return arrays;
}

function parseArray(device: string, head: string, under: string): MdArray {
  const disks = head.split(' ').filter((word) => /\[\d{1,9}\]/.test(word));
  const failed = disks.filter((word) => word.includes('(F)')).length;
  const spare = disks.filter((word) => word.includes('(S)')).length;
  const isActive = head.startsWith('active');
  const blocks = Number(/(\d{1,18}) blocks/.exec(under)?.[1] ?? 0);
  // Arrays without redundancy do not say how many disks they need: all that they have.
  const counts = isActive ? /\[(\d{1,9})\/(\d{1,9})\]/.exec(under) : null;
  const present = isActive ? disks.length - failed - spare : 0;
  const activity = /(recovery|resync|check|reshape)\s*=/.exec(under)?.[1];
  const progress = /\((\d{1,18})\/\d{1,18}\)/.exec(under)?.[1];
  return {
    device,
    state: isActive ? (STATE_OF_ACTIVITY[activity ?? ''] ?? 'active') : 'inactive',
    disksActive: counts ? Number(counts[2]) : present,
    disksFailed: failed,
    disksSpare: spare,
    disksRequired: counts ? Number(counts[1]) : present,
    blocks,
    // Delayed and pending ones stand there without progress.
    blocksSynced: activity === undefined ? blocks : Number(progress ?? 0),
  };
}

const STATE_OF_ACTIVITY: Readonly<Record<string, MdArray['state']>> = {
  recovery: 'recovering',
  resync: 'resync',
  check: 'check',
  reshape: 'reshaping',
};
