import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { fastify } from 'fastify';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { limitConnections } from '../../../server/http/connections.ts';
import { TurnedClock } from '../turned-clock.ts';

let app: FastifyInstance;
let port: number;
let clock: TurnedClock;
const sockets: Socket[] = [];
const MANY = 'x'.repeat(64 * 1024 * 1024);

beforeEach(async () => {
  app = fastify();
  clock = new TurnedClock(0);
  limitConnections(app, clock);
  app.get('/', () => 'here');
  app.get('/many', () => MANY);
  await app.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = app.server.address() as AddressInfo);
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  app.server.closeAllConnections();
  await app.close();
});

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => resolve(socket));
    sockets.push(socket);
    socket.on('error', reject);
  });
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once('close', () => resolve());
    socket.resume();
  });
}

test('who opens connections and says nothing makes room for who asks', async () => {
  const silent: Socket[] = [];
  for (let i = 0; i < 512; i++) silent.push(await open());
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  expect(await answer.text()).toBe('here');
  // The one that was silent for longest had to go, and no other.
  await closed(silent[0]!);
  expect(silent.filter((socket) => socket.destroyed)).toHaveLength(1);
}, 30_000);

test('a large answer that is not read is given up, one that is read is not', async () => {
  const deaf = await open();
  deaf.pause();
  deaf.write('GET /many HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await expect.poll(() => clock.waiting).toBe(1);
  for (let i = 0; i < 3; i++) await clock.advance(10_000);
  await closed(deaf);
  const answer = await fetch(`http://127.0.0.1:${port}/many`);
  expect((await answer.text()).length).toBe(MANY.length);
  await expect.poll(() => clock.waiting).toBe(0);
}, 30_000);
