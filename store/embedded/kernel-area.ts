import { StoreFailure } from '../store.ts';
import type { Kernel } from './kernel-module.ts';

/**
 * A piece of the kernel's memory that grows when more is asked for, with views of it. Memory that was allocated
 * stays where it is, so views last until the next `reserve`.
 */
export class KernelArea {
  readonly #kernel: Kernel;
  at = 0;
  length = 0;
  bytes: Uint8Array = new Uint8Array(0);
  u32: Uint32Array = new Uint32Array(0);
  f64: Float64Array = new Float64Array(0);

  constructor(kernel: Kernel, length: number) {
    this.#kernel = kernel;
    this.reserve(length);
  }

  /** Makes it at least so long. Its content is lost when it moves, unless `keep` takes it along. */
  reserve(length: number, keep?: (at: number, length: number) => void): void {
    if (length <= this.length) return;
    const { calls, memory } = this.#kernel;
    const wanted = Math.max(64, 2 ** Math.ceil(Math.log2(length + SLACK_BYTES)));
    const at = wanted <= PIECE_BYTES_MAX ? calls.allocate(wanted) : 0;
    if (at === 0) {
      throw new StoreFailure(
        'overloaded',
        `${wanted} bytes more do not fit into the store's memory: send smaller batches`,
      );
    }
    keep?.(at, wanted - SLACK_BYTES);
    if (this.at !== 0) calls.release(this.at, this.length + SLACK_BYTES);
    this.at = at;
    this.length = wanted - SLACK_BYTES;
    this.bytes = new Uint8Array(memory.buffer, at, this.length);
    this.u32 = new Uint32Array(memory.buffer, at, Math.floor(this.length / 4));
    this.f64 = new Float64Array(memory.buffer, at, Math.floor(this.length / 8));
  }
}

/** What kernel functions may read, or write, behind what they are given. */
const SLACK_BYTES = 64;
const PIECE_BYTES_MAX: number = 256 * 1024 * 1024;
