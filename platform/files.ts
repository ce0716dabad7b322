import { Failure } from '../model/failure.ts';

/**
 * The disk as a value: just what a store and a spool need, so that a simulated disk can stand in and lose
 * what was not synced. Paths are absolute or relative to the working directory, with `/` between parts.
 * Every call may fail with a `FileFailure`.
 */
export interface Files {
  /** `read`: must exist. `append`: created when absent; writes go to the end. `create`: must not exist. */
  open(path: string, mode: 'read' | 'append' | 'create'): Promise<DataFile>;
  /** The whole content; fails with `too-large` above `bytesMax`. */
  readAll(path: string, bytesMax: number): Promise<Uint8Array>;
  /** Names (not paths) in a directory, sorted; fails with `not-found` when there is none. */
  list(directory: string): Promise<readonly string[]>;
  /** Replaces the target if there is one. Durable only after `syncDirectory`. */
  rename(from: string, to: string): Promise<void>;
  /** Removing what is not there is no failure. Directories only when empty. */
  remove(path: string): Promise<void>;
  /** With parents; one that exists is no failure. */
  makeDirectory(path: string): Promise<void>;
  /** Makes names created, renamed or removed in this directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** Bytes that may still be written on the file system of this path. */
  freeBytes(path: string): Promise<number>;
  /**
   * Takes the directory for this process until `release`; fails with `in-use`, naming the owner, while
   * another living process has it. A lock left by a crash is taken over.
   */
  lock(directory: string): Promise<{ release(): Promise<void> }>;
}

export interface DataFile {
  readonly path: string;
  size(): Promise<number>;
  /** Fills the target from an offset; returns the bytes read, fewer only at the end of the file. */
  readAt(offset: number, target: Uint8Array): Promise<number>;
  /** Writes all bytes at the end or fails; after a failure the file may end in a part of them. */
  append(bytes: Uint8Array): Promise<void>;
  /**
   * Makes all appended bytes durable. A failure means that they may never become so: the caller must not
   * try this again on the same file (a second fdatasync after an error can succeed without having written).
   */
  dataSync(): Promise<void>;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

export type FileFailureCode =
  | 'not-found'
  | 'exists'
  | 'in-use'
  | 'no-space'
  | 'read-only'
  | 'no-permission'
  | 'too-large'
  | 'too-many-open'
  | 'io-error';

export class FileFailure extends Failure<FileFailureCode> {
  override readonly name = 'FileFailure';
}

export function isNotFound(thrown: unknown): boolean {
  return thrown instanceof FileFailure && thrown.code === 'not-found';
}

/** Reads a file whole, or undefined when it is not there. */
export async function readAllIfThere(
  files: Files,
  path: string,
  bytesMax: number,
): Promise<Uint8Array | undefined> {
  try {
    return await files.readAll(path, bytesMax);
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined;
    throw thrown;
  }
}

/**
 * Replaces a small file so that a crash leaves either the old or the new content: temporary file, sync,
 * rename, sync of the directory.
 */
export async function replaceFile(
  files: Files,
  directory: string,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const temporary = `${directory}/${name}.new`;
  await files.remove(temporary);
  const file = await files.open(temporary, 'create');
  try {
    await file.append(bytes);
    await file.dataSync();
  } finally {
    await file.close();
  }
  await files.rename(temporary, `${directory}/${name}`);
  await files.syncDirectory(directory);
}
