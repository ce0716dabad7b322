import { isNotFound } from '../platform/files.ts';
import type { Files } from '../platform/files.ts';

/** The directory of the built pages, given as a URL; undefined when they have not been built. */
export async function builtDashboard(
  url: URL,
  { list }: Pick<Files, 'list'>,
): Promise<string | undefined> {
  // In the path of a URL a space is `%20`.
  const directory = decodeURIComponent(url.pathname);
  try {
    return (await list(directory)).includes('index.html') ? directory : undefined;
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined;
    throw thrown;
  }
}
