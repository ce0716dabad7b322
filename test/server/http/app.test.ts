import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { metric } from '../../../model/labels.ts';
import { StoreFailure } from '../../../store/store.ts';
import { encodeRequest, encodeSnappy } from '../../ingest/remote-write-encoder.ts';
import type { EncodedSeries } from '../../ingest/remote-write-encoder.ts';
import { NOW_MS, httpBench } from './instance.ts';
import type { HttpBench } from './instance.ts';

let bench: HttpBench;

beforeAll(async () => {
  bench = await httpBench({
    settings: {
      'server.allowed_hosts': 'metrics.example.org',
      'server.external_url': 'https://public.example.org/x',
    },
  });
});

describe('hosts', () => {
  test.each([
    'localhost',
    'localhost:6374',
    '127.0.0.1:1',
    '127.8.8.8',
    '[::1]:6374',
    'LOCALHOST.',
    'metrics.example.org',
    'metrics.example.org:443',
    'public.example.org',
  ])('%s is ours', async (host) => {
    expect((await bench.app.inject({ url: '/-/healthy', headers: { host } })).statusCode).toBe(200);
  });

  test.each([
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example:6374',
    'metrics.example.org.evil',
    '192.168.1.1',
    '[::2]',
    'a b',
    'localhost:6374:1',
    '127.0.0.1@evil.example',
  ])('%s is not, and hears why', async (host) => {
    const answer = await bench.app.inject({ url: '/api/v1/query?query=1', headers: { host } });
    expect(answer.statusCode).toBe(421);
    expect(answer.body).toContain('server.allowed_hosts');
  });
});

describe('origins', () => {
  const post = (headers: Record<string, string>) =>
    bench.app.inject({
      method: 'POST',
      url: '/api/v1/query?query=1',
      headers: { host: 'localhost:6374', ...headers },
    });

  test.each([
    {},
    { origin: 'http://localhost:6374' },
    { origin: 'https://metrics.example.org' },
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
  ])('%j may send requests that could change something', async (headers) => {
    expect((await post(headers as Record<string, string>)).statusCode).toBe(200);
  });

  test.each([
    { origin: 'http://evil.example' },
    { origin: 'http://localhost:8080' },
    { origin: 'null' },
    { origin: 'nonsense' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ])('%j may not', async (headers) => {
    expect((await post(headers as Record<string, string>)).statusCode).toBe(403);
  });
});

test('every answer is shielded, and names no framework', async () => {
  for (const url of ['/', '/-/healthy', '/api/v1/query', '/metrics', '/api/none']) {
    const { headers } = await bench.app.inject(url);
    expect(headers['content-security-policy']).toContain("script-src 'self'");
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['cross-origin-opener-policy']).toBe('same-origin');
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
    expect(headers).not.toHaveProperty('server');
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  }
});

describe('write', () => {
  const good: EncodedSeries = {
    labels: [
      ['__name__', 'pushed'],
      ['from', 'test'],
    ],
    samples: [{ timeMs: NOW_MS, value: 7 }],
  };
  const late: EncodedSeries = {
    labels: [['__name__', 'late']],
    samples: [{ timeMs: NOW_MS + 86_400_000, value: 1 }],
  };
  const write = (payload: Uint8Array, headers: Record<string, string> = {}, to = bench) =>
    to.app.inject({
      method: 'POST',
      url: '/api/v1/write',
      payload: Buffer.from(payload),
      headers: {
        'content-type': 'application/x-protobuf',
        'content-encoding': 'snappy',
        'x-prometheus-remote-write-version': '0.1.0',
        ...headers,
      },
    });
  const body = (...series: EncodedSeries[]): Uint8Array => encodeSnappy(encodeRequest(series));

  test('good samples are 204 and can be queried', async () => {
    const answer = await write(body(good));
    expect(answer.statusCode).toBe(204);
    expect(answer.body).toBe('');
    const query = await bench.app.inject('/api/v1/query?query=pushed');
    expect(query.body).toContain('"7"');
  });

  test('of good and bad samples the good are stored, the bad are told with their reasons', async () => {
    const other = { ...good, samples: [{ timeMs: NOW_MS - 1, value: 8 }] };
    const answer = await write(body(other, late));
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toContain('text/plain');
    expect(answer.body).toContain('1 samples were refused, 1 are stored');
    expect(answer.body).toContain('too-far-in-future (1): late');
  });

  test.each<[string, Uint8Array, number]>([
    ['nothing', Buffer.alloc(0), 400],
    ['garbage', Buffer.from('garbage and more of it'), 400],
    ['a truncated block', body(good).subarray(0, -3), 400],
    ['protobuf that is none', encodeSnappy(Buffer.from([0x0a, 0x7f, 1, 2])), 400],
    ['a length of 1 GiB in 7 bytes', Buffer.of(0x80, 0x80, 0x80, 0x80, 0x04, 0, 65), 413],
    ['more than 8 MiB', Buffer.alloc(8 * 1024 * 1024 + 1), 413],
  ])('%s is refused as text', async (_, bytes, status) => {
    const answer = await write(bytes);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toContain('text/plain');
    expect(answer.body.length).toBeGreaterThan(10);
    expect(answer.body).not.toContain('    at ');
  });

  test.each([
    { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' },
    { 'content-type': 'text/html' },
    { 'content-type': 'application/json' },
    { 'content-encoding': 'gzip' },
  ])('%j is 415 and says what is taken', async (headers) => {
    const answer = await write(body(good), headers);
    expect(answer.statusCode).toBe(415);
    expect(answer.body).toMatch(/remote write 1\.0|snappy/);
  });

  test.each([
    ['overloaded', 429],
    ['disk-full', 503],
    ['closed', 503],
  ] as const)('a store that is %s is %i with a time to come back', async (code, status) => {
    const broken = await httpBench({
      store: { append: () => Promise.reject(new StoreFailure(code, 'come back')) },
    });
    const answer = await write(body(good), {}, broken);
    expect(answer.statusCode).toBe(status);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(answer.body).toContain('come back');
  });

  test('without the ingest role there is no gate', async () => {
    const reader = await httpBench({ settings: { 'server.roles': 'query' } });
    expect((await write(body(good), {}, reader)).statusCode).toBe(404);
  });

  test('metadata that was pushed is known', async () => {
    const request = encodeRequest([], [{ type: 2, name: 'pushed', help: 'A test.', unit: '' }]);
    expect((await write(encodeSnappy(request))).statusCode).toBe(204);
    const known = await bench.app.inject('/api/v1/metadata?metric=pushed');
    expect(known.json()).toEqual({
      status: 'success',
      data: { pushed: [{ type: 'gauge', help: 'A test.', unit: '' }] },
    });
  });
});

describe('metadata of what is stored', () => {
  test('is what our collector knows, unless the sender told otherwise', async () => {
    const own = await httpBench();
    const at: [number, number][] = [[NOW_MS - 1000, 1]];
    for (const name of [
      'node_cpu_seconds_total',
      'libvirt_domain_info_cpu_time_seconds_total',
      'libvirt_up',
      'node_load1',
      'elsewhere',
    ]) {
      own.store.add(metric(name, { job: 'node' }), at);
    }
    const told = [{ type: 1, name: 'node_load1', help: 'Told.', unit: '' }];
    await own.app.inject({
      method: 'POST',
      url: '/api/v1/write',
      headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
      payload: Buffer.from(encodeSnappy(encodeRequest([], told))),
    });
    const ask = async (query = ''): Promise<unknown> =>
      (await own.app.inject(`/api/v1/metadata${query}`)).json<{ data: unknown }>().data;
    const cpu = [{ type: 'counter', help: expect.stringMatching(/CPU/), unit: '' }];
    expect(await ask()).toEqual({
      node_load1: [{ type: 'counter', help: 'Told.', unit: '' }],
      node_cpu_seconds_total: cpu,
      libvirt_domain_info_cpu_time_seconds_total: [{ type: 'counter', help: '', unit: '' }],
      libvirt_up: [{ type: 'gauge', help: '', unit: '' }],
    });
    expect(await ask('?metric=node_cpu_seconds_total')).toEqual({ node_cpu_seconds_total: cpu });
    expect(await ask('?metric=elsewhere')).toEqual({});
    expect(Object.keys((await ask('?limit=2')) as object)).toHaveLength(2);
  });
});

test('a bug is a 500 without its inside; the log has that', async () => {
  const broken = await httpBench({
    store: { labelNames: () => Promise.reject(new Error('secret inside')) },
  });
  const answer = await broken.app.inject('/api/v1/labels');
  expect(answer.statusCode).toBe(500);
  expect(answer.body).not.toContain('secret');
  expect(answer.body).not.toContain('    at ');
  expect(broken.errors).toMatchObject([{ error: 'secret inside', route: '/api/v1/labels' }]);
});

test.each([
  ['/%', 400],
  ['/api/v1/label/%E0%A4%A/values', 400],
  [`/api/v1/label/${'x'.repeat(5000)}/values`, 414],
])('the broken path %.40s is no bug', async (url, status) => {
  expect((await bench.app.inject(url)).statusCode).toBe(status);
  expect(bench.errors).toEqual([]);
});

test('a form of more than 1 MiB is 413, JSON with a key that poisons is 400', async () => {
  const form = await bench.app.inject({
    method: 'POST',
    url: '/api/v1/query',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: `query=${'1'.repeat(1024 * 1024)}`,
  });
  expect(form.statusCode).toBe(413);
  const json = await bench.app.inject({
    method: 'POST',
    url: '/api/nephoscope/v1/live',
    headers: { 'content-type': 'application/json' },
    payload: '{"__proto__":{"x":1},"panels":[]}',
  });
  expect(json.statusCode).toBe(400);
});

describe('phases', () => {
  test('while it starts, it tells the progress and nothing else', async () => {
    const starting = await httpBench();
    starting.phase = { kind: 'starting', progress: 'replaying the journal (40 %)' };
    for (const url of ['/-/ready', '/api/v1/query?query=1', '/api/nephoscope/v1/inventory']) {
      const answer = await starting.app.inject(url);
      expect(answer.statusCode).toBe(503);
      expect(answer.body).toContain('replaying the journal (40 %)');
      expect(answer.headers['retry-after']).toBe('1');
    }
    for (const url of ['/-/healthy', '/metrics', '/api/nephoscope/v1/status']) {
      expect((await starting.app.inject(url)).statusCode).toBe(200);
    }
    starting.phase = { kind: 'stopping' };
    expect((await starting.app.inject('/-/ready')).statusCode).toBe(503);
  });

  test('ready is ready', async () => {
    expect((await bench.app.inject('/-/ready')).statusCode).toBe(200);
  });

  test('a reload says what was read again, and what was not', async () => {
    const { app } = await httpBench({ alerter: {} });
    expect(await app.inject({ method: 'POST', url: '/-/reload' })).toMatchObject({
      statusCode: 200,
      body: expect.stringMatching(/^Rule files reloaded\..*restart/),
    });
  });

  test('a reload that fails says so', async () => {
    const reloading = await httpBench();
    const reload = () => reloading.app.inject({ method: 'POST', url: '/-/reload' });
    expect(await reload()).toMatchObject({
      statusCode: 200,
      body: expect.stringMatching(/alerter is off.*restart/),
    });
    reloading.reload = () => Promise.reject(new Error('rules.yml:3: no such function'));
    const answer = await reload();
    expect(answer.statusCode).toBe(500);
    expect(answer.body).toContain('rules.yml:3');
    expect((await reloading.app.inject('/-/reload')).statusCode).toBe(405);
  });
});

describe('the dashboard', () => {
  const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
  let directory: string;
  let served: HttpBench;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nephoscope-static-'));
    await mkdir(join(directory, 'assets'));
    await writeFile(join(directory, 'index.html'), '<!doctype html><title>page</title>');
    await writeFile(join(directory, 'assets/index-abc.js'), 'export {};');
    await writeFile(join(directory, '.secret'), 'no');
    served = await httpBench({ dashboardDirectory: directory });
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  test.each(['/', '/hosts/kvm-1?range=1h', '/instances/x', '/.secret', '/index.html'])(
    '%s is the page, asked for anew each time',
    async (url) => {
      const answer = await served.app.inject({ url, headers: BROWSER });
      expect(answer.statusCode).toBe(200);
      expect(answer.body).toContain('<title>page');
      expect(answer.headers['cache-control']).toBe('no-cache');
    },
  );

  test('assets are kept for ever', async () => {
    const answer = await served.app.inject('/assets/index-abc.js');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['cache-control']).toContain('immutable');
  });

  test.each(['/assets/none.js', '/api/v2/none', '/api/none', '/-/none', '/am/api/v2/status'])(
    '%s is 404, never the page',
    async (url) => {
      expect((await served.app.inject({ url, headers: BROWSER })).statusCode).toBe(404);
    },
  );

  test.each(['/config/v1/rules/test/test', '/rules/test', '/alertmanager/api/v2/status'])(
    '%s, asked by a program, is not the page',
    async (url) => {
      const answer = await served.app.inject({ url, headers: { accept: '*/*' } });
      expect(answer.statusCode).toBe(404);
      expect(answer.body).toContain('page not found');
    },
  );

  test.each([
    '/../package.json',
    '/%2e%2e/package.json',
    '/assets/..%2f..%2fpackage.json',
    '/assets/%00',
  ])('%s does not lead outside', async (url) => {
    const answer = await served.app.inject(url);
    expect(answer.body).not.toContain('"dependencies"');
    expect([200, 400, 403, 404]).toContain(answer.statusCode);
  });

  test('without the dashboard role there is no page', async () => {
    const without = await httpBench({
      dashboardDirectory: directory,
      settings: { 'server.roles': 'ingest,query' },
    });
    expect((await without.app.inject('/')).statusCode).toBe(404);
  });
});
