// The other side of remote write 1.0, written for tests: builds messages and compresses them.

export interface EncodedSample {
  readonly timeMs: number | bigint;
  readonly value: number | Uint8Array;
}

export interface EncodedSeries {
  readonly labels: readonly (readonly [string | Uint8Array, string | Uint8Array])[];
  readonly samples: readonly EncodedSample[];
  readonly histograms?: number;
  readonly exemplars?: number;
}

export interface EncodedMetadata {
  readonly type: number;
  readonly name: string;
  readonly help: string;
  readonly unit: string;
}

export function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

export function field(number: number, content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

export function number(fieldNumber: number, value: number | bigint): Uint8Array {
  return Buffer.concat([varint(fieldNumber * 8), varint(value)]);
}

function double(fieldNumber: number, value: number | Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(8);
  if (typeof value === 'number') bytes.writeDoubleLE(value);
  else bytes.set(value);
  return Buffer.concat([varint(fieldNumber * 8 + 1), bytes]);
}

export function encodeSeries(series: EncodedSeries): Uint8Array {
  return field(
    1,
    Buffer.concat([
      ...series.labels.map(([name, value]) =>
        field(1, Buffer.concat([field(1, name), field(2, value)])),
      ),
      ...series.samples.map(({ timeMs, value }) =>
        field(2, Buffer.concat([double(1, value), number(2, timeMs)])),
      ),
      ...Array.from({ length: series.exemplars ?? 0 }, () => field(3, double(2, 1))),
      ...Array.from({ length: series.histograms ?? 0 }, () => field(4, number(15, 1000))),
    ]),
  );
}

export function encodeRequest(
  series: readonly EncodedSeries[],
  metadata: readonly EncodedMetadata[] = [],
): Uint8Array {
  return Buffer.concat([
    ...series.map(encodeSeries),
    ...metadata.map(({ type, name, help, unit }) =>
      field(3, Buffer.concat([number(1, type), field(2, name), field(4, help), field(5, unit)])),
    ),
  ]);
}

/** A small but real compressor: finds repeats of four bytes and more through a table of positions. */
export function encodeSnappy(input: Uint8Array): Uint8Array {
  const out: Uint8Array[] = [varint(input.length)];
  const seen = new Map<number, number>();
  let literalFrom = 0;
  const flush = (to: number): void => {
    while (literalFrom < to) {
      const count = Math.min(to - literalFrom, 65_536);
      if (count <= 60) out.push(Uint8Array.of((count - 1) << 2));
      else if (count <= 256) out.push(Uint8Array.of(60 << 2, count - 1));
      else out.push(Uint8Array.of(61 << 2, (count - 1) & 255, (count - 1) >> 8));
      out.push(input.subarray(literalFrom, literalFrom + count));
      literalFrom += count;
    }
  };
  let at = 0;
  while (at + 4 <= input.length) {
    const word =
      input[at]! | (input[at + 1]! << 8) | (input[at + 2]! << 16) | (input[at + 3]! << 24);
    const before = seen.get(word);
    seen.set(word, at);
    if (before === undefined) {
      at++;
      continue;
    }
    let count = 4;
    while (count < 64 && at + count < input.length && input[before + count] === input[at + count]) {
      count++;
    }
    flush(at);
    const offset = at - before;
    if (count <= 11 && offset < 2048) {
      out.push(Uint8Array.of(1 | ((count - 4) << 2) | ((offset >> 8) << 5), offset & 255));
    } else if (offset < 65_536) {
      out.push(Uint8Array.of(2 | ((count - 1) << 2), offset & 255, offset >> 8));
    } else {
      const bytes = Buffer.alloc(5);
      bytes[0] = 3 | ((count - 1) << 2);
      bytes.writeUInt32LE(offset, 1);
      out.push(bytes);
    }
    at += count;
    literalFrom = at;
  }
  flush(input.length);
  return Buffer.concat(out);
}
