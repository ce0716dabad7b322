import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { LiveRequest } from '../live.ts';
import type { Instance } from '../services.ts';
import { service } from './ready.ts';
import { route } from './routes.ts';
import { RequestFailure } from './statuses.ts';

export const LIVE_URL = '/api/nephoscope/v1/live';

/** Live values as a stream of JSON lines that lasts until the page leaves. */
export function liveRoute(app: FastifyInstance, instance: Instance): void {
  route(app, ['POST'], LIVE_URL, (request, reply) => {
    const live = service(instance, 'live');
    const wanted = readRequest(request.body);
    const { raw } = reply;
    const leave = live.subscribe(wanted, {
      // A line that comes between the end of the connection and the news of it has no reader.
      write: (line) => void (raw.destroyed || raw.write(line)),
      get bytesWaiting() {
        return raw.writableLength;
      },
      // Destroyed rather than ended: an end would wait for the reader who does not read.
      end: () => (raw.writableLength === 0 ? raw.end() : raw.destroy()),
    });
    raw.once('close', leave);
    raw.on('error', leave);
    startStream(request, reply);
    return reply;
  });
}

function startStream(request: FastifyRequest, reply: FastifyReply): void {
  // From here on the answer is ours: the framework must not end it.
  reply.hijack();
  const headers = Object.entries(reply.getHeaders());
  for (const [name, value] of headers) if (value !== undefined) reply.raw.setHeader(name, value);
  reply.raw.setHeader('content-type', 'application/x-ndjson');
  reply.raw.setHeader('x-accel-buffering', 'no');
  reply.raw.writeHead(200);
  reply.raw.flushHeaders();
  request.raw.socket.setNoDelay?.(true);
}

function readRequest(body: unknown): LiveRequest {
  const { panels, intervalMs = 1000 } = record(body, 'the body');
  if (!Array.isArray(panels)) throw bad('"panels" must be a list');
  if (typeof intervalMs !== 'number') throw bad('"intervalMs" must be a number');
  return {
    intervalMs,
    panels: panels.map((panel: unknown) => {
      const { id, query } = record(panel, 'a panel');
      if (typeof id !== 'string' || typeof query !== 'string') {
        throw bad('a panel needs "id" and "query" as texts');
      }
      return { id, query };
    }),
  };
}

function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (
    typeof value !== 'object' ||
    value === null ||
    Array.isArray(value) ||
    value instanceof Uint8Array
  ) {
    throw bad(`${what} must be a JSON object`);
  }
  return value as Readonly<Record<string, unknown>>;
}

function bad(message: string): RequestFailure {
  return new RequestFailure('bad_data', message);
}
