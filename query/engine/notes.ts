import { lineAndColumn } from '../syntax/failure.ts';
import type { Place } from '../syntax/ast.ts';

/** Different notes kept for each kind; a query over many series repeats itself. */
const NOTES_MAX = 100;

/** What a query has to say beside its answer, in Prometheus's words, each note once. */
export class Notes {
  readonly #text: string;
  readonly #warnings = new Set<string>();
  readonly #infos = new Set<string>();

  constructor(text: string) {
    this.#text = text;
  }

  warn(what: string, place: Place): void {
    this.#add(this.#warnings, `PromQL warning: ${what}`, place);
  }

  info(what: string, place: Place): void {
    this.#add(this.#infos, `PromQL info: ${what}`, place);
  }

  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  get infos(): readonly string[] {
    return [...this.#infos];
  }

  #add(notes: Set<string>, what: string, place: Place): void {
    if (notes.size < NOTES_MAX) notes.add(`${what} (${lineAndColumn(this.#text, place.from)})`);
  }
}

export function quantileNote(value: number): string {
  const shown = Number.isNaN(value) ? 'NaN' : value === Infinity ? '+Inf' : String(value);
  return `quantile value should be between 0 and 1, got ${shown}`;
}
