import { existsSync, readFileSync } from 'node:fs';
import type { FileSystemSpace, KernelTree } from '../../platform/kernel-tree.ts';
import { nodeKernelTree } from '../../platform/node/kernel-tree.ts';

/**
 * A recorded machine: `proc`, `sys` and the like as files, and beside them `file-systems.txt` with what
 * cannot be recorded as a file, a line for each mount point: its path, then size, free and available bytes,
 * files and free files; or its path and the words of an error.
 */
export function recordedTree(directory: string): KernelTree {
  const path = `${directory}/file-systems.txt`;
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  const answers = new Map(
    lines.map((line) => {
      const [mountPoint = '', ...words] = line.split(' ');
      return [mountPoint, words] as const;
    }),
  );
  return {
    ...nodeKernelTree(directory),
    async fileSystem(mountPoint): Promise<FileSystemSpace> {
      const words = answers.get(mountPoint);
      if (!words) throw new Error('not recorded');
      const [sizeBytes, freeBytes, availableBytes, files, filesFree] = words.map(Number);
      if (Number.isNaN(sizeBytes)) throw new Error(words.join(' '));
      return {
        sizeBytes: sizeBytes!,
        freeBytes: freeBytes!,
        availableBytes: availableBytes!,
        files: files!,
        filesFree: filesFree!,
      };
    },
  };
}
