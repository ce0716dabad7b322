/** Columns of times kept until a block is finished; when there are more, chunks keep their own. */
const BYTES_MAX: number = 16 * 1024 * 1024;

/** The distinct columns of times of one block, in the order in which they came up. */
export class SharedColumns {
  readonly #numbers = new Map<string, number>();
  #columns: Uint8Array[] = [];
  #bytes = 0;

  /** The number, from 1, of this column; 0 when there is no room for another one. */
  readonly share = (column: Uint8Array, count: number): number => {
    const key = keyOf(column, count);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    if (this.#bytes + column.length > BYTES_MAX) return 0;
    this.#bytes += column.length;
    this.#columns.push(column);
    this.#numbers.set(key, this.#columns.length);
    return this.#columns.length;
  };

  /** Hands over all columns and starts anew. */
  take(): readonly Uint8Array[] {
    const columns = this.#columns;
    this.#columns = [];
    this.#numbers.clear();
    this.#bytes = 0;
    return columns;
  }
}

const PART = 4096;

/** All of the bytes, as a text that a map takes for a key. */
function keyOf(column: Uint8Array, count: number): string {
  let key = `${count} `;
  for (let at = 0; at < column.length; at += PART) {
    key += String.fromCharCode(...column.subarray(at, at + PART));
  }
  return key;
}
