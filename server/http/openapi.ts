import { VERSION } from '../version.ts';

const text = { type: 'string' } as const;
const integer = { type: 'integer' } as const;
const nullableInteger = { type: ['integer', 'null'] } as const;

function object(properties: Readonly<Record<string, unknown>>): unknown {
  return { type: 'object', required: Object.keys(properties), properties };
}

function list(items: unknown): unknown {
  return { type: 'array', items };
}

function answer(description: string, schema: unknown, type = 'application/json'): unknown {
  return { description, content: { [type]: { schema } } };
}

const ERROR = answer(
  'The request cannot be answered.',
  object({ status: text, errorType: text, error: text }),
);

const HOST = object({
  instance: text,
  lastSeenMs: integer,
  state: { enum: ['live', 'stale'] },
  cpus: nullableInteger,
  memoryBytes: nullableInteger,
  libvirt: { enum: ['up', 'down', 'none', 'unknown'] },
  instances: integer,
});

const INSTANCE = object({
  uuid: text,
  domain: text,
  name: text,
  host: text,
  project: text,
  flavor: text,
  vcpus: nullableInteger,
  memoryBytes: nullableInteger,
  firstSeenMs: integer,
  lastSeenMs: integer,
  state: {
    enum: [
      'nostate',
      'running',
      'blocked',
      'paused',
      'shutdown',
      'shutoff',
      'crashed',
      'pmsuspended',
      'ended',
      'unknown',
    ],
  },
  endedAtMs: nullableInteger,
});

const LIVE_LINE = {
  description: 'One line each. Values stand in the order of the latest series line of their panel.',
  oneOf: [
    object({ kind: { const: 'series' }, panel: text, series: list({ type: 'object' }) }),
    object({ kind: { const: 'tick' }, timeMs: integer, values: { type: 'object' } }),
    object({ kind: { const: 'error' }, panel: text, message: text }),
  ],
};

/** Describes what is under /api/nephoscope/v1. */
export const OPENAPI: unknown = {
  openapi: '3.1.0',
  info: {
    title: 'Nephoscope',
    version: VERSION,
    description: "Beside the Prometheus API at /api/v1: what Nephoscope's own pages need.",
  },
  paths: {
    '/api/nephoscope/v1/inventory': {
      get: {
        summary: 'Hosts and instances that were seen lately.',
        parameters: [
          {
            name: 'within',
            in: 'query',
            description: 'How far back to look: a duration of 7d at most.',
            schema: { type: 'string', default: '1h' },
          },
        ],
        responses: {
          200: answer(
            'What is known.',
            object({
              nowMs: integer,
              hosts: list(HOST),
              instances: list(INSTANCE),
              truncated: { type: 'boolean' },
            }),
          ),
          default: ERROR,
        },
      },
    },
    '/api/nephoscope/v1/live': {
      post: {
        summary: 'Values of queries, each second, as JSON lines, until the connection ends.',
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: {
                type: 'object',
                required: ['panels'],
                properties: {
                  panels: { ...(list(object({ id: text, query: text })) as object), maxItems: 64 },
                  intervalMs: { type: 'integer', minimum: 1000, maximum: 60_000, default: 1000 },
                },
              },
            },
          },
        },
        responses: {
          200: answer('Lines without an end.', LIVE_LINE, 'application/x-ndjson'),
          default: ERROR,
        },
      },
    },
    '/api/nephoscope/v1/status': {
      get: {
        summary: 'How this process is doing. Answers while it starts, too.',
        responses: {
          200: answer(
            'The state of the parts that run.',
            object({
              version: text,
              phase: { enum: ['starting', 'ready', 'stopping'] },
              progress: { type: ['string', 'null'] },
              nowMs: integer,
              startedAt: text,
              uptimeSeconds: integer,
              roles: list(text),
              store: { type: ['object', 'null'] },
              collector: { type: ['object', 'null'] },
              alerts: { type: ['object', 'null'] },
              live: object({ connections: integer }),
            }),
          ),
        },
      },
    },
    '/api/nephoscope/v1/openapi.json': {
      get: { summary: 'This description.', responses: { 200: { description: 'OpenAPI 3.1.' } } },
    },
  },
};
