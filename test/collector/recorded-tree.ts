import { existsSync, readFileSync } from 'node:fs';
import type { FileSystemSpace, KernelTree } from '../../platform/kernel-tree.ts';
import { nodeKernelTree } from '../../platform/node/kernel-tree.ts';

/**
 * A recorded machine: `proc`, `sys` and the like as files, and beside them what cannot be a file here.
 * `file-systems.txt` has a line for each mount point: its path, then size, free and available bytes, files
 * and free files; or its path and the words of an error. `links.txt` has the path and the target of each
 * symbolic link (real ones lead in circles, which not every tool that walks this repository survives);
 * what is behind a link to a directory stands as a directory in the link's place.
 */
export function recordedTree(directory: string): KernelTree {
  const answers = table(`${directory}/file-systems.txt`);
  const links = table(`${directory}/links.txt`);
  return {
    ...nodeKernelTree(directory),
    readLink: (path) => links.get(path)?.[0],
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

/** The words of each line by the first of them. */
function table(path: string): ReadonlyMap<string, readonly string[]> {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
  return new Map(
    lines.map((line) => {
      const [key = '', ...words] = line.split(' ');
      return [key, words] as const;
    }),
  );
}
