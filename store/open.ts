import { openEmbeddedStore } from './embedded/database.ts';
import type { StoreOptions, StorePlatform } from './options.ts';
import type { Store } from './store.ts';

export type { StoreOptions, StorePlatform } from './options.ts';

/** Opens the store, recovering what a crash left; resolves when it reads and writes. */
export function openStore(options: StoreOptions, platform: StorePlatform): Promise<Store> {
  return openEmbeddedStore(options, platform);
}
