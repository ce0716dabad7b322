/**
 * What the kernel tells through files: `/proc`, `/sys` and the cgroup trees. Reads are synchronous because
 * these files are answered from memory, and a synchronous read costs a twentieth of an asynchronous one.
 * All paths begin with `/`; an implementation may put a recorded tree under them.
 */
export interface KernelTree {
  /** Opens a file to be read again and again; undefined when it is not there or may not be read. */
  open(path: string): KernelFile | undefined;
  /** Names in a directory, unsorted; empty when it is not there. */
  list(directory: string): readonly string[];
  /** The text of a small file without trailing white space; undefined when it cannot be read. */
  readText(path: string): string | undefined;
  /** The target of a symbolic link; undefined when there is none. */
  readLink(path: string): string | undefined;
  /** Size and free space of the file system mounted at a path; rejects when it does not answer. */
  fileSystem(path: string): Promise<FileSystemSpace>;
}

export interface KernelFile {
  readonly path: string;
  /**
   * Reads from the beginning into the target and returns the bytes read; -1 when the read fails (the
   * process, device or group behind the file is gone). A full target means that there may be more.
   */
  read(target: Uint8Array): number;
  close(): void;
}

export interface FileSystemSpace {
  readonly sizeBytes: number;
  readonly freeBytes: number;
  /** Free for processes that are not root. */
  readonly availableBytes: number;
  readonly files: number;
  readonly filesFree: number;
}
