import { fastify } from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { messageOf } from '../../model/failure.ts';
import { encodeFailure } from '../../query/wire.ts';
import type { Instance } from '../services.ts';
import { limitConnections } from './connections.ts';
import { exporterRoutes } from './exporter-api.ts';
import { healthRoutes } from './health.ts';
import { LIVE_URL } from './live-route.ts';
import { metricsRoute } from './metrics.ts';
import { nephoscopeRoutes } from './nephoscope-api.ts';
import { prometheusRoutes } from './prometheus-api.ts';
import { rulesRoutes } from './rules-api.ts';
import { guard } from './security.ts';
import { staticRoutes } from './static.ts';
import { statusRoutes } from './status-api.ts';
import { answerTo } from './statuses.ts';
import { writeRoutes } from './write.ts';

/** Forms and JSON; pushed bodies have limits of their own. */
const BODY_BYTES_MAX = 1024 * 1024;
const HEADER_BYTES_MAX = 16 * 1024;
/**
 * Request headers, and the whole request with its body, must be complete within this. Connections are
 * looked at once a second and closed in good order, which was measured to add three seconds: slow
 * senders are gone within ten.
 */
const HEADERS_MS_MAX = 4000;
const REQUEST_MS_MAX = 6000;
/** A connection without traffic for this long is closed; a query that takes longer extends it. */
const SILENCE_MS_MAX = 90_000;
const LABEL_NAME_CHARACTERS_MAX = 4096;

/** The whole HTTP side, not listening yet. */
export async function createApp(instance: Instance): Promise<FastifyInstance> {
  const { config, platform } = instance;
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    connectionTimeout: Math.max(SILENCE_MS_MAX, config.settings['query.timeout'] * 2),
    keepAliveTimeout: SILENCE_MS_MAX,
    forceCloseConnections: 'idle',
    http: {
      headersTimeout: HEADERS_MS_MAX,
      connectionsCheckingInterval: 1000,
      maxHeaderSize: HEADER_BYTES_MAX,
    },
    routerOptions: { maxParamLength: LABEL_NAME_CHARACTERS_MAX },
    frameworkErrors: (error, request, reply) => {
      sendFailure(instance, error, request, reply);
    },
  });
  limitConnections(app, platform.clock);
  readBodies(app);
  guard(app, config.settings);
  countRequests(app, instance);
  app.setErrorHandler((thrown, request, reply) => sendFailure(instance, thrown, request, reply));
  healthRoutes(app, instance);
  metricsRoute(app, instance);
  exporterRoutes(app, instance);
  await writeRoutes(app, instance);
  prometheusRoutes(app, instance);
  rulesRoutes(app, instance);
  statusRoutes(app, instance);
  nephoscopeRoutes(app, instance);
  await staticRoutes(app, instance);
  return app;
}

/** Forms become parameters, JSON becomes values (a key `__proto__` is refused), all else stays bytes. */
function readBodies(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_, body, done) => done(null, new URLSearchParams(String(body))),
  );
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body));
}

function countRequests(app: FastifyInstance, { platform }: Instance): void {
  const seconds = platform.telemetry.histogram(
    'nephoscope_server_request_seconds',
    'How long requests took, by the route and the status of the answer.',
    { labelNames: ['route', 'status'] },
  );
  app.addHook('onResponse', (request, reply, done) => {
    // How long a page stays open is not how long an answer took.
    if (request.routeOptions.url === LIVE_URL) {
      done();
      return;
    }
    seconds.observe(reply.elapsedTime / 1000, {
      route: request.routeOptions.url ?? 'page',
      status: String(reply.statusCode),
    });
    done();
  });
}

/** Tells a failure in the form of the API that was asked; what nobody planned for goes to the log only. */
function sendFailure(
  { platform }: Instance,
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, errorType, message, retryAfterSeconds, isBug } = answerTo(thrown);
  if (isBug) {
    platform.log.component('server').error('a request failed', {
      method: request.method,
      route: request.routeOptions.url ?? '',
      error: messageOf(thrown),
      stack: thrown instanceof Error ? thrown.stack : undefined,
    });
  }
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', String(retryAfterSeconds));
  void reply.code(status);
  const path = request.url.split('?', 1)[0]!;
  const isApi = path.startsWith('/api/') && path !== '/api/v1/write';
  return isApi
    ? reply.type('application/json').send(encodeFailure(errorType, message))
    : reply.type('text/plain').send(`${message}\n`);
}
