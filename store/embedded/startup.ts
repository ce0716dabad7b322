import { messageOf } from '../../model/failure.ts';
import { FileFailure } from '../../platform/files.ts';
import type { Files } from '../../platform/files.ts';
import type { StoreOptions, StorePlatform } from '../options.ts';
import { openBlock } from './block-reader.ts';
import type { Block, BlockUse } from './block-reader.ts';
import { MalformedBytes } from './bytes.ts';
import type { Contents } from './contents.ts';
import { fileName, parseFileName } from './filenames.ts';
import type { FileKind } from './filenames.ts';

/** What a directory holds, before any of it is read. */
export interface Inventory {
  readonly blocks: readonly number[];
  /** Ascending. */
  readonly segments: readonly number[];
  /** The highest numbers ever seen, in files of any state. */
  readonly lastSequence: number;
  readonly lastSegment: number;
}

/** Lists the directory and removes what a crash left half written. */
export async function takeInventory(files: Files, directory: string): Promise<Inventory> {
  const whole: Record<FileKind, number[]> = { block: [], journal: [] };
  const last: Record<FileKind, number> = { block: 0, journal: 0 };
  for (const name of await files.list(directory)) {
    const parsed = parseFileName(name);
    if (!parsed) continue;
    last[parsed.kind] = Math.max(last[parsed.kind], parsed.number);
    if (parsed.state === 'whole') whole[parsed.kind].push(parsed.number);
    else if (parsed.state === 'new') await files.remove(`${directory}/${name}`);
  }
  return {
    blocks: whole.block.sort((a, b) => a - b),
    segments: whole.journal.sort((a, b) => a - b),
    lastSequence: last.block,
    lastSegment: last.journal,
  };
}

/** Makes the names of a new directory and of its parents durable, as far as we may. */
export async function syncParents(files: Files, directory: string): Promise<void> {
  const parts = directory.split('/');
  for (let count = parts.length - 1; count >= 0; count--) {
    const parent = parts.slice(0, count).join('/');
    try {
      await files.syncDirectory(parent === '' ? (directory.startsWith('/') ? '/' : '.') : parent);
    } catch (thrown) {
      // A parent that we may not open was not made by us.
      if (thrown instanceof FileFailure && thrown.code === 'no-permission') return;
      throw thrown;
    }
  }
}

/**
 * Opens every block. One that is damaged is set aside under the name `.damaged` and costs its own samples,
 * not the start; one that a merge has replaced is removed.
 */
export async function loadBlocks(
  sequences: readonly number[],
  to: {
    readonly options: StoreOptions;
    readonly platform: StorePlatform;
    readonly contents: Contents;
    readonly use: BlockUse;
  },
): Promise<void> {
  const { options, platform, contents, use } = to;
  const { clock, files } = platform;
  const { directory } = options;
  const blocks: Block[] = [];
  let toldAt = clock.monotonic();
  for (const [count, sequence] of sequences.entries()) {
    try {
      blocks.push(await openBlock(files, directory, sequence, use));
    } catch (thrown) {
      await setAside(sequence, thrown, platform, directory);
    }
    if (clock.monotonic() - toldAt >= 500) {
      toldAt = clock.monotonic();
      options.progress?.('opening blocks', (count + 1) / sequences.length);
    }
  }
  contents.add(blocks);
  const replaced = new Set(blocks.flatMap(({ meta }) => meta.parents));
  const gone = blocks.filter(({ meta }) => replaced.has(meta.sequence));
  if (gone.length === 0) return;
  contents.drop(gone);
  for (const block of gone) {
    await block.retire();
    await files.remove(`${directory}/${fileName('block', block.meta.sequence)}`);
  }
  await files.syncDirectory(directory);
}

async function setAside(
  sequence: number,
  thrown: unknown,
  { files, log }: StorePlatform,
  directory: string,
): Promise<void> {
  const file = fileName('block', sequence);
  if (thrown instanceof FileFailure && thrown.code === 'io-error') {
    log.error('a block could not be read; its samples are missing until it can', {
      file,
      error: messageOf(thrown),
    });
    return;
  }
  if (!(thrown instanceof MalformedBytes)) throw thrown;
  await files.rename(`${directory}/${file}`, `${directory}/${file}.damaged`);
  await files.syncDirectory(directory);
  log.error('a block is damaged and was set aside; its samples are missing', {
    file: `${file}.damaged`,
    error: messageOf(thrown),
  });
}

/**
 * The journal segments that the blocks already contain: those below the number that a flush wrote into its
 * blocks, when every one of these blocks is there. A crash came before the segments were removed.
 */
export function coveredBelow(blocks: readonly Block[]): number {
  const found = new Map<number, number>();
  let covered = 0;
  for (const { meta } of blocks) {
    if (meta.journalBelow === 0) continue;
    const count = (found.get(meta.journalBelow) ?? 0) + 1;
    found.set(meta.journalBelow, count);
    if (count >= meta.parts) covered = Math.max(covered, meta.journalBelow);
  }
  return covered;
}
