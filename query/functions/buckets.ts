/** Classic histogram buckets: cumulative counts under upper bounds. */
export interface Bucket {
  readonly upperBound: number;
  readonly count: number;
}

/** Counts that differ by less than this share are taken as equal: floating point noise, not a decrease. */
const NOISE = 1e-12;

export interface Quantile {
  readonly value: number;
  /** Where counts fell although they must not, and by how much. */
  readonly forced:
    | { readonly lowest: number; readonly highest: number; readonly largestFall: number }
    | undefined;
}

function plain(value: number): Quantile {
  return { value, forced: undefined };
}

/** Sorted by bound, equal bounds added up; undefined without a bucket that holds everything. */
function prepared(buckets: readonly Bucket[]): Bucket[] | undefined {
  const sorted = [...buckets].sort((a, b) =>
    a.upperBound < b.upperBound ? -1 : a.upperBound > b.upperBound ? 1 : 0,
  );
  if (sorted.at(-1)?.upperBound !== Infinity) return undefined;
  const merged: Bucket[] = [];
  for (const bucket of sorted) {
    const last = merged.at(-1);
    if (last && last.upperBound === bucket.upperBound) {
      merged[merged.length - 1] = { ...last, count: last.count + bucket.count };
    } else merged.push(bucket);
  }
  return merged;
}

/** The φ-quantile, on a straight line within its bucket. */
export function bucketQuantile(phi: number, given: readonly Bucket[]): Quantile {
  if (phi !== phi) return plain(NaN);
  if (phi < 0) return plain(-Infinity);
  if (phi > 1) return plain(Infinity);
  const raw = prepared(given);
  if (!raw) return plain(NaN);
  const { buckets, forced } = monotonic(raw);
  const last = buckets.length - 1;
  const observations = buckets[last]!.count;
  if (last < 1 || observations === 0) return { value: NaN, forced };
  const rank = phi * observations;
  let index = buckets.findIndex((bucket) => bucket.count >= rank);
  if (index === -1) index = last;
  if (index === last) return { value: buckets[last - 1]!.upperBound, forced };
  const { upperBound, count } = buckets[index]!;
  if (index === 0) {
    return { value: upperBound <= 0 ? upperBound : upperBound * (rank / count), forced };
  }
  const below = buckets[index - 1]!;
  const share = (rank - below.count) / (count - below.count);
  return { value: below.upperBound + (upperBound - below.upperBound) * share, forced };
}

function monotonic(raw: readonly Bucket[]): {
  readonly buckets: readonly Bucket[];
  readonly forced: Quantile['forced'];
} {
  let lowest = Infinity;
  let highest = -Infinity;
  let largestFall = 0;
  let previous = raw[0]!.count;
  const buckets = raw.map((bucket) => {
    const { count, upperBound } = bucket;
    if (count > previous && !isNoise(count, previous)) {
      previous = count;
      return bucket;
    }
    if (count < previous && !isNoise(count, previous)) {
      lowest = Math.min(lowest, upperBound);
      highest = Math.max(highest, upperBound);
      largestFall = Math.max(largestFall, previous - count);
    }
    return { upperBound, count: previous };
  });
  return { buckets, forced: largestFall > 0 ? { lowest, highest, largestFall } : undefined };
}

function isNoise(a: number, b: number): boolean {
  const size = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  return a === b || difference / Math.min(size, Number.MAX_VALUE) < NOISE;
}

/** The share of observations between two values, on straight lines within buckets. */
export function bucketFraction(lower: number, upper: number, given: readonly Bucket[]): number {
  const buckets = prepared(given);
  if (!buckets) return NaN;
  const total = buckets.at(-1)!.count;
  if (total === 0 || lower !== lower || upper !== upper) return NaN;
  if (lower >= upper) return 0;
  return (rankOf(upper, buckets, total) - rankOf(lower, buckets, total)) / total;
}

/** How many observations lie below a value. */
function rankOf(value: number, buckets: readonly Bucket[], total: number): number {
  let below = 0;
  // The lowest bucket begins at zero unless it lies below.
  let lowerBound = buckets[0]!.upperBound <= 0 ? -Infinity : 0;
  for (const { upperBound, count } of buckets) {
    if (lowerBound >= value) return Math.min(below, total);
    if (upperBound > value) {
      const rank =
        lowerBound === -Infinity
          ? count
          : below + ((count - below) * (value - lowerBound)) / (upperBound - lowerBound);
      return Math.min(rank, total);
    }
    below = count;
    lowerBound = upperBound;
  }
  return total;
}
