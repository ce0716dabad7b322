import type { DataFile } from '../../platform/files.ts';

/** Places this near each other are fetched by one read: a gap costs less than a second call. */
const GAP_BYTES_MAX: number = 16 * 1024;
const READ_BYTES_MAX: number = 1024 * 1024;

export interface FoundPlace {
  readonly row: number;
  /** Shorter where the file ends early. */
  readonly bytes: Uint8Array;
}

/** Gives bytes from an offset, fewer at the end of the file. */
export type Fetch = (start: number, count: number) => Promise<Uint8Array>;

/**
 * Reads the places with these rows, which ascend with their offsets, in as few calls as is sensible. `visit`
 * gets what one call brought.
 */
export async function readPlaces(
  file: DataFile | Fetch,
  table: {
    readonly offsets: Float64Array;
    readonly lengths: Uint32Array;
    readonly rows: readonly number[];
  },
  visit: (found: readonly FoundPlace[]) => void | Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const { offsets, lengths, rows } = table;
  const fetch =
    typeof file === 'function'
      ? file
      : (start: number, count: number): Promise<Uint8Array> => read(file, start, count);
  for (let from = 0; from < rows.length;) {
    const start = offsets[rows[from]!]!;
    let to = from + 1;
    let end = start + lengths[rows[from]!]!;
    for (; to < rows.length; to++) {
      const next = offsets[rows[to]!]!;
      const nextEnd = next + lengths[rows[to]!]!;
      if (next - end > GAP_BYTES_MAX || nextEnd - start > READ_BYTES_MAX) break;
      end = nextEnd;
    }
    signal?.throwIfAborted();
    const bytes = await fetch(start, end - start);
    const found: FoundPlace[] = [];
    for (; from < to; from++) {
      const row = rows[from]!;
      const at = offsets[row]! - start;
      found.push({ row, bytes: bytes.subarray(at, at + lengths[row]!) });
    }
    await visit(found);
  }
}

async function read(file: DataFile, start: number, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  return bytes.subarray(0, await file.readAt(start, bytes));
}
