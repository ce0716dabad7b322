/** Of each folder, the folders that it may import. */
export type Arrows = Readonly<Record<string, readonly string[]>>;

export function forbiddenImports(): string[];
export function arrowsOfProjects(): Arrows;
/** Why the file at `path` with this text may not be, an entry for each import; empty if it may. */
export function refusals(path: string, text: string, arrows: Arrows): string[];
