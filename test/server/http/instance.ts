// The HTTP side over a store in memory and a clock that stands still: everything is asked without a socket.
import type { FastifyInstance } from 'fastify';
import type { Alerter } from '../../../alerter/alerter.ts';
import { createBodyDecoder } from '../../../ingest/formats.ts';
import { KnownMetadata } from '../../../ingest/known-metadata.ts';
import { metric } from '../../../model/labels.ts';
import type { LogFields } from '../../../platform/log.ts';
import { SILENT } from '../../../platform/log.ts';
import { nodePlatform } from '../../../platform/node.ts';
import { DEFAULT_QUERIER_OPTIONS, openQuerier } from '../../../query/open.ts';
import { composeIngest, ingestLimits } from '../../../server/compose.ts';
import { loadConfig } from '../../../server/config.ts';
import type { Assignment } from '../../../server/config.ts';
import { createApp } from '../../../server/http/app.ts';
import { createInventory } from '../../../server/inventory.ts';
import { LiveQueries } from '../../../server/live.ts';
import { partsOf } from '../../../server/roles.ts';
import type { Instance, Phase, Services } from '../../../server/services.ts';
import type { Store } from '../../../store/store.ts';
import { MemoryStore } from '../memory-store.ts';
import { TurnedClock } from '../turned-clock.ts';

export const NOW_MS = 1_700_000_000_000;

export interface HttpBench {
  readonly app: FastifyInstance;
  readonly store: MemoryStore;
  readonly clock: TurnedClock;
  readonly errors: LogFields[];
  phase: Phase;
  reload: () => Promise<void>;
}

export async function httpBench(
  options: {
    readonly settings?: Readonly<Record<string, string>>;
    readonly alerter?: Partial<Alerter>;
    readonly store?: Partial<Store>;
    readonly dashboardDirectory?: string;
  } = {},
): Promise<HttpBench> {
  const assignments = Object.entries(options.settings ?? {}).map(([key, value]): Assignment => ({
    key,
    value,
    flag: '--set',
  }));
  const config = loadConfig({ assignments });
  const { settings } = config;
  const clock = new TurnedClock(NOW_MS);
  const errors: LogFields[] = [];
  const log = {
    ...SILENT,
    component: () => ({
      ...SILENT,
      error: (_: string, fields?: LogFields) => errors.push(fields ?? {}),
    }),
  };
  const platform = { ...nodePlatform({ logLevel: 'silent' }), clock, log };
  const store = new MemoryStore();
  store.add(metric('up', { job: 'node', instance: 'a' }), [[NOW_MS - 1000, 1]]);
  store.add(metric('up', { job: 'node', instance: 'b' }), [[NOW_MS - 1000, 0]]);
  store.add(metric('load', { job: 'node' }), [[NOW_MS - 1000, 0.5]]);
  const reader: Store = { ...bound(store), ...options.store };
  const querier = openQuerier(DEFAULT_QUERIER_OPTIONS, reader, platform);
  const parts = partsOf(settings['server.roles']);
  const ingest = composeIngest(settings, reader, platform);
  const services: Services = {
    store: reader,
    querier: parts.read ? querier : undefined,
    inventory: createInventory(reader, querier, clock),
    live: new LiveQueries(querier, platform),
    ingest: parts.write ? ingest : undefined,
    arrivals: ingest,
    collector: undefined,
    alerter: options.alerter as Alerter | undefined,
  };
  const bench = {
    store,
    clock,
    errors,
    phase: { kind: 'ready', services } as Phase,
    reload: () => Promise.resolve(),
  };
  const instance: Instance = {
    config,
    platform,
    parts,
    startedMs: NOW_MS - 60_000,
    metadata: new KnownMetadata(),
    decoder: createBodyDecoder(ingestLimits(settings)),
    dashboardDirectory: options.dashboardDirectory,
    phase: () => bench.phase,
    reload: () => bench.reload(),
  };
  return Object.assign(bench, { app: await createApp(instance) });
}

/** The methods of a store as own properties, so that single ones can be replaced. */
function bound(store: MemoryStore): Store {
  return {
    append: (batch) => store.append(batch),
    select: (request) => store.select(request),
    series: (request) => store.series(request),
    labelNames: (request) => store.labelNames(request),
    labelValues: (label, request) => store.labelValues(label, request),
    stats: () => store.stats(),
    close: () => store.close(),
  };
}
