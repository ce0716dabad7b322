/**
 * The column format of `docs/formats/column.md`, decoded slowly and obviously, one bit after another and with
 * big integers. The oracle for the kernel's codec: it shares nothing with it but the page.
 */
export function decodeValues(chunk: Uint8Array, count: number): BigUint64Array {
  const out = new BigUint64Array(count);
  const bytes = new ByteReader(chunk);
  switch (bytes.byte()) {
    case 0:
      return out.fill(bytes.word());
    case 1: {
      const scale = bytes.byte();
      const exceptions = new Map<number, bigint>();
      let index = 0;
      for (let left = bytes.varint(); left > 0n; left--) {
        index += Number(bytes.varint());
        exceptions.set(index, bytes.word());
      }
      const value = new Float64Array(1);
      const bits = new BigUint64Array(value.buffer);
      integers(bytes, count).forEach((whole, i) => {
        value[0] = Number(whole) / 10 ** scale;
        out[i] = exceptions.get(i) ?? bits[0]!;
      });
      return out;
    }
    case 2: {
      const shift = BigInt(bytes.byte());
      let value = bytes.word();
      out[0] = value;
      tokens(bytes, count - 1).forEach((change, i) => {
        value ^= change << shift;
        out[i + 1] = value;
      });
      return out;
    }
    case 3:
      return out.map(() => bytes.word());
    default:
      throw new Error('unknown kind of chunk');
  }
}

export function decodeTimes(chunk: Uint8Array, count: number): BigInt64Array {
  const bytes = new ByteReader(chunk);
  const kind = bytes.byte();
  if (kind === 3) return new BigInt64Array(count).map(() => BigInt.asIntN(64, bytes.word()));
  if (kind !== 1) throw new Error('unknown kind of chunk');
  return BigInt64Array.from(integers(bytes, count));
}

function integers(bytes: ByteReader, count: number): bigint[] {
  const flags = bytes.byte();
  let value = unzigzag(bytes.varint());
  const out = [value];
  if (flags === 192) {
    let step = unzigzag(bytes.varint());
    value += step;
    out.push(value);
    for (const token of tokens(bytes, count - 2)) {
      step += unzigzag(token);
      value += step;
      out.push(value);
    }
    return out;
  }
  const shift = BigInt(flags & 63);
  for (const token of tokens(bytes, count - 1)) {
    value += ((flags & 64) !== 0 ? unzigzag(token) : token) << shift;
    out.push(value);
  }
  return out;
}

const SYMBOLS = 76;
const FIRST_RUN = 64;

/** Reads `count` numbers, runs of zeros spelled out. */
function tokens(bytes: ByteReader, count: number): bigint[] {
  const bits = new BitReader(bytes.rest());
  const codes = [readCodes(bits), readCodes(bits)] as const;
  const out: bigint[] = [];
  let context: 0 | 1 = 0;
  while (out.length < count) {
    const symbol = readSymbol(bits, codes[context]);
    if (symbol >= FIRST_RUN) {
      const extra = symbol - FIRST_RUN;
      const run = (1n << BigInt(extra)) | bits.take(extra);
      for (let i = 0n; i < run; i++) out.push(0n);
      context = 0;
    } else {
      out.push((1n << BigInt(symbol)) | bits.take(symbol));
      context = 1;
    }
  }
  return out;
}

/** Canonical Huffman codes as text of zeros and ones, first bit first. */
function readCodes(bits: BitReader): Map<string, number> {
  const lengths = Array.from({ length: SYMBOLS }, () => 0);
  for (const from of [0, FIRST_RUN]) {
    const first = Number(bits.take(7));
    if (first === 127) continue;
    const span = Number(bits.take(6));
    for (let i = 0; i <= span; i++) lengths[from + first + i] = Number(bits.take(4));
  }
  const codes = new Map<string, number>();
  let code = 0;
  for (let length = 1; length <= 10; length++) {
    for (let symbol = 0; symbol < SYMBOLS; symbol++) {
      if (lengths[symbol] !== length) continue;
      codes.set(code.toString(2).padStart(length, '0'), symbol);
      code++;
    }
    code *= 2;
  }
  return codes;
}

function readSymbol(bits: BitReader, codes: Map<string, number>): number {
  let code = '';
  while (code.length <= 10) {
    code += String(bits.take(1));
    const symbol = codes.get(code);
    if (symbol !== undefined) return symbol;
  }
  throw new Error('no such code');
}

function unzigzag(value: bigint): bigint {
  return (value & 1n) === 1n ? -(value >> 1n) - 1n : value >> 1n;
}

class ByteReader {
  #at = 0;
  readonly #bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  byte(): number {
    return this.#bytes[this.#at++]!;
  }
  word(): bigint {
    let word = 0n;
    for (let i = 0n; i < 8n; i++) word |= BigInt(this.byte()) << (8n * i);
    return word;
  }
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(this.byte());
      value |= (byte & 127n) << shift;
      if (byte < 128n) return value;
    }
  }
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }
}

/** Bits from the low end of each byte. */
class BitReader {
  #at = 0;
  readonly #bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  take(count: number): bigint {
    let value = 0n;
    for (let i = 0; i < count; i++, this.#at++) {
      const bit = (this.#bytes[this.#at >> 3]! >> (this.#at & 7)) & 1;
      value |= BigInt(bit) << BigInt(i);
    }
    return value;
  }
}
