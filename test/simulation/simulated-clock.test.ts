import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DeadlinePassed, everySlot, sleep, withDeadline } from '../../platform/clock.ts';
import { SimulatedClock } from './simulated-clock.ts';

describe('simulated clock', () => {
  test('wakes in order of time, then of asking, each at its own time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 60 }),
        async (delays) => {
          const clock = new SimulatedClock(1000);
          const heard: { readonly i: number; readonly atMs: number }[] = [];
          delays.forEach((delay, i) =>
            clock.after(delay, () => heard.push({ i, atMs: clock.now() })),
          );
          await clock.advance(100);
          const expected = delays
            .map((delay, i) => ({ i, atMs: 1000 + delay }))
            .sort((a, b) => a.atMs - b.atMs || a.i - b.i);
          expect(heard).toEqual(expected);
          expect(clock.pendingWakes).toBe(0);
        },
      ),
    );
  });

  test('a cancelled wake never happens, and one that happened can be cancelled without harm', async () => {
    const clock = new SimulatedClock();
    let woken = 0;
    const cancelEarly = clock.after(10, () => woken++);
    const cancelLate = clock.after(20, () => woken++);
    cancelEarly();
    cancelEarly();
    expect(clock.pendingWakes).toBe(1);
    await clock.advance(30);
    cancelLate();
    expect([woken, clock.pendingWakes]).toEqual([1, 0]);
  });

  test('promises settle between wakes, so that a loop keeps its slots', async () => {
    const clock = new SimulatedClock(500);
    const stop = new AbortController();
    const slots: number[] = [];
    const loop = everySlot(clock, { intervalMs: 1000 }, stop.signal, async (slotMs) => {
      await sleep(clock, 3);
      slots.push(slotMs);
    });
    await clock.advance(4_000);
    stop.abort();
    await loop;
    expect(slots).toEqual([1000, 2000, 3000, 4000]);
    expect(clock.pendingWakes).toBe(0);
  });

  test('a deadline passes while the work ignores its signal', async () => {
    const clock = new SimulatedClock();
    const work = withDeadline(clock, 250, 'waiting', () => new Promise<never>(() => {}));
    await expect(clock.complete(work)).rejects.toThrow(DeadlinePassed);
    expect(clock.monotonic()).toBe(250);
  });

  test('the wall clock may jump; wakes and the monotonic time do not', async () => {
    const clock = new SimulatedClock(0);
    let atMs = -1;
    clock.after(100, () => {
      atMs = clock.monotonic();
    });
    clock.jumpWallClock(3_600_000);
    expect([clock.now(), clock.monotonic()]).toEqual([3_600_000, 0]);
    await clock.advance(100);
    expect([atMs, clock.now()]).toEqual([100, 3_600_100]);
  });

  test('turning until a predicate stops there, or says that it never held', async () => {
    const clock = new SimulatedClock();
    let woken = false;
    clock.after(70, () => {
      woken = true;
    });
    expect(await clock.advanceUntil(() => woken, 50)).toBe(false);
    expect(await clock.advanceUntil(() => woken, 50)).toBe(true);
    expect(clock.monotonic()).toBe(70);
  });

  test('a loop without a delay is an error, not a hang', async () => {
    const clock = new SimulatedClock();
    const again = (): void => {
      clock.after(0, again);
    };
    again();
    await expect(clock.advance(1)).rejects.toThrow('time passes');
  });
});
