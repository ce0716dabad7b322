import type { Clock } from '../clock.ts';

/** The longest delay that a timer of the runtime can hold; longer ones would fire at once. */
const DELAY_MS_MAX = 24 * 86_400_000;

export const nodeClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, wake) {
    const timer = setTimeout(wake, Math.min(Math.max(delayMs, 0), DELAY_MS_MAX));
    return () => clearTimeout(timer);
  },
};
