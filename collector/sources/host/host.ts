import { Failure } from '../../../model/failure.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { KernelFile, KernelTree } from '../../../platform/kernel-tree.ts';
import { ByteScan } from '../../parsing/byte-scan.ts';

/** What the sources of this machine share. */
export interface Host {
  readonly tree: KernelTree;
  readonly clock: Clock;
  readonly reader: HostReader;
  /** For counters that move all the time. */
  readonly fastMs: number;
  /** At least a second: for gauges of which nobody needs ten values a second. */
  readonly steadyMs: number;
  /** For what costs much or moves slowly. */
  readonly slowMs: number;
  /** For what hardly ever changes: still several times within the look-back of a query. */
  readonly rareMs: number;
}

export function createHost(tree: KernelTree, clock: Clock, intervalMs: number): Host {
  return {
    tree,
    clock,
    reader: new HostReader(tree),
    fastMs: intervalMs,
    steadyMs: Math.max(intervalMs, 1000),
    slowMs: Math.max(intervalMs, 10_000),
    rareMs: Math.max(intervalMs, 30_000),
  };
}

const BUFFER_BYTES = 65_536;
/** /proc/stat of a machine with thousands of interrupts and CPUs stays below a megabyte. */
const BUFFER_BYTES_MAX = 16 * 1024 * 1024;

/** A file that is not there is looked for again after this many readings. */
const READINGS_BEFORE_REOPEN = 30;

/**
 * Reads kernel files into one buffer that all sources of the host share: readings are synchronous, so that
 * each is parsed before the next begins. The scan is valid until the next `read` of any file.
 */
export class HostReader {
  readonly scan: ByteScan = new ByteScan();
  readonly #tree: KernelTree;
  #buffer = new Uint8Array(BUFFER_BYTES);

  constructor(tree: KernelTree) {
    this.#tree = tree;
  }

  file(path: string): HostFile {
    return new HostFile(path, this.#tree, this);
  }

  /** Loads the scan with the file's content; false when it cannot be read. */
  load(file: KernelFile): boolean {
    let length = file.read(this.#buffer);
    // A full buffer may hide a rest: read again from the beginning into a larger one.
    while (length === this.#buffer.length && length < BUFFER_BYTES_MAX) {
      this.#buffer = new Uint8Array(length * 2);
      length = file.read(this.#buffer);
    }
    this.scan.load(this.#buffer, Math.max(length, 0));
    return length >= 0;
  }
}

/** One kernel file that is kept open from one reading to the next. */
export class HostFile {
  readonly path: string;
  readonly #tree: KernelTree;
  readonly #reader: HostReader;
  #file: KernelFile | undefined;
  #skip = 0;

  constructor(path: string, tree: KernelTree, reader: HostReader) {
    this.path = path;
    this.#tree = tree;
    this.#reader = reader;
  }

  /** Loads the reader's scan; false when the file is not there or does not answer. */
  read(): boolean {
    if (this.#file !== undefined) {
      if (this.#reader.load(this.#file)) return true;
      // What was behind the descriptor is gone; the same name may have come back.
      this.close();
    } else if (this.#skip > 0) {
      this.#skip--;
      return false;
    }
    this.#file = this.#tree.open(this.path);
    if (this.#file !== undefined && this.#reader.load(this.#file)) return true;
    this.close();
    this.#skip = READINGS_BEFORE_REOPEN;
    return false;
  }

  /** As `read`, for a file without which nothing is as it should be: fails when it cannot be read. */
  mustRead(): void {
    if (this.read()) return;
    throw new Failure(
      'unreadable',
      `${this.path} cannot be read: check that it is mounted, and the collector's root if one is set`,
    );
  }

  /** The number that the file consists of; NaN when there is none. */
  readNumber(): number {
    return this.read() ? this.#reader.scan.number() : Number.NaN;
  }

  /** The whole content as text, for files too long for `KernelTree.readText`; empty when unreadable. */
  readText(): string {
    const { scan } = this.#reader;
    return this.read() ? scan.text(0, scan.end) : '';
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
