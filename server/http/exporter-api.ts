import type { FastifyInstance } from 'fastify';
import { EXPOSITION_TYPE } from '../../collector/exposition.ts';
import type { Instance } from '../services.ts';
import { service } from './ready.ts';
import { route } from './routes.ts';

/** What the collector reads, for any Prometheus that scrapes us in an exporter's place. */
export function exporterRoutes(app: FastifyInstance, instance: Instance): void {
  route(app, ['GET'], '/exporter/node', (_, reply) =>
    reply.type(EXPOSITION_TYPE).send(service(instance, 'collector').hostExposition()),
  );
}
