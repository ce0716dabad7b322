import type { FastifyInstance } from 'fastify';
import { WITHIN_MS_MAX } from '../inventory.ts';
import type { Instance } from '../services.ts';
import { rfc3339 } from '../time-text.ts';
import { VERSION } from '../version.ts';
import { liveRoute } from './live-route.ts';
import { OPENAPI } from './openapi.ts';
import { Parameters, bad } from './parameters.ts';
import { service } from './ready.ts';
import { route, sendJson } from './routes.ts';

const WITHIN_MS = 3_600_000;

/** Our own API: what the dashboard needs beyond the Prometheus one. */
export function nephoscopeRoutes(app: FastifyInstance, instance: Instance): void {
  route(app, ['GET'], '/api/nephoscope/v1/inventory', async (request, reply) => {
    const withinMs = new Parameters(request).duration('within', WITHIN_MS);
    if (withinMs > WITHIN_MS_MAX) throw bad('within', 'must be 7d at most');
    const inventory = await service(instance, 'inventory').read(withinMs);
    return sendJson(reply, JSON.stringify(inventory));
  });
  route(app, ['GET'], '/api/nephoscope/v1/status', (_, reply) =>
    sendJson(reply, JSON.stringify(status(instance))),
  );
  const openapi = JSON.stringify(OPENAPI);
  route(app, ['GET'], '/api/nephoscope/v1/openapi.json', (_, reply) => sendJson(reply, openapi));
  liveRoute(app, instance);
}

/** For the foot of a page: answers in every phase. */
function status(instance: Instance): unknown {
  const { platform, config, startedMs } = instance;
  const nowMs = Math.floor(platform.clock.now());
  const phase = instance.phase();
  const services = phase.kind === 'ready' ? phase.services : undefined;
  const store = services?.store?.stats();
  const collector = services?.collector?.status();
  return {
    version: VERSION,
    phase: phase.kind,
    progress: phase.kind === 'starting' ? phase.progress : null,
    nowMs,
    startedAt: rfc3339(startedMs),
    uptimeSeconds: Math.floor((nowMs - startedMs) / 1000),
    roles: config.settings['server.roles'],
    store: store
      ? {
          liveSeries: store.liveSeries,
          samplesAppended: store.samplesAppended,
          diskBytes: store.diskBytes,
          blocks: store.blocks,
          oldestMs: store.oldestMs ?? null,
          newestMs: store.newestMs ?? null,
          dataAgeMs: services?.arrivals?.ageMs() ?? null,
        }
      : null,
    collector: collector
      ? {
          instance: collector.instance,
          intervalMs: collector.intervalMs,
          samplesDelivered: collector.delivery.samplesDelivered,
          samplesDropped: collector.delivery.samplesDropped,
          failing: collector.delivery.failing ?? null,
          sources: collector.sources.map(({ name, state, error }) => ({
            name,
            state,
            error: error ?? null,
          })),
        }
      : null,
    alerts: services?.alerter
      ? { firing: services.alerter.alerts().filter(({ state }) => state === 'firing').length }
      : null,
    live: { connections: services?.live?.connections ?? 0 },
  };
}
