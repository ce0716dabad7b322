import { messageOf } from '../model/failure.ts';
import { createBodyDecoder } from '../ingest/formats.ts';
import type { BodyDecoder } from '../ingest/formats.ts';
import { KnownMetadata } from '../ingest/known-metadata.ts';
import { withDeadline } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
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
import type { Parts } from './roles.ts';
import type { Instance, Phase, ServerPlatform, Services } from './services.ts';

export type { ServerPlatform } from './services.ts';

/** A running Nephoscope. */
export interface Server {
  readonly url: string;
  /**
   * Reads the rule files anew; other settings need a restart. Rejects when that fails, which the log then
   * tells: the former rules go on.
   */
  reload(): Promise<void>;
  /** Ends everything within 10 s; what was accepted is on disk. May be called again. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** Where the built dashboard is; without it, none is served. */
  readonly dashboardDirectory?: string;
}

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
  const running = new Running(config, platform, options.dashboardDirectory);
  const http = await listen(running, config.settings['server.listen']);
  running.log.info('listening', { url: http.url });
  try {
    const services = await startParts(running, http.url);
    running.whenStopped('HTTP server', async () => {
      services.live?.stop();
      await http.stop();
    });
    running.ready(services);
  } catch (thrown) {
    await running.stop();
    await http.stop();
    throw thrown;
  }
  running.log.info('ready', { url: http.url, roles: config.settings['server.roles'] });
  return { url: http.url, reload: () => running.reload(), stop: () => running.stop() };
}

async function startParts(running: Running, url: string): Promise<Services> {
  const { config, platform, parts } = running;
  const { settings } = config;

  const progress = (step: string, done: number): void => running.progress(step, done);
  const store = parts.store ? await composeStore(settings, platform, progress) : undefined;
  if (store) running.whenStopped('store', () => store.close());

  const reading =
    store && parts.read ? { store, querier: composeQuerier(settings, store, platform) } : undefined;

  // The collector and the alerter write through the gate, too, whether or not others may.
  const ingest = store && composeIngest(settings, store, platform);

  const isCollecting = parts.collector && settings['collector.enabled'];
  const collector =
    ingest && isCollecting ? composeCollector(settings, ingest, platform) : undefined;
  if (collector) running.whenStopped('collector', () => collector.stop());

  // Rules have a querier of their own: they never wait in a queue behind people's queries.
  const alerter =
    store && ingest && parts.alerter
      ? await composeAlerter(
          config,
          composeQuerier(settings, store, platform),
          ingest,
          url,
          platform,
        )
      : undefined;
  if (alerter) running.whenStopped('alerter', () => alerter.stop());

  return {
    store,
    querier: reading?.querier,
    inventory: reading && createInventory(reading.store, reading.querier, platform.clock),
    live: reading && new LiveQueries(reading.querier, platform),
    ingest: parts.write ? ingest : undefined,
    arrivals: ingest,
    collector,
    alerter,
  };
}

/** Each part may take this long to stop: together they stay below ten seconds. */
const STOP_MS_MAX = 2200;
const PROGRESS_EVERY_MS = 2000;

/** What of the process changes while it lives: its phase, and what is to be stopped in the end. */
class Running implements Instance {
  readonly config: Config;
  readonly platform: ServerPlatform;
  readonly parts: Parts;
  readonly startedMs: number;
  readonly metadata = new KnownMetadata();
  readonly decoder: BodyDecoder;
  readonly dashboardDirectory: string | undefined;
  readonly log: Log;
  #phase: Phase = { kind: 'starting', progress: 'opening the store' };
  #toldAt: number;
  readonly #stops: { readonly name: string; readonly stop: () => Promise<void> }[] = [];
  #stopped: Promise<void> | undefined;

  constructor(config: Config, platform: ServerPlatform, dashboardDirectory: string | undefined) {
    this.config = config;
    this.platform = platform;
    this.parts = partsOf(config.settings['server.roles']);
    this.startedMs = Math.floor(platform.clock.now());
    this.decoder = createBodyDecoder(ingestLimits(config.settings));
    this.dashboardDirectory = dashboardDirectory;
    this.log = platform.log.component('server');
    this.#toldAt = platform.clock.monotonic();
  }

  phase(): Phase {
    return this.#phase;
  }

  async reload(): Promise<void> {
    if (this.#phase.kind !== 'ready') return;
    try {
      await this.#phase.services.alerter?.reload();
    } catch (thrown) {
      // Told here, once for all who can ask for it; they only answer.
      this.log.error('reloading failed: the former rules go on', { error: messageOf(thrown) });
      throw thrown;
    }
    this.log.info('rule files reloaded');
  }

  progress(step: string, done: number): void {
    const text = `${step} (${Math.floor(done * 100)} %)`;
    this.#phase = { kind: 'starting', progress: text };
    const now = this.platform.clock.monotonic();
    if (now - this.#toldAt < PROGRESS_EVERY_MS) return;
    this.#toldAt = now;
    this.log.info('starting', { progress: text });
  }

  ready(services: Services): void {
    this.#phase = { kind: 'ready', services };
  }

  /** What is named last stops first. */
  whenStopped(name: string, stop: () => Promise<void>): void {
    this.#stops.push({ name, stop });
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  async #stopAll(): Promise<void> {
    this.#phase = { kind: 'stopping' };
    for (const { name, stop } of this.#stops.reverse()) {
      try {
        await withDeadline(this.platform.clock, STOP_MS_MAX, `stopping the ${name}`, () => stop());
      } catch (thrown) {
        this.log.error('a part did not stop cleanly', { part: name, error: messageOf(thrown) });
      }
    }
  }
}
