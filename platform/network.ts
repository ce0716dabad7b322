import { Failure } from '../model/failure.ts';

/** Connections that we open. (What others open to us is `server/http`'s and the listeners' business.) */
export interface Network {
  /** Connects to a Unix stream socket. Rejects with a `NetworkFailure` or with the signal's reason. */
  connectLocal(path: string, events: ConnectionEvents, signal?: AbortSignal): Promise<Connection>;
}

export interface ConnectionEvents {
  /** Bytes as they came; the array is the receiver's to keep. */
  data(bytes: Uint8Array): void;
  /** Called exactly once, after which nothing else is; with the error unless the end was orderly. */
  closed(error?: Error): void;
}

export interface Connection {
  /** Bytes are queued without waiting; whoever sends much looks at `bytesQueued`. */
  write(bytes: Uint8Array): void;
  readonly bytesQueued: number;
  /** Ends the connection; `closed` is still called. */
  close(): void;
}

export type NetworkFailureCode =
  | 'not-found'
  | 'refused'
  | 'no-permission'
  | 'unreachable'
  | 'timeout';

export class NetworkFailure extends Failure<NetworkFailureCode> {
  override readonly name = 'NetworkFailure';
}
