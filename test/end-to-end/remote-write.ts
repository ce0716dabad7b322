/**
 * A remote write 1.0 sender in a few lines, written from the protocol and not from our decoder: the two
 * must not agree by sharing a mistake. Snappy is used as literals only, which is valid.
 */
export interface WrittenSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly { readonly timeMs: number; readonly value: number }[];
}

export function writeRequest(series: readonly WrittenSeries[]): Buffer {
  return Buffer.concat(
    series.map(({ labels, samples }) =>
      message(
        1,
        Buffer.concat([
          ...Object.entries(labels)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, value]) => message(1, Buffer.concat([text(1, name), text(2, value)]))),
          ...samples.map(({ timeMs, value }) => {
            const double = Buffer.alloc(9);
            double[0] = (1 << 3) | 1;
            double.writeDoubleLE(value, 1);
            return message(2, Buffer.concat([double, Buffer.of(2 << 3), varint(timeMs)]));
          }),
        ]),
      ),
    ),
  );
}

const SNAPPY_LITERAL_BYTES_MAX = 65_536;

export function snappy(bytes: Buffer): Buffer {
  const parts = [varint(bytes.length)];
  for (let at = 0; at < bytes.length; at += SNAPPY_LITERAL_BYTES_MAX) {
    const literal = bytes.subarray(at, at + SNAPPY_LITERAL_BYTES_MAX);
    // Tag 61 says that the length less one follows in two bytes.
    const head = Buffer.of(61 << 2, 0, 0);
    head.writeUInt16LE(literal.length - 1, 1);
    parts.push(head, literal);
  }
  return Buffer.concat(parts);
}

export function remoteWrite(url: string, series: readonly WrittenSeries[]): Promise<Response> {
  return postWrite(url, snappy(writeRequest(series)));
}

/** Posts any bytes to where samples are expected. */
export function postWrite(url: string, body: Uint8Array): Promise<Response> {
  return fetch(`${url}/api/v1/write`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '0.1.0',
    },
    body,
    signal: AbortSignal.timeout(10_000),
  });
}

function message(field: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.of((field << 3) | 2), varint(body.length), body]);
}

function text(field: number, value: string): Buffer {
  return message(field, Buffer.from(value));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
