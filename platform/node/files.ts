import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FileFailure } from '../files.ts';
import type { DataFile, Files } from '../files.ts';
import { fileFailure, hasErrorCode } from './file-errors.ts';
import { lockDirectory } from './lock.ts';

/** Runs one operation; what the system says becomes a `FileFailure` that names the path. */
async function told<T>(what: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw fileFailure(what, path, thrown);
  }
}

// `append` and `create` also read: a journal is replayed through the handle that will append to it.
// A link is not followed: a name in our directory that leads elsewhere is not a file of ours to cut or extend.
const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR } = constants;
const FLAGS = {
  read: O_RDONLY | O_NOFOLLOW,
  append: O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW,
  create: O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW,
} as const;

export const nodeFiles: Files = {
  open: (path, mode) =>
    told('open', path, async () => new NodeFile(path, await fs.open(path, FLAGS[mode], 0o640))),
  readAll: (path, bytesMax) => told('read', path, () => readWhole(path, bytesMax)),
  list: (directory) => told('list', directory, async () => (await fs.readdir(directory)).sort()),
  rename: (from, to) => told(`rename to ${to}`, from, () => fs.rename(from, to)),
  remove: (path) => told('remove', path, () => remove(path)),
  makeDirectory: (path) => told('create the directory', path, () => makeDirectory(path)),
  syncDirectory: (path) =>
    told('sync the directory', path, async () => {
      const handle = await fs.open(path, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    }),
  freeBytes: (path) =>
    told('ask for free space at', path, async () => {
      const { bavail, bsize } = await fs.statfs(path);
      return bavail * bsize;
    }),
  lock: (directory) => told('lock', directory, () => lockDirectory(directory)),
};

class NodeFile implements DataFile {
  readonly path: string;
  readonly #handle: FileHandle;

  constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  size(): Promise<number> {
    return told('ask for the size of', this.path, async () => (await this.#handle.stat()).size);
  }

  readAt(offset: number, target: Uint8Array): Promise<number> {
    return told('read', this.path, () => readFully(this.#handle, offset, target));
  }

  append(bytes: Uint8Array): Promise<void> {
    return told('write', this.path, async () => {
      // The kernel may take a part only, for example just before the disk is full.
      let written = 0;
      while (written < bytes.length) {
        const { bytesWritten } = await this.#handle.write(bytes, written, bytes.length - written);
        if (bytesWritten === 0) {
          throw new FileFailure(
            'io-error',
            `${this.path}: the system wrote nothing, without an error`,
          );
        }
        written += bytesWritten;
      }
    });
  }

  dataSync(): Promise<void> {
    return told('sync', this.path, () => this.#handle.datasync());
  }

  truncate(size: number): Promise<void> {
    return told('truncate', this.path, () => this.#handle.truncate(size));
  }

  close(): Promise<void> {
    return told('close', this.path, () => this.#handle.close());
  }
}

async function readFully(handle: FileHandle, offset: number, target: Uint8Array): Promise<number> {
  let filled = 0;
  while (filled < target.length) {
    const { bytesRead } = await handle.read(
      target,
      filled,
      target.length - filled,
      offset + filled,
    );
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

async function readWhole(path: string, bytesMax: number): Promise<Uint8Array> {
  const handle = await fs.open(path, 'r');
  try {
    const { size } = await handle.stat();
    if (size > bytesMax) throw tooLarge(path, bytesMax);
    // A file may grow while it is read, and those of /proc have no size at all: read until the end.
    let content = new Uint8Array(Math.min(Math.max(size + 1, 4096), bytesMax + 1));
    let filled = 0;
    for (;;) {
      filled += await readFully(handle, filled, content.subarray(filled));
      if (filled > bytesMax) throw tooLarge(path, bytesMax);
      if (filled < content.length) return content.subarray(0, filled);
      const larger = new Uint8Array(Math.min(content.length * 2, bytesMax + 1));
      larger.set(content);
      content = larger;
    }
  } finally {
    await handle.close();
  }
}

function tooLarge(path: string, bytesMax: number): FileFailure {
  return new FileFailure('too-large', `${path} is larger than the ${bytesMax} bytes allowed here`);
}

/**
 * One part after the other, from the last that is there. Node's own `recursive` never returns where the
 * system answers that a parent is missing although it is not, as in /proc.
 */
async function makeDirectory(path: string): Promise<void> {
  if (await makeOne(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeDirectory(parent);
  if (await makeOne(path)) return;
  throw new FileFailure(
    'io-error',
    `cannot create the directory ${path}: the file system at ${parent} takes no new directories: choose another place`,
  );
}

/** Makes a directory, or finds it there; false when its parent is missing. */
async function makeOne(path: string): Promise<boolean> {
  try {
    await fs.mkdir(path, { mode: 0o750 });
  } catch (thrown) {
    if (hasErrorCode(thrown, 'ENOENT')) return false;
    if (!hasErrorCode(thrown, 'EEXIST') || !(await fs.stat(path)).isDirectory()) throw thrown;
  }
  return true;
}

async function remove(path: string): Promise<void> {
  try {
    await fs.unlink(path);
  } catch (thrown) {
    if (hasErrorCode(thrown, 'ENOENT')) return;
    if (!hasErrorCode(thrown, 'EISDIR') && !hasErrorCode(thrown, 'EPERM')) throw thrown;
    await fs.rmdir(path);
  }
}
