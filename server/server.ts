import { messageOf } from '../model/failure.ts';
import { createBodyDecoder } from '../ingest/formats.ts';
import { KnownMetadata } from '../ingest/known-metadata.ts';
import { withDeadline } from '../platform/clock.ts';
import {
  composeAlerter,
  composeCollector,
  composeIngest,
  composeQuerier,
  composeStore,
  ingestLimits,
} from './compose.ts';
import type { Config } from './config.ts';
import { listen } from './http/listen.ts';
import { createInventory } from './inventory.ts';
import { LiveQueries } from './live.ts';
import { partsOf } from './roles.ts';
import type { Instance, Phase, ServerPlatform, Services } from './services.ts';

export type { ServerPlatform } from './services.ts';

/** A running Nephoscope. */
export interface Server {
  readonly url: string;
  /** Ends everything within 10 s, what was accepted is on disk. May be called again. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** Where the built dashboard is; without it, none is served. */
  readonly dashboardDirectory?: string;
}

/** Each part may take this long to stop; together they stay below ten seconds. */
const STOP_MS_MAX = 2200;
const PROGRESS_EVERY_MS = 2000;

/**
 * Starts the parts that the roles ask for, in the order in which samples flow, with HTTP in front: it
 * answers 503 with the progress until all parts run. Fails with a `Failure` that says what to do, after
 * having stopped again what was started.
 */
export async function startServer(
  config: Config,
  platform: ServerPlatform,
  options: ServerOptions = {},
): Promise<Server> {
  const { settings } = config;
  const { clock } = platform;
  const log = platform.log.component('server');
  const parts = partsOf(settings['server.roles']);
  const stops: { readonly name: string; readonly stop: () => Promise<void> }[] = [];
  let phase: Phase = { kind: 'starting', progress: 'opening the store' };
  let services: Services | undefined;
  const instance: Instance = {
    config,
    platform,
    parts,
    startedMs: Math.floor(clock.now()),
    metadata: new KnownMetadata(),
    decoder: createBodyDecoder(ingestLimits(settings)),
    dashboardDirectory: options.dashboardDirectory,
    phase: () => phase,
    reload: async () => {
      await services?.alerter?.reload();
      log.info('reloaded');
    },
  };
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> =>
    (stopped ??= (async () => {
      phase = { kind: 'stopping' };
      for (const part of stops.reverse()) await stopWithin(part);
    })());
  const stopWithin = async (part: (typeof stops)[number]): Promise<void> => {
    try {
      await withDeadline(clock, STOP_MS_MAX, `stopping the ${part.name}`, () => part.stop());
    } catch (thrown) {
      log.error('a part did not stop cleanly', { part: part.name, error: messageOf(thrown) });
    }
  };

  let toldAt = clock.monotonic();
  const progress = (step: string, done: number): void => {
    const text = `${step} (${Math.floor(done * 100)} %)`;
    phase = { kind: 'starting', progress: text };
    if (clock.monotonic() - toldAt < PROGRESS_EVERY_MS) return;
    toldAt = clock.monotonic();
    log.info('starting', { progress: text });
  };

  const http = await listen(instance, settings['server.listen']);
  log.info('listening', { url: http.url });
  try {
    const store = parts.store ? await composeStore(settings, platform, progress) : undefined;
    if (store) stops.push({ name: 'store', stop: () => store.close() });
    const querier = store && parts.querier ? composeQuerier(settings, store, platform) : undefined;
    // The alerter writes, too, and the gate costs nothing while it is not used.
    const ingest = store ? composeIngest(settings, store, platform) : undefined;
    const isCollecting = parts.collector && settings['collector.enabled'];
    const collector =
      ingest && isCollecting ? composeCollector(settings, ingest, platform) : undefined;
    if (collector) stops.push({ name: 'collector', stop: () => collector.stop() });
    const alerter =
      querier && ingest && parts.alerter
        ? await composeAlerter(config, querier, ingest, http.url, platform)
        : undefined;
    if (alerter) stops.push({ name: 'alerter', stop: () => alerter.stop() });
    const live = querier && parts.read ? new LiveQueries(querier, platform) : undefined;
    const inventory =
      store && querier && parts.read ? createInventory(store, querier, clock) : undefined;
    services = {
      store,
      querier: parts.read ? querier : undefined,
      inventory,
      live,
      ingest: parts.write ? ingest : undefined,
      collector,
      alerter,
    };
    stops.push({
      name: 'HTTP server',
      async stop() {
        live?.stop();
        await http.stop();
      },
    });
    phase = { kind: 'ready', services };
    log.info('ready', { url: http.url, roles: settings['server.roles'] });
  } catch (thrown) {
    await stop();
    await http.stop();
    throw thrown;
  }
  return { url: http.url, stop };
}
