import type { NodePlatform } from '../../platform/node.ts';
import { ConfigFailure, loadConfig, messageOf } from '../../server/config.ts';
import type { Config } from '../../server/config.ts';
import type { ServeFlags } from '../flags.ts';

const FILE_BYTES_MAX = 1024 * 1024;

/** The configuration of flags and file together. Fails with a `ConfigFailure`. */
export async function loadFrom(flags: ServeFlags, { files }: NodePlatform): Promise<Config> {
  const { configPath: path, assignments } = flags;
  if (path === undefined) return loadConfig({ assignments });
  let bytes: Uint8Array;
  try {
    bytes = await files.readAll(path, FILE_BYTES_MAX);
  } catch (thrown) {
    throw new ConfigFailure(`--config: ${messageOf(thrown)}`, { cause: thrown });
  }
  return loadConfig({ file: { path, content: new TextDecoder().decode(bytes) }, assignments });
}
