import { readAllIfThere, replaceFile } from '../../platform/files.ts';
import type { Files } from '../../platform/files.ts';
import type { Log } from '../../platform/log.ts';
import { crc32c } from './crc32c.ts';
import { FORMAT_FILE } from './filenames.ts';
import { newerFormat } from './journal-reader.ts';

/** Of the directory as a whole; journal segments and blocks carry their own. */
export const STORE_FORMAT = 1;

const SHAPE = /^nephoscope store format (\d{1,6}) ([0-9a-f]{8})\n$/;
const FILE_BYTES_MAX = 256;

const encoder = new TextEncoder();

/**
 * Makes sure that we know the format of the directory, and says in it which one we write. Fails with
 * `newer-format` when a newer program was here. A file that does not vouch for itself by its checksum is
 * replaced: each data file carries its own version, so that a damaged sector does not keep a store shut.
 * Answers whether the directory is new.
 */
export async function checkFormat(files: Files, directory: string, log: Log): Promise<boolean> {
  const path = `${directory}/${FORMAT_FILE}`;
  const bytes = await readAllIfThere(files, path, FILE_BYTES_MAX);
  const version = bytes && readFormat(bytes);
  if (version !== undefined) {
    if (version > STORE_FORMAT) throw newerFormat(path, version);
    return false;
  }
  if (bytes) log.warn('the format file was damaged and is written again', { file: path });
  await replaceFile(files, directory, FORMAT_FILE, formatBytes(STORE_FORMAT));
  return bytes === undefined;
}

export function formatBytes(version: number): Uint8Array {
  const words = `nephoscope store format ${version}`;
  const crc = crc32c(encoder.encode(words)).toString(16).padStart(8, '0');
  return encoder.encode(`${words} ${crc}\n`);
}

/** Undefined when the text is not one that we wrote. */
export function readFormat(bytes: Uint8Array): number | undefined {
  const text = String.fromCharCode(...bytes.subarray(0, FILE_BYTES_MAX));
  const parts = SHAPE.exec(text);
  if (!parts) return undefined;
  const version = Number(parts[1]);
  const expected = formatBytes(version);
  const isSame = bytes.length === expected.length && bytes.every((byte, i) => byte === expected[i]);
  return isSame ? version : undefined;
}
