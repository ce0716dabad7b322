/** Chance as a value, so that a run can be repeated from its seed. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** For identifiers; the real implementation is cryptographically strong. */
  bytes(count: number): Uint8Array;
}

export function randomHex(random: Random, bytes: number): string {
  return [...random.bytes(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A repeatable source (mulberry32): for simulation and tests, never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return {
    next: () => next32() / 4_294_967_296,
    bytes: (count) => Uint8Array.from({ length: count }, () => next32() & 255),
  };
}
