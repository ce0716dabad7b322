/** Sorts in place, NaN below every number. */
function sortNanFirst(values: Float64Array): Float64Array {
  values.sort();
  let nans = 0;
  while (
    nans < values.length &&
    values[values.length - 1 - nans]! !== values[values.length - 1 - nans]!
  )
    nans++;
  if (nans > 0) {
    values.copyWithin(nans, 0, values.length - nans);
    values.fill(NaN, 0, nans);
  }
  return values;
}

/** The φ-quantile, between two values on a straight line. Sorts the values it is given. */
export function quantileOf(phi: number, values: Float64Array): number {
  if (values.length === 0 || phi !== phi) return NaN;
  if (phi < 0) return -Infinity;
  if (phi > 1) return Infinity;
  sortNanFirst(values);
  const rank = phi * (values.length - 1);
  const below = Math.max(0, Math.floor(rank));
  const above = Math.min(values.length - 1, below + 1);
  const weight = rank - Math.floor(rank);
  return values[below]! * (1 - weight) + values[above]! * weight;
}
