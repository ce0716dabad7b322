import type { LiveClock } from '../../../dashboard/live/connection.ts';

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/** A clock that moves only when it is told to. */
export class TurnedClock implements LiveClock {
  #nowMs = 1_000_000;
  #sleepers = new Set<Sleeper>();

  now(): number {
    return this.#nowMs;
  }

  wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const sleeper = {
        dueMs: this.#nowMs + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', sleeper.wake, { once: true });
    });
  }

  /** Moves on, and lets everything run that was waiting for a moment on the way. */
  async turn(ms: number): Promise<void> {
    const targetMs = this.#nowMs + ms;
    for (;;) {
      await settle();
      const next = [...this.#sleepers].sort((a, b) => a.dueMs - b.dueMs)[0];
      if (!next || next.dueMs > targetMs) break;
      this.#nowMs = next.dueMs;
      next.wake();
    }
    this.#nowMs = targetMs;
    await settle();
  }
}

/** Lets all promises that are ready run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A stream that the test writes to, as a server would. */
export class TestStream {
  readonly stream: ReadableStream<Uint8Array>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  cancelled = false;

  constructor() {
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.cancelled = true;
      },
    });
  }

  async send(...events: readonly object[]): Promise<void> {
    const text = events.map((event) => `${JSON.stringify(event)}\n`).join('');
    this.#controller.enqueue(new TextEncoder().encode(text));
    await settle();
  }

  async close(): Promise<void> {
    this.#controller.close();
    await settle();
  }

  async fail(message: string): Promise<void> {
    this.#controller.error(new Error(message));
    await settle();
  }
}
