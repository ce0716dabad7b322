// A little-endian bit stream. The writer's state lives in globals, which each instance of the module has for
// itself; one stream is written at a time.

let position: usize = 0;
let pending: u64 = 0;
let pendingBits: u32 = 0;

@inline
export function beginBits(target: usize): void {
  position = target;
  pending = 0;
  pendingBits = 0;
}

/** At most 32 bits, and none above `count`. */
@inline
export function putBits(value: u64, count: u32): void {
  pending |= value << pendingBits;
  pendingBits += count;
  if (pendingBits >= 32) {
    store<u32>(position, <u32>pending);
    position += 4;
    pending >>= 32;
    pendingBits -= 32;
  }
}

/** At most 63 bits. */
@inline
export function putLongBits(value: u64, count: u32): void {
  if (count > 31) {
    putBits(value & 0x7fffffff, 31);
    putBits(value >> 31, count - 31);
  } else {
    putBits(value, count);
  }
}

/** Writes what is pending; returns the address after the last byte. */
export function endBits(): usize {
  while (pendingBits > 0) {
    store<u8>(position++, <u8>pending);
    pending >>= 8;
    pendingBits = pendingBits > 8 ? pendingBits - 8 : 0;
  }
  return position;
}

/** At least 57 bits of the stream at `source`, from bit `bit` on. Reads 8 bytes: streams need that much slack behind them. */
@inline
export function peekBits(source: usize, bit: usize): u64 {
  return load<u64>(source + (bit >> 3)) >> (<u64>bit & 7);
}

@inline
export function putVarint(target: usize, value: u64): usize {
  while (value > 127) {
    store<u8>(target++, <u8>(value | 128));
    value >>= 7;
  }
  store<u8>(target++, <u8>value);
  return target;
}

/** The address behind the varint that `takeVarint` read last. */
export let varintEnd: usize = 0;

export function takeVarint(source: usize): u64 {
  let value: u64 = 0;
  let shift: u64 = 0;
  let byte: u64 = 0;
  do {
    byte = load<u8>(source++);
    value |= (byte & 127) << shift;
    shift += 7;
  } while (byte > 127 && shift < 70);
  varintEnd = source;
  return value;
}

@inline
export function zigzag(value: i64): u64 {
  return <u64>((value << 1) ^ (value >> 63));
}

@inline
export function unzigzag(value: u64): i64 {
  return <i64>(value >> 1) ^ -(<i64>(value & 1));
}
