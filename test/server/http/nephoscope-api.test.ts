import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeRequest, encodeSnappy } from '../../ingest/remote-write-encoder.ts';
import { NOW_MS, httpBench } from './instance.ts';
import type { HttpBench } from './instance.ts';

let bench: HttpBench;
let port: number;

beforeAll(async () => {
  bench = await httpBench();
  await bench.app.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = bench.app.server.address() as AddressInfo);
});

afterAll(async () => {
  bench.app.server.closeAllConnections();
  await bench.app.close();
});

function post(body: unknown): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: '/api/nephoscope/v1/live',
        headers: { 'content-type': 'application/json' },
      },
      resolve,
    );
    asked.on('error', reject);
    asked.end(JSON.stringify(body));
  });
}

test('the stream is sent line by line as it is made, and ends with the page', async () => {
  const answer = await post({ panels: [{ id: 'p', query: 'up' }], intervalMs: 1000 });
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['content-type']).toBe('application/x-ndjson');
  expect(answer.headers['content-security-policy']).toBeDefined();
  expect(answer.headers['cache-control']).toBe('no-store');
  const lines = createInterface({ input: answer })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => JSON.parse((await lines.next()).value as string);
  await bench.clock.advance(250);
  expect(await next()).toMatchObject({ kind: 'series', panel: 'p' });
  expect(await next()).toEqual({ kind: 'tick', timeMs: NOW_MS, values: { p: [1, 0] } });
  await bench.clock.advance(1000);
  expect(await next()).toMatchObject({ kind: 'tick', timeMs: NOW_MS + 1000 });
  const status = await bench.app.inject('/api/nephoscope/v1/status');
  expect(status.json()).toMatchObject({ live: { connections: 1 } });
  answer.destroy();
  await expect
    .poll(async () => (await bench.app.inject('/api/nephoscope/v1/status')).json())
    .toMatchObject({ live: { connections: 0 } });
});

describe('a bad request for a stream', () => {
  test.each([
    ['not an object', [1]],
    ['no panels', {}],
    ['panels that are no list', { panels: 'x' }],
    ['a panel that is no object', { panels: [1] }],
    ['a panel without a query', { panels: [{ id: 'a' }] }],
    ['an interval that is no number', { panels: [{ id: 'a', query: 'up' }], intervalMs: '1s' }],
    ['an interval that is too short', { panels: [{ id: 'a', query: 'up' }], intervalMs: 1 }],
    ['no panel', { panels: [] }],
  ])('%s is 400', async (_, payload) => {
    const answer = await bench.app.inject({
      method: 'POST',
      url: '/api/nephoscope/v1/live',
      payload: payload as object,
    });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ status: 'error', errorType: 'bad_data' });
  });

  test('a body of another kind is 400', async () => {
    const answer = await bench.app.inject({
      method: 'POST',
      url: '/api/nephoscope/v1/live',
      headers: { 'content-type': 'text/plain' },
      payload: 'x',
    });
    expect(answer.statusCode).toBe(400);
  });
});

test('inventory', async () => {
  const answer = await bench.app.inject('/api/nephoscope/v1/inventory?within=1h');
  expect(answer.json()).toMatchObject({ hosts: [], instances: [] });
  for (const within of ['x', '8d', '-1h']) {
    const bad = await bench.app.inject(`/api/nephoscope/v1/inventory?within=${within}`);
    expect(bad.statusCode).toBe(400);
  }
});

test('the age of data is the time since samples came, whatever time they carry', async () => {
  const { app, clock } = await httpBench();
  const age = async (): Promise<unknown> =>
    (await app.inject('/api/nephoscope/v1/status')).json<{ store: { dataAgeMs: unknown } }>().store
      .dataAgeMs;
  const write = (timeMs: number): Promise<{ readonly statusCode: number }> =>
    app.inject({
      method: 'POST',
      url: '/api/v1/write',
      headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
      payload: Buffer.from(
        encodeSnappy(
          encodeRequest([{ labels: [['__name__', 'x']], samples: [{ timeMs, value: 1 }] }]),
        ),
      ),
    });
  expect(await age()).toBeNull();
  // Nothing of this one is taken in.
  await write(NOW_MS + 86_400_000);
  expect(await age()).toBeNull();
  expect((await write(NOW_MS + 500_000)).statusCode).toBe(204);
  expect(await age()).toBe(0);
  await clock.advance(7000);
  expect(await age()).toBe(7000);
});

test('every path of the description is there', async () => {
  const { paths } = (await bench.app.inject('/api/nephoscope/v1/openapi.json')).json<{
    paths: Record<string, Record<string, unknown>>;
  }>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const method of Object.keys(methods)) {
      expect(bench.app.hasRoute({ url: path, method: method.toUpperCase() })).toBe(true);
    }
  }
});
