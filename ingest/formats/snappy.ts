import { IngestFailure } from '../ingest.ts';

/**
 * Reads the Snappy block format: the decoded length as a varint, then literals and copies of what was
 * decoded before. Everything in it is a claim of the sender: the length is checked before memory is taken
 * for it, and each element against what is left of both sides.
 * https://github.com/google/snappy/blob/main/format_description.txt
 */
export function decodeSnappy(input: Uint8Array, bytesMax: number): Uint8Array<ArrayBuffer> {
  const { length, start } = readLength(input);
  if (length > bytesMax) {
    throw new IngestFailure(
      'too-large',
      `the body decodes to ${length} bytes (limit ${bytesMax}): send smaller batches`,
    );
  }
  // The densest element turns 3 bytes into 64, so a short input cannot have a long output.
  if (length > (input.length - start) * 22)
    throw malformed('is too short for the length it claims');
  const output = new Uint8Array(length);
  let from = start;
  let to = 0;
  while (from < input.length) {
    const tag = input[from++]!;
    if ((tag & 3) === 0) {
      let count = (tag >>> 2) + 1;
      if (count > 60) {
        const extra = count - 60;
        if (from + extra > input.length) throw malformed('ends within a literal');
        count = littleEndian(input, from, extra) + 1;
        from += extra;
      }
      if (count > input.length - from) throw malformed('ends within a literal');
      if (count > length - to) throw malformed('is longer than the length it claims');
      copyLiteral(input, from, output, to, count);
      from += count;
      to += count;
      continue;
    }
    const extra = EXTRA_BYTES[tag & 3]!;
    if (from + extra > input.length) throw malformed('ends within a copy');
    const short = (tag & 3) === 1;
    const count = short ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    const offset = short ? ((tag >>> 5) << 8) | input[from]! : littleEndian(input, from, extra);
    from += extra;
    if (offset === 0 || offset > to) throw malformed('copies from before its beginning');
    if (count > length - to) throw malformed('is longer than the length it claims');
    // Byte by byte: a copy may overlap itself, which repeats a pattern.
    for (let i = 0; i < count; i++) output[to + i] = output[to + i - offset]!;
    to += count;
  }
  if (to !== length) throw malformed('is shorter than the length it claims');
  return output;
}

/** Bytes of the offset for each kind of element; the kind is in the tag's low two bits. */
const EXTRA_BYTES = [0, 1, 2, 4] as const;

function readLength(input: Uint8Array): { readonly length: number; readonly start: number } {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = input[i];
    if (byte === undefined) throw malformed('ends within its length');
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) {
      if (length > 0xffffffff) break;
      return { length, start: i + 1 };
    }
  }
  throw malformed('has a length of more than 32 bits');
}

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}

function copyLiteral(
  input: Uint8Array,
  from: number,
  output: Uint8Array,
  to: number,
  count: number,
): void {
  // Below some dozens of bytes, a view costs more than the loop.
  if (count > 48) output.set(input.subarray(from, from + count), to);
  else for (let i = 0; i < count; i++) output[to + i] = input[from + i]!;
}

function malformed(what: string): IngestFailure {
  return new IngestFailure('malformed', `the body is not a Snappy block: it ${what}`);
}
