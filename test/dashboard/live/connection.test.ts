import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keepConnected } from '../../../dashboard/live/connection.ts';
import type { ConnectionState } from '../../../dashboard/live/connection.ts';
import type { LiveEvent } from '../../../dashboard/live/event.ts';
import { TestStream, TurnedClock, settle } from './turned-clock.ts';

const TICK = { kind: 'tick', timeMs: 1, values: {} };

let clock: TurnedClock;
let stop: AbortController;
let streams: TestStream[];
let refusals: Error[];
let events: LiveEvent[];
let states: ConnectionState[];
let done: Promise<void>;

beforeEach(async () => {
  clock = new TurnedClock();
  stop = new AbortController();
  [streams, refusals, events, states] = [[], [], [], []];
  done = keepConnected(
    {
      open: async () => {
        const refusal = refusals.shift();
        if (refusal) throw refusal;
        const stream = new TestStream();
        streams.push(stream);
        return stream.stream;
      },
      clock,
      silenceMsMax: 4000,
      onEvent: (event) => events.push(event),
      onState: (state) => states.push(state),
    },
    stop.signal,
  );
  await settle();
});

afterEach(async () => {
  stop.abort();
  await settle();
  await done;
});

const kinds = (): string[] => states.map((state) => state.kind);

describe('a connection', () => {
  test('is live with its first line, not before', async () => {
    expect(kinds()).toEqual(['connecting']);
    await streams[0]!.send(TICK);
    expect(kinds()).toEqual(['connecting', 'live']);
    expect(events).toHaveLength(1);
  });

  test('that ends is opened again after half a second', async () => {
    await streams[0]!.send(TICK);
    const sinceMs = clock.now();
    await clock.turn(1000);
    await streams[0]!.close();
    expect(states.at(-1)).toEqual({
      kind: 'lost',
      sinceMs,
      message: 'the server closed the stream',
    });
    await clock.turn(499);
    expect(streams).toHaveLength(1);
    await clock.turn(1);
    expect(streams).toHaveLength(2);
    await streams[1]!.send(TICK);
    expect(kinds()).toEqual(['connecting', 'live', 'lost', 'live']);
  });

  test('waits longer after each failure, at most eight seconds, and starts anew after success', async () => {
    refusals = Array.from({ length: 6 }, () => new Error('refused'));
    await streams[0]!.fail('reset');
    const pauses: number[] = [];
    for (let tries = 0; tries < 6; tries++) {
      const left = refusals.length;
      let pause = 0;
      while (refusals.length === left && pause < 20_000) {
        await clock.turn(250);
        pause += 250;
      }
      pauses.push(pause);
    }
    expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 8000]);
    await clock.turn(8000);
    await streams[1]!.send(TICK);
    await streams[1]!.close();
    await clock.turn(500);
    expect(streams).toHaveLength(3);
  });

  test('that says nothing for too long is given up, though nobody closed it', async () => {
    await streams[0]!.send(TICK);
    await clock.turn(3000);
    await streams[0]!.send(TICK);
    await clock.turn(3999);
    expect(kinds()).toEqual(['connecting', 'live']);
    await clock.turn(1);
    expect(states.at(-1)).toMatchObject({ kind: 'lost', message: 'nothing came for 4 s' });
    expect(streams[0]!.cancelled).toBe(true);
  });

  test('that sends garbage is given up with the reason', async () => {
    await streams[0]!.send([]);
    expect(states.at(-1)).toMatchObject({
      kind: 'lost',
      message: 'a line of the live stream is not an object',
    });
  });

  test('ends when it is told to, and opens nothing after', async () => {
    await streams[0]!.send(TICK);
    stop.abort();
    await done;
    await clock.turn(60_000);
    expect(streams).toHaveLength(1);
    expect(streams[0]!.cancelled).toBe(true);
    expect(kinds()).toEqual(['connecting', 'live']);
  });
});
