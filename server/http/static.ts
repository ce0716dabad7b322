import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import type { Instance } from '../services.ts';
import { RequestFailure } from './statuses.ts';

/** Paths that belong to programs: an unknown one is an error even for a browser. */
const NOT_PAGES = ['/api/', '/-/', '/am/', '/assets/'];

/**
 * The built dashboard. Files under assets/ carry a hash of their content in their names and never
 * change; the page itself is asked for each time. Any other path, when a browser goes there, is a place in
 * the application, which the page's own router shows. For programs it is nothing: they probe paths to
 * find out what we are (Grafana for a ruler, at /config/v1/rules), and a page would mislead them.
 */
export async function staticRoutes(app: FastifyInstance, instance: Instance): Promise<void> {
  const { dashboardDirectory, parts } = instance;
  const isServed = parts.dashboard && dashboardDirectory !== undefined;
  if (isServed) {
    await app.register(fastifyStatic, {
      root: dashboardDirectory,
      wildcard: false,
      index: 'index.html',
      cacheControl: false,
      dotfiles: 'ignore',
      setHeaders(response, path) {
        const isHashed = path.startsWith(`${dashboardDirectory}/assets/`);
        void response.setHeader(
          'cache-control',
          isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
        );
      },
    });
  }
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0]!;
    const isPage =
      isServed &&
      (request.method === 'GET' || request.method === 'HEAD') &&
      (request.headers.accept ?? '').includes('text/html') &&
      !NOT_PAGES.some((prefix) => path.startsWith(prefix));
    if (isPage) return reply.sendFile('index.html');
    // Grafana recognises the absence of a ruler by these words.
    throw new RequestFailure('not-found', '404 page not found');
  });
}
