import type { Clock } from '../../platform/clock.ts';

/** A clock whose time stands still until a test turns it; what waits for "now" runs on the event loop. */
export interface TestClock extends Clock {
  advance(ms: number): void;
}

export function testClock(): TestClock {
  let nowMs = 0;
  const waiting = new Set<{ atMs: number; wake: () => void }>();
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    after(delayMs, wake) {
      if (delayMs <= 0) {
        const handle = setImmediate(wake);
        return () => clearImmediate(handle);
      }
      const entry = { atMs: nowMs + delayMs, wake };
      waiting.add(entry);
      return () => waiting.delete(entry);
    },
    advance(ms) {
      nowMs += ms;
      for (const entry of Array.from(waiting)) {
        if (entry.atMs > nowMs || !waiting.delete(entry)) continue;
        entry.wake();
      }
    },
  };
}
