/**
 * The names in a store's directory:
 *
 *   FORMAT               which version wrote here
 *   journal-0000000042   a journal segment
 *   block-0000000007     a block
 *   *.new                being written; removed at start
 *   *.damaged            set aside: unreadable, kept for a person to look at
 *
 * Numbers only rise, and one that was ever seen in the directory is not given out again.
 */
export const FORMAT_FILE = 'FORMAT';

export type FileKind = 'journal' | 'block';

export interface StoreFileName {
  readonly kind: FileKind;
  readonly number: number;
  readonly state: 'whole' | 'new' | 'damaged';
}

export function fileName(kind: FileKind, number: number): string {
  return `${kind}-${String(number).padStart(10, '0')}`;
}

const SHAPE = /^(journal|block)-(\d{10})(?:\.(new|damaged))?$/;

/** Undefined for a name that is not ours. */
export function parseFileName(name: string): StoreFileName | undefined {
  const parts = SHAPE.exec(name);
  if (!parts) return undefined;
  return {
    kind: parts[1] as FileKind,
    number: Number(parts[2]),
    state: (parts[3] as 'new' | 'damaged' | undefined) ?? 'whole',
  };
}
