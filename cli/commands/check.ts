import { nodePlatform } from '../../platform/node.ts';
import { explainConfig } from '../../server/config.ts';
import { readFlags } from '../flags.ts';
import { loadFrom } from './load.ts';

/** Prints every setting with its value, where that came from, and what it means. */
export async function check(args: readonly string[]): Promise<number> {
  const config = await loadFrom(readFlags(args), nodePlatform({ logLevel: 'silent' }));
  process.stdout.write(explainConfig(config));
  return 0;
}
