import type { FastifyInstance } from 'fastify';
import type { Instance } from '../services.ts';
import { route } from './routes.ts';

/** What we count about ourselves. Answers while starting, too: that is when one wants to look. */
export function metricsRoute(app: FastifyInstance, { platform }: Instance): void {
  route(app, ['GET'], '/metrics', async (_, reply) =>
    reply.type(platform.metricsContentType).send(await platform.metrics()),
  );
}
