import { Failure, messageOf } from '../../model/failure.ts';
import { decodeEvent } from './event.ts';
import type { LiveEvent } from './event.ts';
import { LineDecoder } from './lines.ts';

/** Time as this folder needs it; the browser's own in `live/browser-clock.ts`, a turned one in tests. */
export interface LiveClock {
  now(): number;
  /** Resolves after the time or as soon as the signal aborts, never rejects. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export type ConnectionState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** Down and being tried again; `sinceMs` is when the last line came, or the first attempt began. */
  | { readonly kind: 'lost'; readonly sinceMs: number; readonly message: string };

export interface ConnectionOptions {
  readonly open: (signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>;
  readonly clock: LiveClock;
  /** A stream that is silent for longer is dead, whatever TCP thinks. */
  readonly silenceMsMax: number;
  readonly onEvent: (event: LiveEvent) => void;
  readonly onState: (state: ConnectionState) => void;
}

const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 8000;

/** Keeps one stream open until the signal aborts: opens, reads, and opens again after a growing pause. */
export async function keepConnected(
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, onState } = options;
  let backoffMs = BACKOFF_MS_MIN;
  let lastLineMs = clock.now();
  onState({ kind: 'connecting' });
  while (!signal.aborted) {
    let message = 'the server closed the stream';
    try {
      await readOnce(options, signal, () => {
        lastLineMs = clock.now();
        backoffMs = BACKOFF_MS_MIN;
      });
    } catch (thrown) {
      message = messageOf(thrown);
    }
    if (signal.aborted) return;
    onState({ kind: 'lost', sinceMs: lastLineMs, message });
    await clock.wait(backoffMs, signal);
    backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX);
  }
}

async function readOnce(
  { open, clock, silenceMsMax, onEvent, onState }: ConnectionOptions,
  signal: AbortSignal,
  onLine: () => void,
): Promise<void> {
  const attempt = new AbortController();
  const stop = (): void => attempt.abort();
  signal.addEventListener('abort', stop, { once: true });
  const watch = watchSilence(clock, silenceMsMax, attempt);
  try {
    const stream = await open(attempt.signal);
    const reader = stream.getReader();
    // Aborting the request ends a network stream by itself; any other stream is told.
    attempt.signal.addEventListener('abort', () => void reader.cancel().catch(() => {}), {
      once: true,
    });
    const lines = new LineDecoder();
    let announced = false;
    for (;;) {
      const { done, value } = await reader.read();
      if (attempt.signal.aborted) break;
      if (done) return;
      watch.heard();
      for (const line of lines.push(value)) {
        const event = decodeEvent(line);
        onLine();
        if (!announced) onState({ kind: 'live' });
        announced = true;
        if (event) onEvent(event);
      }
    }
  } catch (thrown) {
    if (!watch.silent()) throw thrown;
  } finally {
    signal.removeEventListener('abort', stop);
    attempt.abort();
  }
  if (watch.silent()) throw new Failure('silent', `nothing came for ${silenceMsMax / 1000} s`);
}

function watchSilence(
  clock: LiveClock,
  silenceMsMax: number,
  attempt: AbortController,
): { heard(): void; silent(): boolean } {
  let heardMs = clock.now();
  let silent = false;
  const watch = async (): Promise<void> => {
    while (!attempt.signal.aborted) {
      const quietMs = clock.now() - heardMs;
      if (quietMs >= silenceMsMax) {
        silent = true;
        attempt.abort();
        return;
      }
      await clock.wait(silenceMsMax - quietMs, attempt.signal);
    }
  };
  void watch();
  return {
    heard: () => {
      heardMs = clock.now();
    },
    silent: () => silent,
  };
}
