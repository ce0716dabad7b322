import { nodePlatform } from '../../platform/node.ts';
import { checkRules, explainConfig } from '../../server/config.ts';
import { readFlags } from '../flags.ts';
import { loadFrom } from './load.ts';

/**
 * Prints every setting with its value, where that came from, and what it means. Whatever would keep `serve`
 * from starting with them is told in the same words, rule files included.
 */
export async function check(args: readonly string[]): Promise<number> {
  const flags = readFlags(args);
  const platform = nodePlatform({ logLevel: flags.logLevel });
  const config = await loadFrom(flags, platform);
  process.stdout.write(explainConfig(config));
  await checkRules(config, platform);
  return 0;
}
