import * as net from 'node:net';
import { messageOf } from '../../model/failure.ts';
import { NetworkFailure } from '../network.ts';
import type { Connection, Network, NetworkFailureCode } from '../network.ts';
import { errorCode } from './file-errors.ts';

export const nodeNetwork: Network = {
  connectLocal(path, events, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const socket = net.connect({ path });
      let connected = false;
      let failure: Error | undefined;
      const aborted = (): void => {
        socket.destroy();
        reject(signal!.reason);
      };
      signal?.addEventListener('abort', aborted, { once: true });
      socket.on('connect', () => {
        connected = true;
        signal?.removeEventListener('abort', aborted);
        resolve(connectionOver(socket));
      });
      socket.on('data', (bytes) => events.data(bytes));
      socket.on('error', (error) => {
        failure = networkFailure(path, error);
      });
      socket.on('close', () => {
        signal?.removeEventListener('abort', aborted);
        if (connected) events.closed(failure);
        else reject(failure ?? new NetworkFailure('unreachable', `${path}: connection ended`));
      });
    });
  },
};

function connectionOver(socket: net.Socket): Connection {
  return {
    write(bytes) {
      if (!socket.destroyed && !socket.writableEnded) socket.write(bytes);
    },
    get bytesQueued() {
      return socket.writableLength;
    },
    close() {
      socket.destroy();
    },
  };
}

const MEANINGS: Readonly<Record<string, readonly [NetworkFailureCode, string]>> = {
  ENOENT: ['not-found', 'there is no such socket: is the service installed and running?'],
  ENOTSOCK: ['not-found', 'it is not a socket'],
  ECONNREFUSED: ['refused', 'nobody listens on it: is the service running?'],
  EACCES: ['no-permission', 'permission denied: check the mode of the socket and its directory'],
  EPERM: ['no-permission', 'not permitted: check the mode of the socket and its directory'],
  ETIMEDOUT: ['timeout', 'no answer in time'],
};

function networkFailure(path: string, error: Error): NetworkFailure {
  const code = errorCode(error);
  const [ours, advice] = (code && MEANINGS[code]) || ['unreachable' as const, messageOf(error)];
  return new NetworkFailure(ours, `${path}: ${advice}`, { cause: error });
}
