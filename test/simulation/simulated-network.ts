import { NetworkFailure } from '../../platform/network.ts';
import type { Connection, ConnectionEvents, Network } from '../../platform/network.ts';

/** The far end of one connection, in the hands of a test. */
export interface SimulatedPeer {
  readonly path: string;
  send(bytes: Uint8Array): void;
  /** Ends the connection; the other side hears the error, or an orderly end. */
  close(error?: Error): void;
  /** Everything that has come so far and has not been taken. */
  take(): Uint8Array;
  readonly isOpen: boolean;
}

export interface SimulatedListener {
  connected?(peer: SimulatedPeer): void;
  data?(bytes: Uint8Array, peer: SimulatedPeer): void;
  closed?(peer: SimulatedPeer): void;
}

/** Local sockets that a test serves. What one side writes reaches the other in a later microtask, in order. */
export class SimulatedNetwork implements Network {
  readonly #listeners = new Map<string, SimulatedListener | 'refuses' | 'silent'>();
  readonly peers: SimulatedPeer[] = [];
  connects = 0;
  readonly #drops = new Set<() => void>();

  listen(path: string, listener: SimulatedListener): void {
    this.#listeners.set(path, listener);
  }

  /** A socket file whose server is gone. */
  refuse(path: string): void {
    this.#listeners.set(path, 'refuses');
  }

  /** A server that never accepts. */
  ignore(path: string): void {
    this.#listeners.set(path, 'silent');
  }

  stopListening(path: string): void {
    this.#listeners.delete(path);
  }

  /** The process that connected has died: it hears nothing more, and its peers see an end. */
  dropConnections(): void {
    for (const drop of this.#drops) drop();
    this.#drops.clear();
  }

  async connectLocal(
    path: string,
    events: ConnectionEvents,
    signal?: AbortSignal,
  ): Promise<Connection> {
    this.connects++;
    signal?.throwIfAborted();
    const listener = this.#listeners.get(path);
    if (listener === undefined) throw new NetworkFailure('not-found', `${path} does not exist`);
    if (listener === 'refuses') {
      throw new NetworkFailure('refused', `nobody listens on ${path}`);
    }
    if (listener === 'silent') {
      return new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    }
    await Promise.resolve();
    return this.#connect(path, listener, events);
  }

  #connect(path: string, listener: SimulatedListener, events: ConnectionEvents): Connection {
    let isOpen = true;
    let received = new Uint8Array(0);
    const drop = (): void => {
      isOpen = false;
      queueMicrotask(() => listener.closed?.(peer));
    };
    const end = (error: Error | undefined): void => {
      if (!isOpen) return;
      drop();
      this.#drops.delete(drop);
      queueMicrotask(() => events.closed(error));
    };
    this.#drops.add(drop);
    const peer: SimulatedPeer = {
      path,
      get isOpen() {
        return isOpen;
      },
      send(bytes) {
        const copy = bytes.slice();
        queueMicrotask(() => {
          if (isOpen) events.data(copy);
        });
      },
      close: (error) => queueMicrotask(() => end(error)),
      take() {
        const taken = received;
        received = new Uint8Array(0);
        return taken;
      },
    };
    this.peers.push(peer);
    queueMicrotask(() => listener.connected?.(peer));
    return {
      bytesQueued: 0,
      write(bytes) {
        const copy = bytes.slice();
        queueMicrotask(() => {
          if (!isOpen) return;
          const joined = new Uint8Array(received.length + copy.length);
          joined.set(received);
          joined.set(copy, received.length);
          received = joined;
          listener.data?.(copy, peer);
        });
      },
      close: () => end(undefined),
    };
  }
}
