import type { Labels } from '../../model/labels.ts';

interface Entry {
  readonly at: number;
  readonly length: number;
  readonly labels: Labels;
  /** Another entry with the same hash. */
  readonly next: Entry | undefined;
  /** How many there are with this hash, this one included. */
  readonly depth: number;
}

/** One generation; its limits bound the cache to some 150 MB when every sender is at its worst. */
const ENTRIES_MAX = 200_000;
const ARENA_BYTES_MAX = 32 * 1024 * 1024;
/** Whoever makes hashes collide on purpose gains nothing but not being cached. */
const DEPTH_MAX = 8;

/**
 * Gives back the same `Labels` object for the same encoded bytes. Senders repeat their series' labels byte
 * for byte in each request: recognising the bytes saves decoding and sorting them, and the unchanged
 * identity lets the gate and the store skip their own checks. Bytes are compared in full, so a hash
 * collision is slow but never wrong. Two generations: what is used moves to the younger, the elder is
 * dropped when the younger is full.
 */
export class LabelCache {
  #young = new Generation();
  #old = new Generation();

  get(bytes: Uint8Array, from: number, to: number): Labels | undefined {
    const hash = hashBytes(bytes, from, to);
    const young = this.#young.find(hash, bytes, from, to);
    if (young) return young;
    const old = this.#old.find(hash, bytes, from, to);
    if (old) this.#add(hash, bytes, from, to, old);
    return old;
  }

  put(bytes: Uint8Array, from: number, to: number, labels: Labels): void {
    this.#add(hashBytes(bytes, from, to), bytes, from, to, labels);
  }

  #add(hash: number, bytes: Uint8Array, from: number, to: number, labels: Labels): void {
    if (this.#young.isFull(to - from)) {
      this.#old = this.#young;
      this.#young = new Generation();
    }
    this.#young.add(hash, bytes, from, to, labels);
  }
}

class Generation {
  readonly #byHash = new Map<number, Entry>();
  #arena = new Uint8Array(4096);
  #used = 0;
  #entries = 0;

  isFull(bytesMore: number): boolean {
    return this.#entries >= ENTRIES_MAX || this.#used + bytesMore > ARENA_BYTES_MAX;
  }

  find(hash: number, bytes: Uint8Array, from: number, to: number): Labels | undefined {
    const arena = this.#arena;
    const length = to - from;
    search: for (let entry = this.#byHash.get(hash); entry; entry = entry.next) {
      if (entry.length !== length) continue;
      const { at } = entry;
      for (let i = 0; i < length; i++) if (arena[at + i] !== bytes[from + i]) continue search;
      return entry.labels;
    }
    return undefined;
  }

  add(hash: number, bytes: Uint8Array, from: number, to: number, labels: Labels): void {
    const length = to - from;
    const next = this.#byHash.get(hash);
    const depth = (next?.depth ?? 0) + 1;
    if (depth > DEPTH_MAX) return;
    if (this.#used + length > this.#arena.length) {
      const larger = new Uint8Array(Math.max(this.#arena.length * 2, this.#used + length));
      larger.set(this.#arena);
      this.#arena = larger;
    }
    this.#arena.set(bytes.subarray(from, to), this.#used);
    this.#byHash.set(hash, { at: this.#used, length, labels, next, depth });
    this.#used += length;
    this.#entries++;
  }
}

/** FNV-1a over 32 bits. */
function hashBytes(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash;
}
