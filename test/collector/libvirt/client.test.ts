import * as fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LibvirtClient } from '../../../collector/sources/libvirt/client.ts';
import type { LibvirtFailure } from '../../../collector/sources/libvirt/failure.ts';
import {
  encodeFrame,
  FrameSplitter,
  MESSAGE_REPLY,
  PROGRAM_KEEPALIVE,
  PROGRAM_REMOTE,
} from '../../../collector/sources/libvirt/frames.ts';
import type { Frame } from '../../../collector/sources/libvirt/frames.ts';
import { XdrWriter } from '../../../collector/sources/libvirt/xdr.ts';
import { settle, SimulatedClock } from '../../simulation/simulated-clock.ts';
import { SimulatedNetwork } from '../../simulation/simulated-network.ts';
import type { SimulatedPeer } from '../../simulation/simulated-network.ts';
import { FakeDaemon } from './fake-daemon.ts';

const NO_PAYLOAD = new Uint8Array(0);

/** A client connected to a peer that the test plays itself. */
async function connected(): Promise<{
  client: LibvirtClient;
  clock: SimulatedClock;
  peer: SimulatedPeer;
  received: Frame[];
  lost: LibvirtFailure[];
  events: number[];
  reply: (frame: Frame, value: number, changes?: Partial<Omit<Frame, 'payload'>>) => void;
}> {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork();
  const received: Frame[] = [];
  const lost: LibvirtFailure[] = [];
  const events: number[] = [];
  const splitter = new FrameSplitter();
  network.listen('/socket', {
    data: (bytes) =>
      splitter.push(bytes, (frame) => received.push({ ...frame, payload: frame.payload.slice() })),
  });
  const client = await LibvirtClient.connect(
    '/socket',
    { clock, network },
    { event: (procedure) => events.push(procedure), lost: (failure) => lost.push(failure) },
    new AbortController().signal,
  );
  const peer = network.peers[0]!;
  const reply = (
    frame: Frame,
    value: number,
    changes: Partial<Omit<Frame, 'payload'>> = {},
  ): void => {
    const { program, procedure, serial } = frame;
    const header = { program, procedure, serial, type: MESSAGE_REPLY, status: 0, ...changes };
    peer.send(encodeFrame(header, new XdrWriter().int32(value).finish()));
  };
  return { client, clock, peer, received, lost, events, reply };
}

const callNumber = (client: LibvirtClient, procedure: number, deadlineMs = 1000): Promise<number> =>
  client.call(procedure, NO_PAYLOAD, (reader) => reader.int32(), deadlineMs);

/** The rejection of a promise, as a value. */
const rejection = (work: Promise<unknown>): Promise<LibvirtFailure> =>
  work.then(
    (value) => {
      throw new Error(`resolved with ${String(value)}`);
    },
    (thrown: LibvirtFailure) => thrown,
  );

describe('calls', () => {
  test('are matched with their answers by serial, in whatever order these come', async () => {
    const { client, received, reply } = await connected();
    const answers = Promise.all([11, 12, 13].map((procedure) => callNumber(client, procedure)));
    await settle();
    for (const frame of received.toReversed()) reply(frame, frame.procedure * 10);
    expect(await answers).toEqual([110, 120, 130]);
  });

  test('no more than four are in flight; the others wait their turn', async () => {
    const { client, received, reply } = await connected();
    const answers = Promise.all(Array.from({ length: 10 }, (_, i) => callNumber(client, i + 1)));
    await settle();
    expect(received).toHaveLength(4);
    for (let i = 0; i < 10; i++) {
      reply(received[i]!, i);
      await settle();
      expect(received).toHaveLength(Math.min(5 + i, 10));
    }
    expect(await answers).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('beyond 256 waiting ones a call is refused at once', async () => {
    const { client } = await connected();
    const waiting = Array.from({ length: 260 }, () => rejection(callNumber(client, 1)));
    expect(await rejection(callNumber(client, 1))).toMatchObject({ code: 'busy' });
    client.close();
    expect(new Set((await Promise.all(waiting)).map(({ code }) => code))).toEqual(
      new Set(['closed']),
    );
  });

  test('one without an answer fails at its deadline, and its late answer disturbs nobody', async () => {
    const { client, clock, received, reply, lost } = await connected();
    const slow = rejection(callNumber(client, 1, 1000));
    await clock.advance(999);
    const quick = callNumber(client, 2);
    await clock.advance(1);
    expect(await slow).toMatchObject({ code: 'timeout', message: /procedure 1 .*1000 ms/ });
    reply(received[0]!, 1);
    reply(received[1]!, 2);
    expect(await quick).toBe(2);
    expect(lost).toEqual([]);
    expect(clock.pendingWakes).toBe(0);
  });

  test('when nothing but overdue calls is in flight, the connection is given up', async () => {
    const { client, clock, lost, peer } = await connected();
    const calls = [1, 2, 3, 4, 5].map((procedure) => rejection(callNumber(client, procedure)));
    await clock.advance(1000);
    expect((await Promise.all(calls)).map(({ code }) => code)).toEqual(Array(5).fill('timeout'));
    expect(lost).toMatchObject([{ code: 'timeout' }]);
    await settle();
    expect(peer.isOpen).toBe(false);
    expect(await rejection(callNumber(client, 6))).toBe(lost[0]);
  });

  test('an error of the daemon carries its text and numbers', async () => {
    const network = new SimulatedNetwork();
    network.listen('/socket', new FakeDaemon());
    const client = await LibvirtClient.connect(
      '/socket',
      { clock: new SimulatedClock(), network },
      { event() {}, lost() {} },
      new AbortController().signal,
    );
    expect(await rejection(callNumber(client, 9999))).toMatchObject({
      code: 'remote',
      errorNumber: 39,
      message: /unknown procedure: 9999/,
    });
  });

  test('an end of the connection fails all of them', async () => {
    const { client, peer, lost } = await connected();
    const calls = [1, 2, 3, 4, 5, 6].map((procedure) => rejection(callNumber(client, procedure)));
    await settle();
    peer.close(new Error('ECONNRESET'));
    expect(new Set(await Promise.all(calls)).size).toBe(1);
    expect(lost).toMatchObject([{ code: 'closed', message: /ECONNRESET/ }]);
  });
});

test('a ping of the daemon is answered', async () => {
  const { peer, received } = await connected();
  peer.send(
    encodeFrame({ program: PROGRAM_KEEPALIVE, procedure: 1, type: 2, serial: 0, status: 0 }),
  );
  await settle();
  expect(received).toMatchObject([
    { program: PROGRAM_KEEPALIVE, procedure: 2, type: 2, serial: 0, status: 0 },
  ]);
});

test('events reach whoever asked for them', async () => {
  const { peer, events } = await connected();
  for (const procedure of [318, 379]) {
    peer.send(encodeFrame({ program: PROGRAM_REMOTE, procedure, type: 2, serial: 0, status: 0 }));
  }
  await settle();
  expect(events).toEqual([318, 379]);
});

describe('who we are', () => {
  async function authenticate(daemon: Partial<FakeDaemon>): Promise<void> {
    const network = new SimulatedNetwork();
    network.listen('/socket', Object.assign(new FakeDaemon(), daemon));
    const client = await LibvirtClient.connect(
      '/socket',
      { clock: new SimulatedClock(), network },
      { event() {}, lost() {} },
      new AbortController().signal,
    );
    onTestFinished(() => client.close());
    await client.authenticate(1000);
  }

  test.each([
    ['nothing is asked', { authKinds: [] }],
    ['nothing need be proved', { authKinds: [0] }],
    ['polkit agrees', { authKinds: [2], polkitAgrees: true }],
  ])('passes when %s', async (_, daemon) => {
    await expect(authenticate(daemon)).resolves.toBeUndefined();
  });

  test.each([
    ['polkit refuses', { authKinds: [2], polkitAgrees: false }],
    ['only a password would do', { authKinds: [1] }],
  ])('when %s, the operator is told what to do', async (_, daemon) => {
    const failure = await rejection(authenticate(daemon));
    expect(failure.code).toBe('not-authorized');
    expect(failure.message).toMatch(/as root/);
    expect(failure.message).toMatch(/auth_unix_ro = "none"/);
    expect(failure.message).toMatch(/polkit rule/);
  });
});

describe('what makes no sense ends the connection with a reason and nothing worse', () => {
  test('arbitrary bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 5 }),
        async (chunks) => {
          const { client, peer, lost } = await connected();
          const call = callNumber(client, 1).catch((thrown: LibvirtFailure) => thrown.code);
          for (const chunk of chunks) peer.send(chunk);
          await settle();
          expect(lost.length).toBeLessThanOrEqual(1);
          for (const { code } of lost) expect(code).toBe('protocol');
          client.close();
          expect(['closed', 'protocol']).toContain(await call);
        },
      ),
    );
  });

  test('plausible frames with arbitrary insides', async () => {
    const frames = fc.record({
      program: fc.constantFrom(PROGRAM_REMOTE, PROGRAM_KEEPALIVE, 7),
      procedure: fc.constantFrom(1, 2, 318, 344),
      type: fc.nat(5),
      serial: fc.nat(3),
      status: fc.nat(2),
      payload: fc.uint8Array({ maxLength: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(frames, { maxLength: 6 }), async (sent) => {
        const { client, peer, lost } = await connected();
        const call = callNumber(client, 1).then(String, (thrown: LibvirtFailure) => thrown.code);
        await settle();
        for (const { payload, ...header } of sent) peer.send(encodeFrame(header, payload));
        await settle();
        expect(lost.length).toBeLessThanOrEqual(1);
        for (const { code } of lost) expect(code).toBe('protocol');
        client.close();
        expect(await call).toMatch(/^(-?\d+|closed|protocol|remote)$/);
      }),
    );
  });

  test.each([
    ['an answer to no call', { serial: 99 }],
    ['an answer for another procedure', { procedure: 5 }],
    ['a stream', { type: 3 }],
    ['another program', { program: 0x20008087 }],
  ])('%s', async (_, changes) => {
    const { client, received, reply, lost, peer } = await connected();
    const call = rejection(callNumber(client, 1));
    await settle();
    reply(received[0]!, 1, changes);
    expect(await call).toMatchObject({ code: 'protocol' });
    expect(lost).toHaveLength(1);
    await settle();
    expect(peer.isOpen).toBe(false);
  });
});
