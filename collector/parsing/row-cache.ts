import type { ByteScan } from './byte-scan.ts';

/**
 * What belongs to each row of a table whose rows begin with a name. Rows keep their places from one reading
 * to the next nearly always, so a row is recognised by comparing the name's bytes with those that stood in
 * the same place last time; only a row that moved or is new costs a string and a look-up.
 */
export class RowCache<Row> {
  readonly #make: (name: string) => Row;
  readonly #places: { readonly name: Uint8Array; readonly text: string; readonly row: Row }[] = [];
  #byName = new Map<string, Row>();
  #next = 0;

  constructor(make: (name: string) => Row) {
    this.#make = make;
  }

  /** A new reading starts. */
  begin(): void {
    this.#next = 0;
  }

  /** What belongs to the row whose name is the last word that the scan took. */
  row(scan: ByteScan): Row {
    const place = this.#next++;
    const known = this.#places[place];
    if (known !== undefined && scan.wordIs(known.name)) return known.row;
    const text = scan.wordText();
    let row = this.#byName.get(text);
    if (row === undefined) {
      row = this.#make(text);
      this.#byName.set(text, row);
    }
    const name = scan.bytes.slice(scan.wordStart, scan.wordEnd);
    this.#places[place] = { name, text, row };
    return row;
  }

  /** The reading is complete: what was not in it is forgotten once it outnumbers what was. */
  finish(): void {
    this.#places.length = this.#next;
    if (this.#byName.size > 2 * this.#next + 64) {
      this.#byName = new Map(this.#places.map(({ text, row }) => [text, row]));
    }
  }
}
