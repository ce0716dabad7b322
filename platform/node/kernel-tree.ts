import * as fs from 'node:fs';
import { DeadlinePassed } from '../clock.ts';
import type { FileSystemSpace, KernelFile, KernelTree } from '../kernel-tree.ts';

const TEXT_BYTES_MAX = 64 * 1024;
const FILE_SYSTEM_MS_MAX = 2000;
/**
 * A dead network mount keeps the thread that asks it for ever, and there are only four threads for all
 * files. So each mount is asked by one call at a time, and only this many calls are under way at once.
 */
const FILE_SYSTEMS_UNDER_WAY_MAX = 2;

/** The kernel's files below `root`, which is empty for the machine's own. */
export function nodeKernelTree(root: string): KernelTree {
  const prefix = root.endsWith('/') ? root.slice(0, -1) : root;
  const underWay = new Set<string>();
  return {
    open: (path) => open(path, prefix + path),
    list(directory) {
      try {
        return fs.readdirSync(prefix + directory);
      } catch {
        return [];
      }
    },
    readText: (path) => readText(prefix + path),
    readLink(path) {
      try {
        return fs.readlinkSync(prefix + path);
      } catch {
        return undefined;
      }
    },
    async fileSystem(path) {
      if (underWay.has(path) || underWay.size >= FILE_SYSTEMS_UNDER_WAY_MAX) {
        throw new DeadlinePassed(
          `the file system at ${path} is not asked: earlier answers are due`,
        );
      }
      underWay.add(path);
      const asked = fs.promises.statfs(prefix + path).finally(() => underWay.delete(path));
      return space(await inTime(asked, path));
    },
  };
}

function open(path: string, realPath: string): KernelFile | undefined {
  let descriptor: number;
  try {
    descriptor = fs.openSync(realPath, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  let closed = false;
  let short = 0;
  return {
    path,
    read(target) {
      if (closed) return -1;
      const { bytes, calls } = readFromStart(descriptor, target, short >= SHORT_BEFORE_TRUSTED);
      // The last call of a whole reading only says that nothing follows.
      short = bytes >= 0 && calls <= 2 ? short + 1 : Number.NEGATIVE_INFINITY;
      return bytes;
    },
    close() {
      if (closed) return;
      closed = true;
      fs.closeSync(descriptor);
    },
  };
}

/**
 * One call may give less than a page, whatever the file's length: the kernel gives as many whole records as
 * fit, so one has to ask until nothing comes. Of a file that came whole at once so many times, less than half
 * a page is taken for all of it: more would follow only behind a record that did not fit in the other half.
 */
const SHORT_BEFORE_TRUSTED = 3;
const HALF_A_PAGE = 2048;

function readFromStart(
  descriptor: number,
  target: Uint8Array,
  trustsShort: boolean,
): { readonly bytes: number; readonly calls: number } {
  let bytes = 0;
  let calls = 0;
  try {
    while (bytes < target.length) {
      const read = fs.readSync(descriptor, target, bytes, target.length - bytes, bytes);
      calls++;
      bytes += read;
      if (read === 0 || (trustsShort && bytes < HALF_A_PAGE)) break;
    }
  } catch {
    return { bytes: -1, calls };
  }
  return { bytes, calls };
}

const scratch = Buffer.alloc(TEXT_BYTES_MAX);

function readText(realPath: string): string | undefined {
  const file = open(realPath, realPath);
  if (!file) return undefined;
  try {
    const bytes = file.read(scratch);
    return bytes < 0 ? undefined : scratch.toString('utf8', 0, bytes).trimEnd();
  } finally {
    file.close();
  }
}

function inTime<T>(work: Promise<T>, path: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(
          new DeadlinePassed(
            `the file system at ${path} did not answer within ${FILE_SYSTEM_MS_MAX} ms`,
          ),
        ),
      FILE_SYSTEM_MS_MAX,
    );
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function space(answer: fs.StatsFs): FileSystemSpace {
  return {
    sizeBytes: answer.blocks * answer.bsize,
    freeBytes: answer.bfree * answer.bsize,
    availableBytes: answer.bavail * answer.bsize,
    files: answer.files,
    filesFree: answer.ffree,
  };
}
