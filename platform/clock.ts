/**
 * Time as a value. The real clock is the machine's; the simulated one is turned by a test. Nothing outside
 * `platform/node` reads time in any other way.
 */
export interface Clock {
  /** Milliseconds since 1970 UTC, with a fraction where the machine has one. May jump in either direction. */
  now(): number;
  /** Milliseconds from some origin. Never goes back: for measuring how long things take and for deadlines. */
  monotonic(): number;
  /** Calls `wake` once, `delayMs` from now; the function returned cancels that. Delays are capped at 24 days. */
  after(delayMs: number, wake: () => void): () => void;
}

/** Resolves after the delay; rejects with the signal's reason when that comes first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const aborted = (): void => {
      cancel();
      reject(signal!.reason);
    };
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    });
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

/** The error of a wait whose time ran out. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed';
}

/**
 * Runs `work` with a signal that aborts after `limitMs` or with the outer signal. Settles at the deadline
 * even when `work` ignores its signal; what the work does afterwards is nobody's business any more.
 */
export async function withDeadline<T>(
  clock: Clock,
  limitMs: number,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  // Not AbortSignal.any: on Node 20 each call leaves something behind at a long-lived outer signal.
  const forward = (): void => controller.abort(outer!.reason);
  let cancel = (): void => {};
  const ended = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    cancel = clock.after(limitMs, () =>
      controller.abort(new DeadlinePassed(`${what} took longer than ${limitMs} ms`)),
    );
  });
  if (outer?.aborted) forward();
  else outer?.addEventListener('abort', forward, { once: true });
  try {
    return await Promise.race([work(signal), ended]);
  } finally {
    cancel();
    outer?.removeEventListener('abort', forward);
  }
}

/**
 * Runs `task` at every multiple of `intervalMs` (plus `offsetMs`) of the wall clock until the signal aborts.
 * A slot that passes while a task still runs is skipped, never queued; `missed` is told how many were.
 * The task gets the slot's time and must not throw: what it throws ends the loop and rejects.
 */
export async function everySlot(
  clock: Clock,
  slots: {
    readonly intervalMs: number;
    readonly offsetMs?: number;
    readonly missed?: (count: number) => void;
  },
  signal: AbortSignal,
  task: (slotMs: number) => void | Promise<void>,
): Promise<void> {
  const { intervalMs, offsetMs = 0, missed } = slots;
  const slotAfter = (timeMs: number): number =>
    (Math.floor((timeMs - offsetMs) / intervalMs) + 1) * intervalMs + offsetMs;
  // One listener for the whole life of the loop: adding one for each slot costs more than many a task.
  let stopWaiting = (): void => {};
  const stop = (): void => stopWaiting();
  const pause = (delayMs: number): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.after(delayMs, resolve);
      stopWaiting = () => {
        cancel();
        resolve();
      };
    });
  signal.addEventListener('abort', stop, { once: true });
  let next = slotAfter(clock.now());
  try {
    while (!signal.aborted) {
      // A wall clock that jumps must not freeze the loop: never wait longer than one interval.
      await pause(Math.min(Math.max(next - clock.now(), 0), intervalMs));
      if (signal.aborted) return;
      const now = clock.now();
      if (now < next && next - now > intervalMs) {
        next = slotAfter(now);
        continue;
      }
      // Timers may wake a fraction early; the slot's own time is what counts.
      if (now + 1 < next) continue;
      await task(next);
      const following = slotAfter(Math.max(clock.now(), next));
      const skipped = Math.round((following - next) / intervalMs) - 1;
      if (skipped > 0) missed?.(skipped);
      next = following;
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
