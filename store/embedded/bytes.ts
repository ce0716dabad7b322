/**
 * Reading and writing the bytes of our own files: little-endian words, LEB128 varints of non-negative
 * integers below 2^53, zigzag for signed ones, texts as UTF-8 with their length before them.
 */

/** The bytes do not have the form that they should: damage, or a file of something else. */
export class MalformedBytes extends Error {
  override readonly name = 'MalformedBytes';
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

const TWO_32 = 0x1_0000_0000;

/** A buffer that grows as it is written to. The owner bounds what is written between two `clear`s. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(bytesExpected: number = 1024) {
    this.#bytes = new Uint8Array(bytesExpected);
  }

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  /** A view of what was written; valid until the next write. */
  view(start: number = 0, end: number = this.#length): Uint8Array {
    return this.#bytes.subarray(start, end);
  }

  /** Makes room, so that `count` more bytes can be written through `raw`. */
  reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }

  u8(value: number): void {
    this.reserve(1);
    this.#bytes[this.#length++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.#length += 4;
    this.setU32(this.#length - 4, value);
  }

  /** Overwrites four bytes that were written before: a length or checksum known only afterwards. */
  setU32(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
  }

  /** A non-negative integer below 2^53 in eight bytes. */
  u64(value: number): void {
    this.u32(value % TWO_32);
    this.u32(Math.floor(value / TWO_32));
  }

  varint(value: number): void {
    this.reserve(8);
    const bytes = this.#bytes;
    let rest = value;
    let at = this.#length;
    while (rest >= 0x8000_0000) {
      bytes[at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 128) {
      bytes[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.#length = at;
  }

  /** A signed integer of magnitude up to 2^52. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  raw(source: Uint8Array): void {
    this.reserve(source.length);
    this.#bytes.set(source, this.#length);
    this.#length += source.length;
  }

  text(value: string): void {
    const start = this.#length;
    this.varint(value.length);
    this.reserve(value.length);
    let at = this.#length;
    let i = 0;
    for (; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit >= 128) break;
      this.#bytes[at++] = unit;
    }
    if (i === value.length) {
      this.#length = at;
      return;
    }
    // Not ASCII: begin again, with the encoder, which costs more than the labels of most series.
    this.#length = start;
    const encoded = encoder.encode(value);
    this.varint(encoded.length);
    this.raw(encoded);
  }

  /**
   * The low bytes of a float64 are often zero: integers up to 2^20 fill three bytes of eight. Writes how many
   * bytes count, then these, from the sign down.
   */
  trimmedFloat(low: number, high: number): void {
    this.reserve(9);
    const bytes = this.#bytes;
    let at = this.#length + 1;
    bytes[at++] = high >>> 24;
    bytes[at++] = high >>> 16;
    bytes[at++] = high >>> 8;
    bytes[at++] = high;
    if (low !== 0) {
      bytes[at++] = low >>> 24;
      bytes[at++] = low >>> 16;
      bytes[at++] = low >>> 8;
      bytes[at++] = low;
    }
    const start = this.#length + 1;
    while (at > start && bytes[at - 1] === 0) at--;
    bytes[this.#length] = at - start;
    this.#length = at;
  }
}

/** Walks over bytes from outside; every read is checked against the end. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, start: number = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  u8(): number {
    this.#need(1);
    return this.bytes[this.at++]!;
  }

  u32(): number {
    this.#need(4);
    const { bytes, at } = this;
    this.at += 4;
    return (
      (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
    );
  }

  u64(): number {
    const low = this.u32();
    const value = this.u32() * TWO_32 + low;
    if (!Number.isSafeInteger(value)) throw new MalformedBytes('an integer is beyond 2^53');
    return value;
  }

  varint(): number {
    const { bytes } = this;
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 8; count++) {
      if (this.at >= this.end) break;
      const byte = bytes[this.at++]!;
      if (byte < 128) return value + byte * factor;
      value += (byte & 127) * factor;
      factor *= 128;
    }
    throw new MalformedBytes('a varint does not end');
  }

  zigzag(): number {
    const coded = this.varint();
    return coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2;
  }

  /** A count of things of which each needs at least `bytesEach` bytes: never more than can follow. */
  count(bytesEach: number = 1): number {
    const count = this.varint();
    if (count * bytesEach > this.left) throw new MalformedBytes('a count exceeds the bytes left');
    return count;
  }

  raw(length: number): Uint8Array {
    this.#need(length);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  text(): string {
    const encoded = this.raw(this.varint());
    try {
      return decoder.decode(encoded);
    } catch (thrown) {
      throw new MalformedBytes('a text is not UTF-8', { cause: thrown });
    }
  }

  /** The counterpart of `trimmedFloat`: writes the two words of the value, low first. */
  trimmedFloat(words: Uint32Array, index: number): void {
    const length = this.u8();
    if (length > 8) throw new MalformedBytes('a value has more than eight bytes');
    this.#need(length);
    let high = 0;
    let low = 0;
    for (let i = 0; i < 4; i++) high = (high << 8) | (i < length ? this.bytes[this.at + i]! : 0);
    for (let i = 4; i < 8; i++) low = (low << 8) | (i < length ? this.bytes[this.at + i]! : 0);
    this.at += length;
    words[index] = low;
    words[index + 1] = high;
  }

  #need(count: number): void {
    if (count > this.end - this.at) throw new MalformedBytes('the bytes end early');
  }
}
