import type { IncomingMessage, Server } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../platform/clock.ts';

type Socket = IncomingMessage['socket'];

const CONNECTIONS_MAX = 512;
const UNREAD_CHECK_MS = 10_000;
/** What the kernel takes at once without the reader doing anything. */
const UNREAD_BYTES_MIN = 64 * 1024;

/**
 * Keeps slow and silent peers from using up the connections. At the limit, the one that has been without a
 * request for longest makes room, so that an attacker who opens many and sends little only pushes out
 * his own; connections whose request is being answered are never pushed out. (A limit for each address
 * would be of no use: everybody comes from loopback.)
 */
export function limitConnections(app: FastifyInstance, clock: Clock): void {
  // In order of their last activity; a socket that is answering a request is not among them.
  const waiting = new Set<Socket>();
  const answering = new Set<Socket>();
  const server: Server = app.server;
  server.on('connection', (socket) => {
    if (waiting.size + answering.size >= CONNECTIONS_MAX) {
      const [longest] = waiting;
      (longest ?? socket).destroy();
      if (longest === undefined) return;
      waiting.delete(longest);
    }
    waiting.add(socket);
    socket.once('close', () => {
      waiting.delete(socket);
      answering.delete(socket);
    });
  });
  server.prependListener('request', (request, response) => {
    const { socket } = request;
    waiting.delete(socket);
    answering.add(socket);
    response.once('close', () => {
      answering.delete(socket);
      if (!socket.destroyed) waiting.add(socket);
    });
  });
  dropUnread(app, clock);
}

/** An answer that nobody reads is memory that nobody gets back: without progress, the connection ends. */
function dropUnread(app: FastifyInstance, clock: Clock): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    const size = typeof payload === 'string' || payload instanceof Uint8Array ? payload.length : 0;
    if (size >= UNREAD_BYTES_MIN) {
      const { socket } = request.raw;
      const { raw: response } = reply;
      let before = -1;
      let cancel = (): void => {};
      const check = (): void => {
        const queued = socket.writableLength;
        if (queued > 0 && queued === before) socket.destroy();
        else {
          before = queued;
          cancel = clock.after(UNREAD_CHECK_MS / 2, check);
        }
      };
      cancel = clock.after(UNREAD_CHECK_MS / 2, check);
      // `close` comes without `finish` when the peer leaves first.
      response.once('finish', () => cancel());
      response.once('close', () => cancel());
    }
    done(null, payload);
  });
}
