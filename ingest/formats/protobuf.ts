import { IngestFailure } from '../ingest.ts';

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
const FIXED32 = 5;

/**
 * A cursor over Protocol Buffers in their binary form. It never reads beyond the end it was given; the
 * caller moves that end to step into a message within a message.
 */
export class ProtobufReader {
  readonly bytes: Uint8Array;
  at: number;
  end: number;

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** A tag: field number times eight plus wire type. Field numbers above 2^28 do not occur here. */
  tag(): number {
    const tag = this.varint();
    if (tag < 8 || tag > 0x7fffffff) throw malformed('has a field number out of range');
    return tag;
  }

  /** An unsigned varint of up to 64 bits; exact up to 2^53, rounded above. */
  varint(): number {
    const { bytes, end } = this;
    let at = this.at;
    if (at < end && bytes[at]! < 0x80) {
      this.at = at + 1;
      return bytes[at]!;
    }
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (at >= end) throw malformed('ends within a number');
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.at = at;
        return value;
      }
      scale *= 128;
    }
    throw malformed('has a number of more than 64 bits');
  }

  /** A varint that holds a two's complement 64-bit integer; exact within ±2^53, rounded outside. */
  int64(): number {
    const start = this.at;
    const value = this.varint();
    // Negative numbers always take ten bytes, of which the last one is 1.
    if (this.at - start < 10) return value;
    let inverse = 0;
    let scale = 1;
    for (let i = start; i < this.at; i++) {
      const bits = i === start + 9 ? 1 : 0x7f;
      inverse += (~this.bytes[i]! & bits) * scale;
      scale *= 128;
    }
    return (this.bytes[start + 9]! & 1) === 1 ? -inverse - 1 : value;
  }

  /** The length of what follows, checked against what is left. */
  length(): number {
    const length = this.varint();
    if (length > this.end - this.at) throw malformed('ends within a field');
    return length;
  }

  /** Moves over 8 bytes and tells where they were. */
  fixed64(): number {
    const at = this.at;
    if (this.end - at < 8) throw malformed('ends within a field');
    this.at = at + 8;
    return at;
  }

  /** Moves over the value of a field that we do not know. */
  skip(tag: number): void {
    switch (tag & 7) {
      case VARINT:
        this.varint();
        return;
      case FIXED64:
        this.fixed64();
        return;
      case BYTES: {
        const length = this.length();
        this.at += length;
        return;
      }
      case FIXED32:
        if (this.end - this.at < 4) throw malformed('ends within a field');
        this.at += 4;
        return;
      default:
        throw malformed('has a field of a kind that does not exist');
    }
  }
}

export function malformed(what: string): IngestFailure {
  return new IngestFailure('malformed', `the body is not a remote-write message: it ${what}`);
}
