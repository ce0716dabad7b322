import { LibvirtFailure } from './failure.ts';

/**
 * XDR (RFC 4506), the part of it that libvirt's protocol uses: big-endian, everything in units of four
 * bytes. The reader trusts nothing: each length is compared with what is there before anything is
 * allocated, and a breach is a `LibvirtFailure` with code `protocol`.
 */

/** libvirt's REMOTE_STRING_MAX. */
export const STRING_BYTES_MAX = 4_194_304;

const TWO_POW_32 = 4_294_967_296;
/** All bits set: libvirt's way to say that an unsigned 64-bit quantity is unknown or unlimited. */
const UNSIGNED_64_UNKNOWN = 0xffff_ffff;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

export class XdrReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#offset = offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** Moves past `count` bytes and returns where they began. */
  #take(count: number, what: string): number {
    const start = this.#offset;
    if (count > this.remaining) {
      throw new LibvirtFailure(
        'protocol',
        `a message from libvirtd ends too early: ${what} needs ${count} bytes at ${start}, the message has ${this.#bytes.length}`,
      );
    }
    this.#offset = start + count;
    return start;
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4, 'an unsigned number'));
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4, 'a number'));
  }

  /** Above 2^53 the last bits are rounded. All bits set means unknown and comes back as NaN. */
  uint64(): number {
    const start = this.#take(8, 'an unsigned 64-bit number');
    const high = this.#view.getUint32(start);
    const low = this.#view.getUint32(start + 4);
    if (high === UNSIGNED_64_UNKNOWN && low === UNSIGNED_64_UNKNOWN) return Number.NaN;
    return high * TWO_POW_32 + low;
  }

  int64(): number {
    const start = this.#take(8, 'a 64-bit number');
    return this.#view.getInt32(start) * TWO_POW_32 + this.#view.getUint32(start + 4);
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8, 'a floating-point number'));
  }

  /** A fixed number of bytes with padding up to a multiple of four; a copy. */
  opaque(count: number): Uint8Array {
    const start = this.#take(padded(count), 'opaque data');
    return this.#bytes.slice(start, start + count);
  }

  /** `known` saves making the same text again and again. */
  string(known?: TextCache): string {
    const count = this.uint32();
    if (count > STRING_BYTES_MAX) {
      throw new LibvirtFailure(
        'protocol',
        `a message from libvirtd has a string of ${count} bytes (limit ${STRING_BYTES_MAX})`,
      );
    }
    const start = this.#take(padded(count), 'a string');
    const end = start + count;
    return known ? known.textOf(this.#bytes, start, end) : textOf(this.#bytes, start, end);
  }

  /** An XDR optional: a flag, then the value when it is 1. */
  optional<T>(read: () => T): T | undefined {
    const flag = this.uint32();
    if (flag > 1) {
      throw new LibvirtFailure(
        'protocol',
        `a message from libvirtd has ${flag} where 0 (absent) or 1 (present) must stand`,
      );
    }
    return flag === 1 ? read() : undefined;
  }

  /** The count before a list, checked against what the rest of the message can hold at all. */
  count(bytesPerItemMin: number): number {
    const count = this.uint32();
    if (count * bytesPerItemMin > this.remaining) {
      throw new LibvirtFailure(
        'protocol',
        `a message from libvirtd announces ${count} items, of which its remaining ${this.remaining} bytes cannot hold that many`,
      );
    }
    return count;
  }
}

function padded(count: number): number {
  return (count + 3) & ~3;
}

/**
 * Remembers texts by their bytes. A host sends the same few hundred field names some thousand times a
 * second, and finding one costs a fraction of making it. Each text has one place, given by its hash; what
 * hashes to the same place replaces it, so the size is fixed.
 */
export class TextCache {
  readonly #entries: ({ readonly bytes: Uint8Array; readonly text: string } | undefined)[] =
    Array.from({ length: 4096 }, () => undefined);

  textOf(bytes: Uint8Array, start: number, end: number): string {
    // FNV-1a.
    let hash = 0x811c9dc5;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    const place = (hash ^ (hash >>> 16)) & 4095;
    const known = this.#entries[place];
    if (known && isSame(known.bytes, bytes, start, end)) return known.text;
    const text = textOf(bytes, start, end);
    if (end - start <= 64) this.#entries[place] = { bytes: bytes.slice(start, end), text };
    return text;
  }
}

function isSame(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}

/** Field names and device names are short ASCII, for which a loop beats the decoder's call by far. */
function textOf(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > 48) return decoder.decode(bytes.subarray(start, end));
  let text = '';
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte >= 0x80) return decoder.decode(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Builds a payload; grows as needed. What we send is small and ours, so there is no limit to check. */
export class XdrWriter {
  #bytes = new Uint8Array(128);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Replaces the array and the view when they are full: call it before touching either. */
  #reserve(count: number): number {
    const start = this.#length;
    const needed = start + count;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = needed;
    return start;
  }

  uint32(value: number): this {
    const start = this.#reserve(4);
    this.#view.setUint32(start, value);
    return this;
  }

  int32(value: number): this {
    const start = this.#reserve(4);
    this.#view.setInt32(start, value);
    return this;
  }

  opaque(bytes: Uint8Array): this {
    const start = this.#reserve(padded(bytes.length));
    this.#bytes.set(bytes, start);
    return this;
  }

  string(text: string): this {
    const bytes = encoder.encode(text);
    return this.uint32(bytes.length).opaque(bytes);
  }

  optionalString(text: string | undefined): this {
    return text === undefined ? this.uint32(0) : this.uint32(1).string(text);
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}
