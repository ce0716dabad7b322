import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isLoopback } from '../config.ts';
import type { Settings } from '../config.ts';
import { RequestFailure } from './statuses.ts';

/**
 * Loopback is no protection from a browser: any page may make it send requests to 127.0.0.1, and a host
 * name of an attacker may suddenly point there (DNS rebinding). So a request must name a host that we are
 * known by, and one that could change something must come from a page of ours, or from no page at all.
 */
export function guard(app: FastifyInstance, settings: Settings): void {
  const allowed = allowedHosts(settings);
  app.addHook('onRequest', (request, reply, done) => {
    void reply.headers(HEADERS);
    if (request.url.startsWith('/api/') || request.url.startsWith('/-/')) {
      void reply.header('cache-control', 'no-store');
    }
    done(refusal(request, allowed));
  });
}

const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
} as const;

function allowedHosts(settings: Settings): ReadonlySet<string> {
  const hosts = new Set(settings['server.allowed_hosts'].map((host) => host.toLowerCase()));
  for (const key of ['server.external_url', 'alerting.external_url'] as const) {
    const url = settings[key];
    if (url !== undefined) hosts.add(new URL(url).hostname.toLowerCase());
  }
  return hosts;
}

function refusal(
  request: FastifyRequest,
  allowed: ReadonlySet<string>,
): RequestFailure | undefined {
  const { host } = request.headers;
  // Only HTTP/1.0 may leave it out, which no browser speaks.
  if (host !== undefined && !isKnown(host, allowed)) {
    return new RequestFailure(
      'host-refused',
      `the host ${JSON.stringify(host.slice(0, 100))} is not one of ours: use 127.0.0.1 or localhost, ` +
        'or add the name to server.allowed_hosts',
    );
  }
  if (request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS') {
    return undefined;
  }
  const { origin } = request.headers;
  const site = request.headers['sec-fetch-site'];
  const isForeign =
    origin === undefined
      ? site !== undefined && site !== 'same-origin' && site !== 'none'
      : !isOwnOrigin(origin, host, allowed);
  if (!isForeign) return undefined;
  return new RequestFailure(
    'origin-refused',
    'a page of another site may not send this request (see server.allowed_hosts)',
  );
}

/** `name`, `name:port`, `[v6]` or `[v6]:port`. */
const HOST = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9_.-]{1,253}))(?::\d{1,5})?$/;

function isKnown(host: string, allowed: ReadonlySet<string>): boolean {
  const parts = HOST.exec(host.toLowerCase());
  if (!parts) return false;
  const name = (parts[1] ?? parts[2]!).replace(/\.$/, '');
  return isLoopback(name) || allowed.has(name);
}

function isOwnOrigin(
  origin: string,
  host: string | undefined,
  allowed: ReadonlySet<string>,
): boolean {
  let url: URL;
  try {
    url = new URL(origin);
  } catch {
    return false;
  }
  // Another port of this machine is another site: only named hosts may differ from what was addressed.
  return url.host === host?.toLowerCase() || allowed.has(url.hostname.toLowerCase());
}
