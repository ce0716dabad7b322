/** Up to here a loop costs less than two views of memory. */
const FEW_ROWS = 32;

/**
 * Samples as two columns that grow. Values are also seen as pairs of 32-bit words (low, high) over the same
 * memory: a float that passes through a register may lose the payload of a NaN, words never do.
 */
export class SampleColumns {
  times: Float64Array<ArrayBuffer>;
  values: Float64Array<ArrayBuffer>;
  words: Uint32Array<ArrayBuffer>;
  length = 0;

  constructor(capacity: number = 16) {
    this.times = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.words = new Uint32Array(this.values.buffer);
  }

  /** -Infinity while empty. */
  get lastTime(): number {
    return this.length === 0 ? -Infinity : this.times[this.length - 1]!;
  }

  clear(): void {
    this.length = 0;
  }

  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.times.length) return;
    const capacity = Math.max(needed, Math.ceil(this.times.length * 1.5), 16);
    const times = new Float64Array(capacity);
    const values = new Float64Array(capacity);
    times.set(this.times.subarray(0, this.length));
    values.set(this.values.subarray(0, this.length));
    this.times = times;
    this.values = values;
    this.words = new Uint32Array(values.buffer);
  }

  push(timeMs: number, low: number, high: number): void {
    if (this.length === this.times.length) this.reserve(1);
    const row = this.length++;
    this.times[row] = timeMs;
    this.words[row * 2] = low;
    this.words[row * 2 + 1] = high;
  }

  /** Copies rows [start, end) of other columns to the end. */
  pushRows(other: SampleColumns, start: number, end: number): void {
    if (end <= start) return;
    this.reserve(end - start);
    if (end - start > FEW_ROWS) {
      // Between arrays of one type, set copies memory: bits stay.
      this.times.set(other.times.subarray(start, end), this.length);
      this.values.set(other.values.subarray(start, end), this.length);
    } else {
      let to = this.length;
      for (let row = start; row < end; row++, to++) {
        this.times[to] = other.times[row]!;
        this.words[to * 2] = other.words[row * 2]!;
        this.words[to * 2 + 1] = other.words[row * 2 + 1]!;
      }
    }
    this.length += end - start;
  }

  /** The first row whose time is not below; `length` when there is none. Times must ascend. */
  rowAt(timeMs: number): number {
    return lowerBound(this.times, timeMs, this.length);
  }

  /**
   * Merges rows [start, end) of sorted columns into these sorted ones. Of two samples for one time, the one
   * that was here already stays.
   */
  merge(other: SampleColumns, start: number = 0, end: number = other.length): void {
    if (end <= start) return;
    if (this.length === 0 || other.times[start]! > this.lastTime) {
      this.pushRows(other, start, end);
      return;
    }
    const merged = new SampleColumns(this.length + end - start);
    let mine = 0;
    let theirs = start;
    while (mine < this.length && theirs < end) {
      const mineTime = this.times[mine]!;
      const theirTime = other.times[theirs]!;
      if (mineTime <= theirTime) {
        merged.push(mineTime, this.words[mine * 2]!, this.words[mine * 2 + 1]!);
        mine++;
        if (mineTime === theirTime) theirs++;
      } else {
        merged.push(theirTime, other.words[theirs * 2]!, other.words[theirs * 2 + 1]!);
        theirs++;
      }
    }
    merged.pushRows(this, mine, this.length);
    merged.pushRows(other, theirs, end);
    this.times = merged.times;
    this.values = merged.values;
    this.words = merged.words;
    this.length = merged.length;
  }
}

/** The first index below `length` whose element is not below `wanted`, or `length`. */
export function lowerBound(
  ascending: Float64Array | Uint32Array,
  wanted: number,
  length: number = ascending.length,
): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
