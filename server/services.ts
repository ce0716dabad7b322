import type { Alerter } from '../alerter/alerter.ts';
import type { Collector } from '../collector/collector.ts';
import type { BodyDecoder } from '../ingest/formats.ts';
import type { Ingest } from '../ingest/ingest.ts';
import type { KnownMetadata } from '../ingest/known-metadata.ts';
import type { Platform } from '../platform/platform.ts';
import type { Querier } from '../query/query.ts';
import type { Store } from '../store/store.ts';
import type { Config } from './config.ts';
import type { InventoryReader } from './inventory.ts';
import type { LiveQueries } from './live.ts';
import type { Parts } from './roles.ts';
import type { WatchedIngest } from './watched-ingest.ts';

/** The world, our own metrics as text, which only the server shows, and what the store is made with. */
export interface ServerPlatform extends Platform {
  metrics(): Promise<string>;
  readonly metricsContentType: string;
  /** The store's compiled kernel. */
  storeKernel(): Promise<Uint8Array>;
}

/** The parts of a running process; undefined where no role needs them. */
export interface Services {
  readonly store: Store | undefined;
  readonly querier: Querier | undefined;
  readonly inventory: InventoryReader | undefined;
  readonly live: LiveQueries | undefined;
  readonly ingest: Ingest | undefined;
  /** When samples came last, whether or not others may write. */
  readonly arrivals: Pick<WatchedIngest, 'ageMs'> | undefined;
  readonly collector: Collector | undefined;
  readonly alerter: Alerter | undefined;
}

export type Phase =
  | { readonly kind: 'starting'; readonly progress: string }
  | { readonly kind: 'ready'; readonly services: Services }
  | { readonly kind: 'stopping' };

/** What the HTTP side knows of the process it belongs to. */
export interface Instance {
  readonly config: Config;
  readonly platform: ServerPlatform;
  readonly parts: Parts;
  readonly startedMs: number;
  readonly metadata: KnownMetadata;
  readonly decoder: BodyDecoder;
  /** Where the built dashboard is; undefined: none is served. */
  readonly dashboardDirectory: string | undefined;
  phase(): Phase;
  /** Reads again what can be read again (rule files). Rejects, and changes nothing, when that fails. */
  reload(): Promise<void>;
}
