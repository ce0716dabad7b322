import type { Labels } from '../../model/labels.ts';

/** How long a series counts after it was last counted anew: between one epoch and two. */
const EPOCH_MS = 3_600_000;
const SOURCES_MAX = 4096;
/** Over all sources, some 40 bytes each. */
const SERIES_MAX = 2_000_000;

/**
 * Counts the series that each outside sender keeps alive, so that one that runs wild is stopped at its own
 * limit and cannot use up everybody's. Series are kept as 53-bit hashes: a collision lets one series
 * pass uncounted, which harms nobody. Old ones are forgotten by halves: what was not seen in the current
 * epoch nor in the one before no longer counts.
 */
export class SourceLedger {
  readonly #seriesPerSourceMax: number;
  readonly #accounts = new Map<string, SourceAccount>();
  #admission = 0;

  constructor(seriesPerSourceMax: number) {
    this.#seriesPerSourceMax = seriesPerSourceMax;
  }

  account(source: string, nowMs: number): SourceAccount {
    let account = this.#accounts.get(source);
    if (account) {
      // Last in order is most recent.
      this.#accounts.delete(source);
    } else {
      this.#makeRoom();
      account = new SourceAccount(source, this.#seriesPerSourceMax, nowMs);
      account.admission = this.#nextAdmission();
    }
    this.#accounts.set(source, account);
    if (account.turn(nowMs)) account.admission = this.#nextAdmission();
    return account;
  }

  #nextAdmission(): number {
    return (this.#admission = (this.#admission % 0xffff_fffe) + 1);
  }

  /** Forgets the senders not heard for longest; should they return, their count starts anew. */
  #makeRoom(): void {
    let series = 0;
    for (const account of this.#accounts.values()) series += account.series;
    for (const [source, account] of this.#accounts) {
      if (this.#accounts.size < SOURCES_MAX && series < SERIES_MAX) return;
      series -= account.series;
      this.#accounts.delete(source);
    }
  }
}

export class SourceAccount {
  readonly source: string;
  readonly #seriesMax: number;
  #current = new Set<number>();
  #previous = new Set<number>();
  #epochStartMs: number;
  /** Grows with each epoch: an admission from an earlier one must be counted again. */
  epoch = 0;
  /** A number of its own for each account and epoch. */
  admission = 0;

  constructor(source: string, seriesMax: number, nowMs: number) {
    this.source = source;
    this.#seriesMax = seriesMax;
    this.#epochStartMs = nowMs;
  }

  get series(): number {
    return this.#current.size + this.#previous.size;
  }

  /** Begins a new epoch when it is time for one. */
  turn(nowMs: number): boolean {
    // A clock that was set back starts a new epoch as well: better than one that lasts for years.
    if (nowMs - this.#epochStartMs < EPOCH_MS && nowMs >= this.#epochStartMs) return false;
    this.#previous = this.#current;
    this.#current = new Set();
    this.#epochStartMs = nowMs;
    this.epoch++;
    return true;
  }

  /** Whether the series may enter: known ones always, new ones up to the limit. */
  admit(labels: Labels): boolean {
    const key = hashLabels(labels);
    if (this.#current.has(key)) return true;
    if (!this.#previous.delete(key) && this.series >= this.#seriesMax) return false;
    this.#current.add(key);
    return true;
  }
}

/** Two multiplicative hashes over UTF-16 units, joined to one exact integer of 53 bits. */
function hashLabels(labels: Labels): number {
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  for (const text of labels) {
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      a = Math.imul(a ^ unit, 0x01000193);
      b = Math.imul(b ^ unit, 0x85ebca6b) ^ (b >>> 15);
    }
    // Ends each text: ("ab", "c") and ("a", "bc") differ.
    a = Math.imul(a ^ 0xd800, 0x01000193);
    b = Math.imul(b ^ 0xd800, 0x85ebca6b) ^ (b >>> 15);
  }
  return ((a >>> 0) & 0x1fffff) * 4_294_967_296 + (b >>> 0);
}
