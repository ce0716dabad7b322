import { Failure, messageOf } from '../../model/failure.ts';
import type { Clock } from '../../platform/clock.ts';
import { withDeadline } from '../../platform/clock.ts';
import type { Address } from '../config.ts';
import type { Instance } from '../services.ts';
import { createApp } from './app.ts';

export class ListenFailure extends Failure<'port-taken' | 'cannot-listen'> {
  override readonly name = 'ListenFailure';
}

/** HTTP at work. */
export interface Listening {
  readonly url: string;
  /** Takes no more connections, lets answers under way finish for a moment, then ends what is left. */
  stop(): Promise<void>;
}

const STOP_MS_MAX = 2000;

export async function listen(instance: Instance, address: Address): Promise<Listening> {
  const app = await createApp(instance);
  try {
    // The name may stand for two addresses, and the limits of connections are those of one server.
    const bindTo = address.host === 'localhost' ? '127.0.0.1' : address.host;
    await app.listen({ host: bindTo, port: address.port, backlog: 511 });
  } catch (thrown) {
    await app.close();
    throw listenFailure(thrown, address);
  }
  const bound = app.server.address();
  const port = typeof bound === 'object' && bound ? bound.port : address.port;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return {
    url: `http://${host}:${port}`,
    async stop() {
      const { clock } = instance.platform;
      const closed = app.close();
      await settled(clock, Promise.resolve(closed));
      app.server.closeAllConnections();
      await closed;
    },
  };
}

async function settled(clock: Clock, closed: Promise<unknown>): Promise<void> {
  try {
    await withDeadline(clock, STOP_MS_MAX, 'closing connections', () => closed);
  } catch {
    // Whoever still reads after this is cut off.
  }
}

function listenFailure(thrown: unknown, { host, port }: Address): ListenFailure {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  if (code === 'EADDRINUSE') {
    return new ListenFailure(
      'port-taken',
      `${host}:${port} is taken by another process: stop it, or choose another port with --listen`,
      { cause: thrown },
    );
  }
  return new ListenFailure(
    'cannot-listen',
    `cannot listen on ${host}:${port}: ${messageOf(thrown)}`,
    {
      cause: thrown,
    },
  );
}
