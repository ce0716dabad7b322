/**
 * The staleness marker: a NaN with the payload 2, as Prometheus writes it (0x7ff0000000000002). As a sample
 * value it says that the series ended here. An engine may set the quiet bit of a NaN in passing, so both
 * spellings count.
 */
const probe = new Float64Array(1);
const bits = new Uint32Array(probe.buffer);

// Every platform that Node supports is little-endian: word 1 is the high one.
const HIGH_SIGNALLING = 0x7ff00000;
const HIGH_QUIET = 0x7ff80000;

/** Whether this value is the staleness marker. Cheap for ordinary numbers: only NaN is looked at closely. */
export function isStale(value: number): boolean {
  if (value === value) return false;
  probe[0] = value;
  return bits[0] === 2 && (bits[1] === HIGH_SIGNALLING || bits[1] === HIGH_QUIET);
}

/** Writes the marker, with its exact bits, into a column. */
export function setStale(values: Float64Array, index: number): void {
  const words = new Uint32Array(values.buffer, values.byteOffset + index * 8, 2);
  words[0] = 2;
  words[1] = HIGH_SIGNALLING;
}

/** The marker as a number, for builders that push values one by one. */
export const STALE: number = (() => {
  const value = new Float64Array(1);
  setStale(value, 0);
  return value[0]!;
})();
