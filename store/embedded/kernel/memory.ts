// The writer's allocator over the shared memory: a bump pointer, and a list of free pieces for each power of
// two. Only the writer allocates; readers merely follow addresses. Pieces are never merged: the head asks for
// few sizes, again and again.

const SMALLEST_LOG: u32 = 5;
const CLASSES: u32 = 24; // up to 256 MiB

let top: usize = 0;
let lists: usize = 0;

/** Bytes in pieces that are in use, rounded up to their classes. */
export let bytesUsed: u64 = 0;

/** Begins to hand out memory from `base` on. */
export function beginMemory(base: usize): void {
  lists = (base + 63) & ~63;
  memory.fill(lists, 0, CLASSES << 2);
  top = lists + 128;
  slabs = 0;
  bytesUsed = 0;
}

@inline
function classOf(bytes: usize): u32 {
  return bytes <= 32 ? 0 : 32 - <u32>clz<u32>(<u32>bytes - 1) - SMALLEST_LOG;
}

/**
 * Values in a full slab. Fifteen cache lines, an odd number: all series write at about the same place of their
 * slabs, and a stride of a power of two would send all of them to a handful of cache sets.
 */
export const SLAB: u32 = 120;
const SLAB_BYTES: usize = 960;

let slabs: usize = 0;

export function allocateSlab(): usize {
  if (slabs != 0) {
    const slab = slabs;
    slabs = <usize>load<u32>(slab);
    bytesUsed += SLAB_BYTES;
    return slab;
  }
  return take(SLAB_BYTES);
}

export function releaseSlab(slab: usize): void {
  store<u32>(slab, <u32>slabs);
  slabs = slab;
  bytesUsed -= SLAB_BYTES;
}


/** The size of the piece that a request of so many bytes gets. */
export function pieceBytes(bytes: usize): usize {
  return <usize>1 << (classOf(bytes) + SMALLEST_LOG);
}

/** A piece of at least so many bytes, aligned to 32; its content is whatever it was. 0: memory is exhausted. */
export function allocate(bytes: usize): usize {
  const kind = classOf(bytes);
  if (kind >= CLASSES) return 0;
  const size = <usize>1 << (kind + SMALLEST_LOG);
  const list = lists + (<usize>kind << 2);
  const free = <usize>load<u32>(list);
  if (free != 0) {
    store<u32>(list, load<u32>(free));
    bytesUsed += size;
    return free;
  }
  return take(size);
}

function take(size: usize): usize {
  if (!reserve(size)) return 0;
  const piece = (top + 31) & ~31;
  top = piece + size;
  bytesUsed += size;
  return piece;
}

/** Makes sure that `size` bytes above the top exist. */
function reserve(size: usize): bool {
  // A little more, so that code that reads whole words past the end of a piece stays inside.
  const end = <u64>top + <u64>size + 128;
  const have = <u64>memory.size() << 16;
  if (end <= have) return true;
  const missing = <i32>((end - have + 65535) >> 16);
  // In steps of 4 MiB: growing costs a system call and makes every view in JavaScript stale.
  return memory.grow(max(missing, 64)) != -1 || memory.grow(missing) != -1;
}

export function release(piece: usize, bytes: usize): void {
  const kind = classOf(bytes);
  const list = lists + (<usize>kind << 2);
  store<u32>(piece, load<u32>(list));
  store<u32>(list, <u32>piece);
  bytesUsed -= <u64>1 << (kind + SMALLEST_LOG);
}
