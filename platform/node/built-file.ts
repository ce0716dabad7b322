import { readFile } from 'node:fs/promises';

/** Where the build puts what it makes; beside us when we were compiled, too. */
const DIST = new URL(import.meta.url.endsWith('.ts') ? '../../dist/' : '../../', import.meta.url);

/** A file that the build made, by its path below `dist`. */
export async function builtFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(new URL(path, DIST));
  } catch (thrown) {
    throw new Error(`${new URL(path, DIST).pathname} cannot be read: npm run build makes it`, {
      cause: thrown,
    });
  }
}
