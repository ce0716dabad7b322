type Values = readonly (number | null)[];

/**
 * Stacks by accumulation: layer n is the sum of the first n series. A missing value adds nothing to the
 * layers above it; where all series are missing, so is every layer.
 */
export function stackUp(columns: readonly Values[]): (number | null)[][] {
  const rows = columns[0]?.length ?? 0;
  const layers = columns.map(() => Array.from<number | null>({ length: rows }).fill(null));
  for (let row = 0; row < rows; row++) {
    if (columns.every((column) => column[row] == null)) continue;
    let sum = 0;
    columns.forEach((column, layer) => {
      sum += column[row] ?? 0;
      layers[layer]![row] = sum;
    });
  }
  return layers;
}
