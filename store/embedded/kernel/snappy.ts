// Snappy's block format: a varint with the decompressed length, then literals and copies. Everything in the
// input is hostile until checked: no byte outside [source, source + length) decides where something is
// written, and nothing is written outside [target, target + declared).

/** The declared length, or -1 when there is none. Check it against a limit before making room. */
export function snappyLength(source: usize, length: usize): i64 {
  let declared: u64 = 0;
  for (let i: usize = 0; i < 5 && i < length; i++) {
    const byte = <u64>load<u8>(source + i);
    declared |= (byte & 127) << (<u64>i * 7);
    if (byte < 128) return declared <= 0xffffffff ? <i64>declared : -1;
  }
  return -1;
}

/**
 * Decompresses to `target`, where `declared` + 32 bytes must be free; 32 bytes behind the source must be
 * readable. False when the input is damaged.
 */
export function snappyDecompress(
  source: usize,
  length: usize,
  target: usize,
  declared: usize,
): bool {
  const end = source + length;
  const targetEnd = target + declared;
  let at = source;
  while (at < end && load<u8>(at) > 127) at++;
  at++;
  let to = target;
  while (at < end) {
    const tag = <u32>load<u8>(at++);
    if ((tag & 3) == 0) {
      let size = <usize>(tag >> 2) + 1;
      if (size <= 16 && at + 16 <= end && to + 16 <= targetEnd) {
        v128.store(to, v128.load(at));
        at += size;
        to += size;
        continue;
      }
      if (size > 60) {
        const extra = size - 60;
        if (at + extra > end) return false;
        const word = load<u32>(at);
        size = <usize>(extra == 4 ? word : word & ((<u32>1 << (<u32>extra << 3)) - 1)) + 1;
        at += extra;
      }
      if (size > end - at || size > targetEnd - to) return false;
      memory.copy(to, at, size);
      at += size;
      to += size;
      continue;
    }
    let size: usize;
    let offset: usize;
    if ((tag & 3) == 1) {
      if (at >= end) return false;
      size = <usize>((tag >> 2) & 7) + 4;
      offset = (<usize>(tag >> 5) << 8) | <usize>load<u8>(at++);
    } else if ((tag & 3) == 2) {
      if (at + 2 > end) return false;
      size = <usize>(tag >> 2) + 1;
      offset = <usize>load<u16>(at);
      at += 2;
    } else {
      if (at + 4 > end) return false;
      size = <usize>(tag >> 2) + 1;
      offset = <usize>load<u32>(at);
      at += 4;
    }
    if (offset == 0 || offset > to - target || size > targetEnd - to) return false;
    let from = to - offset;
    const stop = to + size;
    if (offset >= 16) {
      // May write up to 15 bytes too many: into the slack, or over bytes that come next anyway.
      while (to < stop) {
        v128.store(to, v128.load(from));
        to += 16;
        from += 16;
      }
    } else {
      while (to < stop) store<u8>(to++, load<u8>(from++));
    }
    to = stop;
  }
  return to == targetEnd && at == end;
}
