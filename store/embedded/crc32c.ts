/**
 * CRC-32C (Castagnoli), eight bytes a step over eight tables. Journal records, chunks and indexes carry it.
 *
 * A checksum here also binds bytes to their place: `placedCrc` mixes in the number of the file and the
 * offset, so that a sector that lands in the wrong place, or a whole record left over from an older file,
 * does not pass for a good one.
 */
const POLYNOMIAL = 0x82f63b78;

const TABLES: Uint32Array = makeTables();

function makeTables(): Uint32Array {
  const tables = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[byte] = crc >>> 0;
  }
  for (let byte = 0; byte < 256; byte++) {
    for (let table = 1; table < 8; table++) {
      const before = tables[(table - 1) * 256 + byte]!;
      tables[table * 256 + byte] = ((before >>> 8) ^ tables[before & 255]!) >>> 0;
    }
  }
  return tables;
}

/** The checksum of `bytes[start, end)`; `previous` continues one over earlier bytes. */
export function crc32c(
  bytes: Uint8Array,
  start: number = 0,
  end: number = bytes.length,
  previous: number = 0,
): number {
  const t = TABLES;
  let crc = ~previous;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const low =
      crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    crc =
      t[1792 + (low & 255)]! ^
      t[1536 + ((low >>> 8) & 255)]! ^
      t[1280 + ((low >>> 16) & 255)]! ^
      t[1024 + (low >>> 24)]! ^
      t[768 + bytes[at + 4]!]! ^
      t[512 + bytes[at + 5]!]! ^
      t[256 + bytes[at + 6]!]! ^
      t[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ t[(crc ^ bytes[at]!) & 255]!;
  return ~crc >>> 0;
}

const place = new Uint8Array(12);

/** The checksum of bytes that stand at `offset` of the file with this number. */
export function placedCrc(
  where: { readonly file: number; readonly offset: number },
  bytes: Uint8Array,
  start: number = 0,
  end: number = bytes.length,
): number {
  putU32(place, 0, where.file);
  putU32(place, 4, where.offset % 0x1_0000_0000);
  putU32(place, 8, Math.floor(where.offset / 0x1_0000_0000));
  return crc32c(bytes, start, end, crc32c(place));
}

function putU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value;
  target[at + 1] = value >>> 8;
  target[at + 2] = value >>> 16;
  target[at + 3] = value >>> 24;
}
