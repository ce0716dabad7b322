import type { FastifyInstance } from 'fastify';
import type { DecodedBody } from '../../ingest/formats.ts';
import type { Acceptance } from '../../ingest/ingest.ts';
import type { Instance } from '../services.ts';
import { service } from './ready.ts';
import { route } from './routes.ts';

/** Samples that others push. Answers are plain text, as senders log them. */
export async function writeRoutes(app: FastifyInstance, instance: Instance): Promise<void> {
  const { settings } = instance.config;
  await app.register((scope, _, done) => {
    // Whatever a body claims to be, it is bytes here: the table of formats decides.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, parsed) => parsed(null, body));
    addRoute(scope, instance, settings['ingest.body_bytes_max']);
    done();
  });
}

function addRoute(app: FastifyInstance, instance: Instance, bodyLimit: number): void {
  route(
    app,
    ['POST'],
    '/api/v1/write',
    async (request, reply) => {
      const ingest = service(instance, 'ingest');
      const body = request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
      const { decoder, metadata } = instance;
      const description = {
        contentType: request.headers['content-type'],
        contentEncoding: request.headers['content-encoding'],
      };
      const readPart = decoder.partReader(body, description);
      const learning = (decoded: DecodedBody): DecodedBody => {
        metadata.learn(decoded.metadata);
        return decoded;
      };
      const pushed = {
        bytes: body,
        readPart: (part: Uint8Array) => learning(readPart(part)),
        readAll: () => learning(decoder.decode(body, description)),
      };
      const origin = { kind: 'remote-write', source: request.ip } as const;
      const acceptance = await ingest.acceptBody(pushed, origin);
      if (acceptance.refused.length === 0) return reply.code(204).send();
      return reply.code(400).type('text/plain').send(refusalText(acceptance));
    },
    { bodyLimit },
  );
}

/** 400 tells the sender not to try again; the samples that could be stored are. */
function refusalText({ accepted, refused }: Acceptance): string {
  const count = refused.reduce((sum, refusal) => sum + refusal.count, 0);
  const reasons = refused.map(({ reason, count, example }) => `${reason} (${count}): ${example}`);
  return `${count} samples were refused, ${accepted} are stored.\n${reasons.join('\n')}\n`;
}
