import { KernelArea } from './kernel-area.ts';
import type { Kernel } from './kernel-module.ts';

/** One record each: below what a record may have, and with its slack a power of two. */
const PIECE_BYTES: number = 1024 * 1024 - 64;
/** What one sample takes at most. */
const SAMPLE_BYTES_MAX = 22;

/** Samples for which there is always room in an empty piece. */
export const PIECE_SAMPLES: number = 32 * 1024;

export interface BufferMark {
  readonly piece: number;
  readonly end: number;
}

/** Where the kernel writes what samples will be in the journal: pieces of memory, used again by the next group. */
export class JournalBuffer {
  readonly #kernel: Kernel;
  readonly #pieces: KernelArea[] = [];
  /** Where the bytes of each piece before the present one end. */
  #ends: number[] = [];
  #chapter = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  begin(chapter: number): void {
    this.#chapter = chapter;
    this.#ends = [];
    this.#open(0);
  }

  mark(): BufferMark {
    return { piece: this.#ends.length, end: this.#kernel.calls.journalEnd() };
  }

  undo({ piece, end }: BufferMark): void {
    this.#ends.length = piece;
    this.#open(end - this.#pieces[piece]!.at);
  }

  /** Takes another piece when the present one has no room for so many samples, at most PIECE_SAMPLES. */
  makeRoom(samples: number): boolean {
    const piece = this.#pieces[this.#ends.length]!;
    const end = this.#kernel.calls.journalEnd();
    if (piece.at + piece.length - end >= samples * SAMPLE_BYTES_MAX) return false;
    this.#ends.push(end);
    this.#open(0);
    return true;
  }

  /** Views, valid until the next group. */
  payloads(): readonly Uint8Array[] {
    const ends = [...this.#ends, this.#kernel.calls.journalEnd()];
    return ends.map((end, i) => this.#pieces[i]!.bytes.subarray(0, end - this.#pieces[i]!.at));
  }

  #open(used: number): void {
    const index = this.#ends.length;
    const piece = (this.#pieces[index] ??= new KernelArea(this.#kernel, PIECE_BYTES));
    this.#kernel.calls.beginJournal(piece.at + used, piece.length - used, this.#chapter);
  }
}
