import { mkdtemp, rm } from 'node:fs/promises';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeNetwork } from '../../../platform/node/network.ts';

let directory: string;
let path: string;
let server: net.Server | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nephoscope-net-'));
  path = join(directory, 'sock');
});

afterEach(async () => {
  server?.close();
  server = undefined;
  await rm(directory, { recursive: true, force: true });
});

function serve(talk: (socket: net.Socket) => void): Promise<void> {
  server = net.createServer(talk);
  return new Promise((resolve) => {
    server!.listen(path, resolve);
  });
}

const IGNORE = { data() {}, closed() {} };

test('bytes go both ways and the end is told once', async () => {
  await serve((socket) => socket.pipe(socket));
  const received: string[] = [];
  let ends = 0;
  let resolveEnd = (): void => {};
  const end = new Promise<void>((resolve) => {
    resolveEnd = resolve;
  });
  const connection = await nodeNetwork.connectLocal(path, {
    data(bytes) {
      received.push(new TextDecoder().decode(bytes));
      connection.close();
    },
    closed(error) {
      ends++;
      expect(error).toBeUndefined();
      resolveEnd();
    },
  });
  connection.write(new TextEncoder().encode('ping'));
  await end;
  connection.write(new TextEncoder().encode('too late'));
  connection.close();
  expect(received).toEqual(['ping']);
  expect(ends).toBe(1);
  expect(connection.bytesQueued).toBe(0);
});

test('no socket, and a socket without a listener, are told apart', async () => {
  await expect(nodeNetwork.connectLocal(path, IGNORE)).rejects.toMatchObject({ code: 'not-found' });
  await expect(
    nodeNetwork.connectLocal(path, IGNORE, AbortSignal.abort(new Error('given up'))),
  ).rejects.toThrow('given up');
});

test('the peer that leaves is noticed', async () => {
  await serve((socket) => socket.destroy());
  const closed = new Promise<Error | undefined>((resolve, reject) => {
    nodeNetwork.connectLocal(path, { data() {}, closed: resolve }).catch(reject);
  });
  expect(await closed).toBeUndefined();
});
