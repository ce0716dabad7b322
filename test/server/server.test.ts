import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodePlatform } from '../../platform/node.ts';
import { loadConfig } from '../../server/config.ts';
import { startServer } from '../../server/server.ts';
import type { Server } from '../../server/server.ts';
import { encodeRequest, encodeSnappy } from '../ingest/remote-write-encoder.ts';

let directory: string;
const servers: Server[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nephoscope-server-'));
});

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  await rm(directory, { recursive: true, force: true });
});

async function start(settings: Readonly<Record<string, string>> = {}): Promise<Server> {
  const all = {
    'server.listen': '127.0.0.1:0',
    'store.path': join(directory, 'data'),
    'collector.libvirt.enabled': 'false',
    ...settings,
  };
  const config = loadConfig({
    assignments: Object.entries(all).map(([key, value]) => ({ key, value, flag: '--set' })),
  });
  const server = await startServer(config, nodePlatform({ logLevel: 'silent' }));
  servers.push(server);
  return server;
}

async function valueOf(server: Server, query: string): Promise<string | undefined> {
  const answer = await fetch(`${server.url}/api/v1/query?query=${encodeURIComponent(query)}`);
  const body = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
  return body.data.result[0]?.value[1];
}

async function write(server: Server, name: string, value: number): Promise<number> {
  const answer = await fetch(`${server.url}/api/v1/write`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
    body: encodeSnappy(
      encodeRequest([{ labels: [['__name__', name]], samples: [{ timeMs: Date.now(), value }] }]),
    ),
  });
  return answer.status;
}

test('what was acknowledged is there after a restart', async () => {
  const first = await start({ 'server.roles': 'ingest,query' });
  expect(await write(first, 'kept', 42)).toBe(204);
  expect(await valueOf(first, 'kept')).toBe('42');
  await first.stop();
  await first.stop();
  const second = await start({ 'server.roles': 'ingest,query' });
  expect(await valueOf(second, 'kept')).toBe('42');
}, 30_000);

test('the collector watches this machine, through the gate and into queries', async () => {
  const server = await start({ 'collector.instance': 'here' });
  await expect
    .poll(() => valueOf(server, 'node_load1{instance="here"}'), { timeout: 15_000 })
    .toBeDefined();
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toMatch(/nephoscope_ingest_samples_total\{origin="collector"\} [1-9]/);
}, 30_000);

test('a second process on the same data is refused, and harms nothing', async () => {
  const first = await start({ 'server.roles': 'ingest,query' });
  await expect(start({ 'server.roles': 'ingest,query' })).rejects.toMatchObject({
    code: 'in-use',
    message: expect.stringContaining(String(process.pid)),
  });
  expect(await write(first, 'still', 1)).toBe(204);
}, 30_000);

test('a port that is taken is told by number, and the data is left alone', async () => {
  const first = await start({ 'server.roles': 'ingest,query' });
  const { host } = new URL(first.url);
  await expect(
    start({ 'server.listen': host, 'store.path': join(directory, 'other') }),
  ).rejects.toMatchObject({ code: 'port-taken', message: expect.stringContaining(host) });
}, 30_000);

test('a bad rule file stops the start, and what had started', async () => {
  const rules = join(directory, 'rules.yml');
  await writeFile(
    rules,
    'groups:\n  - name: a\n    rules:\n      - alert: A\n        expr: sum(\n',
  );
  await expect(start({ 'alerting.rules': rules })).rejects.toThrow('rules.yml:5');
  // The directory is free again.
  const server = await start();
  expect((await fetch(`${server.url}/-/ready`)).status).toBe(200);
}, 30_000);

test('rule files are read again; bad ones are told, and the former go on', async () => {
  const rules = join(directory, 'rules.yml');
  const content = (expression: string): string =>
    `groups:\n  - name: a\n    rules:\n      - record: r\n        expr: ${expression}\n`;
  await writeFile(rules, content('1'));
  const server = await start({ 'alerting.rules': rules });
  const queries = async (): Promise<readonly string[]> => {
    const answer = await fetch(`${server.url}/api/v1/rules`);
    const body = (await answer.json()) as { data: { groups: { rules: { query: string }[] }[] } };
    return body.data.groups.flatMap((group) => group.rules.map(({ query }) => query));
  };
  await writeFile(rules, content('2'));
  await server.reload();
  expect(await queries()).toEqual(['2']);
  await writeFile(rules, content('sum('));
  await expect(server.reload()).rejects.toThrow('rules.yml:5');
  const answer = await fetch(`${server.url}/-/reload`, { method: 'POST' });
  expect(answer.status).toBe(500);
  expect(await answer.text()).toContain('rules.yml:5');
  expect(await queries()).toEqual(['2']);
}, 30_000);

test('a password file that cannot be read is told without its content', async () => {
  await expect(
    start({
      'alerting.mail.smarthost': '127.0.0.1:25',
      'alerting.mail.from': 'a@example.org',
      'alerting.mail.to': 'b@example.org',
      'alerting.mail.username': 'me',
      'alerting.mail.password_file': join(directory, 'none'),
    }),
  ).rejects.toMatchObject({
    code: 'bad-config',
    message: expect.stringContaining('password_file'),
  });
}, 30_000);

test('it stops while a page is shown live, and ends the stream', async () => {
  const server = await start();
  const stream = await fetch(`${server.url}/api/nephoscope/v1/live`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ panels: [{ id: 'a', query: 'up' }] }),
  });
  const reader = stream.body!.getReader();
  expect((await reader.read()).done).toBe(false);
  const before = performance.now();
  const drained = (async () => {
    while (!(await reader.read()).done);
  })();
  await server.stop();
  await drained.catch(() => {});
  expect(performance.now() - before).toBeLessThan(9000);
}, 30_000);
