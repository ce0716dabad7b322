/** How many colours there are before lines repeat with dashes. The colours themselves are tokens. */
export const COLOURS = 8;

const DASHES: readonly (readonly number[])[] = [[], [8, 4], [2, 3], [10, 3, 2, 3]];

export interface LineStyle {
  /** Name of the custom property that holds the colour. */
  readonly token: string;
  /** Canvas dash pattern; empty for a solid line. */
  readonly dash: readonly number[];
}

/** Tells series apart: eight colours, then the same ones dashed, dotted and dash-dotted. */
export function lineStyle(index: number): LineStyle {
  return {
    token: `--series-${(index % COLOURS) + 1}`,
    dash: DASHES[Math.floor(index / COLOURS) % DASHES.length]!,
  };
}

/** `rgb` with an opacity, from the `#rrggbb` of a token. */
export function translucent(hex: string, opacity: number): string {
  const digits = /^#([0-9a-f]{6})$/i.exec(hex.trim())?.[1];
  if (digits === undefined) return hex;
  const [red, green, blue] = [0, 2, 4].map((at) => Number.parseInt(digits.slice(at, at + 2), 16));
  return `rgb(${red} ${green} ${blue} / ${opacity})`;
}
