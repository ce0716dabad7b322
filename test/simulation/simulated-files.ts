import { assert } from '../../model/assert.ts';
import type { Clock } from '../../platform/clock.ts';
import { FileFailure } from '../../platform/files.ts';
import type { DataFile, FileFailureCode, Files } from '../../platform/files.ts';
import { SimulatedInode, partsOf } from './simulated-disk.ts';
import type { SimulatedDirectory, SimulatedDisk, SimulatedNode } from './simulated-disk.ts';

export type FileOperation =
  | 'open'
  | 'readAll'
  | 'list'
  | 'rename'
  | 'remove'
  | 'makeDirectory'
  | 'syncDirectory'
  | 'freeBytes'
  | 'lock'
  | 'size'
  | 'readAt'
  | 'append'
  | 'dataSync'
  | 'truncate'
  | 'close';

/** What goes wrong with one call. */
export type FileFault =
  /** Nothing happens; a `dataSync` that fails so loses the pages for good. */
  | { readonly kind: 'fail'; readonly code: FileFailureCode }
  /** `append` writes a part, then fails; other calls just fail. */
  | { readonly kind: 'short-write'; readonly code: FileFailureCode }
  /** The process ends at this call: it may have taken effect, and nobody hears of it. */
  | { readonly kind: 'stop' };

export interface SimulatedFilesOptions {
  readonly clock: Clock;
  /** How long a call takes on the simulated clock; without it a call settles at once. */
  readonly latencyMs?: (operation: FileOperation) => number;
  /** Named by whoever meets our lock. */
  readonly owner?: string;
}

/**
 * One process's view of a simulated disk. When the process has ended (`end`, or a `stop` fault) its calls
 * never settle, as nobody is left to hear the answer.
 */
export class SimulatedFiles implements Files {
  readonly disk: SimulatedDisk;
  readonly owner: string;
  readonly #clock: Clock;
  readonly #latencyMs: ((operation: FileOperation) => number) | undefined;
  #faults: {
    readonly at: number;
    readonly operation: FileOperation | undefined;
    readonly fault: FileFault;
  }[] = [];
  #calls = 0;
  readonly #callsOf = new Map<FileOperation, number>();
  #open = 0;
  #ended = false;

  constructor(disk: SimulatedDisk, options: SimulatedFilesOptions) {
    this.disk = disk;
    this.owner = options.owner ?? 'process 1';
    this.#clock = options.clock;
    this.#latencyMs = options.latencyMs;
  }

  /** Calls so far, on files and directories alike, of all operations or of one. */
  callCount(operation?: FileOperation): number {
    return operation ? (this.#callsOf.get(operation) ?? 0) : this.#calls;
  }

  /** Files opened and not closed. */
  get openFiles(): number {
    return this.#open;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Lets a call go wrong: the n-th from now (1 is the next), counting all operations or only one. */
  failCall(nth: number, fault: FileFault, operation?: FileOperation): void {
    this.#faults.push({ at: this.callCount(operation) + nth, operation, fault });
  }

  /** Lets every further call of an operation fail, until `heal`. */
  failEvery(operation: FileOperation, code: FileFailureCode): void {
    this.#faults.push({ at: Number.POSITIVE_INFINITY, operation, fault: { kind: 'fail', code } });
  }

  heal(): void {
    this.#faults = [];
  }

  /** The process is gone. The page cache is not: that takes `disk.losePower()`. */
  end(): void {
    this.#ended = true;
    for (const [directory, owner] of this.disk.locks) {
      if (owner === this.owner) this.disk.locks.delete(directory);
    }
  }

  async open(path: string, mode: 'read' | 'append' | 'create'): Promise<DataFile> {
    return this.#call('open', path, () => {
      const { directory, name } = this.#parent(path);
      let node = directory.names.get(name);
      if (node?.kind === 'directory') throw failure('io-error', path, 'is a directory');
      if (node && mode === 'create') throw failure('exists', path, 'exists already');
      if (!node && mode === 'read') throw failure('not-found', path, 'does not exist');
      if (!node) {
        node = new SimulatedInode();
        directory.put(name, node);
      }
      this.#open++;
      return this.#file(path, node, mode !== 'read');
    });
  }

  async readAll(path: string, bytesMax: number): Promise<Uint8Array> {
    return this.#call('readAll', path, () => {
      const node = this.#node(path);
      if (node.kind !== 'file') throw failure('io-error', path, 'is a directory');
      if (node.size > bytesMax) {
        throw failure('too-large', path, `has ${node.size} bytes, more than ${bytesMax}`);
      }
      return node.liveBytes;
    });
  }

  async list(directory: string): Promise<readonly string[]> {
    return this.#call('list', directory, () => [...this.#directory(directory).names.keys()].sort());
  }

  async rename(from: string, to: string): Promise<void> {
    return this.#call('rename', from, () => {
      const source = this.#parent(from);
      const target = this.#parent(to);
      const node = source.directory.names.get(source.name);
      if (!node) throw failure('not-found', from, 'does not exist');
      if (source.directory === target.directory) source.directory.rename(source.name, target.name);
      else {
        target.directory.put(target.name, node);
        source.directory.drop(source.name);
      }
    });
  }

  async remove(path: string): Promise<void> {
    return this.#call('remove', path, () => {
      const parent = this.#lookUp(parentOf(path));
      if (parent?.kind !== 'directory') return;
      const name = nameOf(path);
      const node = parent.names.get(name);
      if (!node) return;
      if (node.kind === 'directory' && node.names.size > 0) {
        throw failure('io-error', path, 'is a directory that is not empty');
      }
      parent.drop(name);
    });
  }

  async makeDirectory(path: string): Promise<void> {
    return this.#call('makeDirectory', path, () => {
      if (!this.disk.makeDirectory(path)) {
        throw failure('exists', path, 'cannot be a directory: a file is in the way');
      }
    });
  }

  async syncDirectory(path: string): Promise<void> {
    return this.#call('syncDirectory', path, () => this.#directory(path).sync());
  }

  async freeBytes(path: string): Promise<number> {
    return this.#call('freeBytes', path, () => this.#free());
  }

  async lock(directory: string): Promise<{ release(): Promise<void> }> {
    return this.#call('lock', directory, () => {
      this.#directory(directory);
      const key = partsOf(directory).join('/');
      const owner = this.disk.locks.get(key);
      if (owner !== undefined) throw failure('in-use', directory, `is in use by ${owner}`);
      this.disk.locks.set(key, this.owner);
      return {
        release: async () => {
          if (this.disk.locks.get(key) === this.owner) this.disk.locks.delete(key);
        },
      };
    });
  }

  #file(path: string, inode: SimulatedInode, isWritable: boolean): DataFile {
    let isOpen = true;
    const on = <T>(operation: FileOperation, effect: () => T): Promise<T> => {
      assert(isOpen, `${operation} on ${path}, which was closed`);
      return this.#call(operation, path, effect, inode);
    };
    const write = (): void => assert(isWritable, `${path} was opened for reading`);
    return {
      path,
      size: async () => on('size', () => inode.size),
      readAt: async (offset, target) => on('readAt', () => inode.readAt(offset, target)),
      append: async (bytes) => {
        write();
        return on('append', () => this.#append(path, inode, bytes));
      },
      dataSync: async () => {
        assert(isOpen, `dataSync on ${path}, which was closed`);
        return this.#dataSync(path, inode);
      },
      truncate: async (size) => {
        write();
        return on('truncate', () => inode.truncate(size));
      },
      close: async () =>
        on('close', () => {
          isOpen = false;
          this.#open--;
        }),
    };
  }

  #append(path: string, inode: SimulatedInode, bytes: Uint8Array): void {
    const free = this.#free();
    inode.append(bytes.length > free ? bytes.subarray(0, free) : bytes);
    if (bytes.length > free) throw failure('no-space', path, 'has no space left on its disk');
  }

  /** Covers what was written before the call, and counts only once it has returned. */
  async #dataSync(path: string, inode: SimulatedInode): Promise<void> {
    let sync: { finish(): void } | undefined;
    await this.#call(
      'dataSync',
      path,
      () => {
        sync = inode.beginSync();
      },
      inode,
    );
    sync?.finish();
  }

  async #call<T>(
    operation: FileOperation,
    path: string,
    effect: () => T,
    inode?: SimulatedInode,
  ): Promise<T> {
    if (this.#ended) return never();
    this.#calls++;
    this.#callsOf.set(operation, this.callCount(operation) + 1);
    const fault = this.#takeFault(operation);
    if (fault?.kind === 'stop') {
      if (this.disk.random.next() < 0.5) effect();
      this.end();
      return never();
    }
    let outcome: { readonly value: T } | { readonly thrown: unknown };
    try {
      if (fault) this.#suffer(fault, { operation, path, effect, inode });
      outcome = { value: effect() };
    } catch (thrown) {
      outcome = { thrown };
    }
    if (this.#latencyMs) {
      const delayMs = this.#latencyMs(operation);
      await new Promise<void>((resolve) => this.#clock.after(delayMs, resolve));
    } else await Promise.resolve();
    if (this.#ended) return never();
    if ('thrown' in outcome) throw outcome.thrown;
    return outcome.value;
  }

  #takeFault(operation: FileOperation): FileFault | undefined {
    const place = this.#faults.findIndex(
      (entry) =>
        (entry.operation === undefined || entry.operation === operation) &&
        (entry.at === this.callCount(entry.operation) || entry.at === Number.POSITIVE_INFINITY),
    );
    const entry = this.#faults[place];
    if (entry && Number.isFinite(entry.at)) this.#faults.splice(place, 1);
    return entry?.fault;
  }

  #suffer(
    fault: Exclude<FileFault, { kind: 'stop' }>,
    call: {
      readonly operation: FileOperation;
      readonly path: string;
      readonly effect: () => unknown;
      readonly inode: SimulatedInode | undefined;
    },
  ): never {
    const { operation, path, effect, inode } = call;
    if (operation === 'dataSync') inode?.failSync(this.disk.random);
    if (fault.kind === 'short-write' && operation === 'append' && inode) {
      const before = inode.size;
      effect();
      const written = inode.size - before;
      inode.truncate(before + Math.floor(this.disk.random.next() * written));
    }
    throw failure(fault.code, path, `could not do ${operation}: ${fault.code} was injected`);
  }

  #free(): number {
    if (this.disk.capacityBytes === Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
    return Math.max(0, this.disk.capacityBytes - this.disk.usedBytes);
  }

  #lookUp(path: string): SimulatedNode | undefined {
    let node: SimulatedNode = this.disk.root;
    for (const part of partsOf(path)) {
      if (node.kind !== 'directory') return undefined;
      const next = node.names.get(part);
      if (!next) return undefined;
      node = next;
    }
    return node;
  }

  #node(path: string): SimulatedNode {
    const node = this.#lookUp(path);
    if (!node) throw failure('not-found', path, 'does not exist');
    return node;
  }

  #directory(path: string): SimulatedDirectory {
    const node = this.#node(path);
    if (node.kind !== 'directory') throw failure('io-error', path, 'is not a directory');
    return node;
  }

  #parent(path: string): { readonly directory: SimulatedDirectory; readonly name: string } {
    return { directory: this.#directory(parentOf(path)), name: nameOf(path) };
  }
}

function failure(code: FileFailureCode, path: string, what: string): FileFailure {
  return new FileFailure(code, `${path} ${what}`);
}

function parentOf(path: string): string {
  return partsOf(path).slice(0, -1).join('/');
}

function nameOf(path: string): string {
  const name = partsOf(path).at(-1);
  assert(name !== undefined, 'the path of a file has a name');
  return name;
}

function never(): Promise<never> {
  return new Promise(() => {});
}
