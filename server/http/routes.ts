import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { RequestFailure } from './statuses.ts';

export type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

const METHODS: readonly HTTPMethods[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * Adds a route for some methods and answers all others with 405. Clients depend on that: Grafana's backend
 * tries POST on everything and goes back to GET only on 405 or 400. The refusal comes before the
 * body is read, whatever its type.
 */
export function route(
  app: FastifyInstance,
  methods: readonly ('GET' | 'POST')[],
  url: string,
  handler: Handler,
  options: { readonly bodyLimit?: number } = {},
): void {
  app.route({ method: [...methods], url, handler, ...options });
  const others = METHODS.filter((method) => !methods.some((allowed) => allowed === method));
  app.route({
    method: others,
    url,
    onRequest(request, reply, done) {
      void reply.header('allow', methods.join(', '));
      const why = `${request.method} is not allowed here: use ${methods.join(' or ')}`;
      done(new RequestFailure('method-not-allowed', why));
    },
    // Never reached: the hook above has already answered.
    handler: () => '',
  });
}

const JSON_TYPE = 'application/json';

/** Sends text that is JSON already. */
export function sendJson(reply: FastifyReply, json: string): FastifyReply {
  return reply.type(JSON_TYPE).send(json);
}
