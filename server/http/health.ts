import type { FastifyInstance } from 'fastify';
import { messageOf } from '../../model/failure.ts';
import type { Instance } from '../services.ts';
import { services } from './ready.ts';
import { route } from './routes.ts';
import { RequestFailure } from './statuses.ts';

export function healthRoutes(app: FastifyInstance, instance: Instance): void {
  route(app, ['GET'], '/-/healthy', (_, reply) =>
    reply.type('text/plain').send('Nephoscope is healthy.\n'),
  );
  route(app, ['GET'], '/-/ready', (_, reply) => {
    services(instance);
    return reply.type('text/plain').send('Nephoscope is ready.\n');
  });
  route(app, ['POST'], '/-/reload', async (_, reply) => {
    const { alerter } = services(instance);
    try {
      await instance.reload();
    } catch (thrown) {
      throw new RequestFailure('bad-reload', `nothing was changed: ${messageOf(thrown)}`, {
        cause: thrown,
      });
    }
    const rules = alerter ? 'Rule files reloaded.' : 'No rule files are used: the alerter is off.';
    return reply
      .type('text/plain')
      .send(`${rules} Other settings are read at the start: restart to change them.\n`);
  });
}
