import { messageOf } from '../../model/failure.ts';
import { alignSpan } from '../time/step.ts';
import { LiveBuffer } from './buffer.ts';
import { keepConnected } from './connection.ts';
import type { ConnectionState, LiveClock } from './connection.ts';
import type { LiveEvent } from './event.ts';
import { EMPTY_FRAME, lastValueMs } from './frame.ts';
import type { Frame } from './frame.ts';

export interface FeedQuery {
  readonly id: string;
  readonly query: string;
  /** Whether the past is wanted too, or only what comes. */
  readonly history: boolean;
}

export interface RangeRequest {
  readonly query: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

export interface LiveRequest {
  readonly panels: readonly { readonly id: string; readonly query: string }[];
  readonly intervalMs: number;
}

/** Where a feed gets its data. */
export interface FeedSource {
  range(request: RangeRequest, signal: AbortSignal): Promise<Frame>;
  live(request: LiveRequest, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  /** The server's clock, milliseconds since 1970. */
  now(): number;
}

export interface FeedOptions {
  readonly queries: readonly FeedQuery[];
  /** A following range is `spanMs` long and ends now; the other stands still. */
  readonly range:
    | { readonly kind: 'following'; readonly spanMs: number; readonly intervalMs: number }
    | { readonly kind: 'fixed'; readonly fromMs: number; readonly toMs: number };
  readonly stepMs: number;
  readonly source: FeedSource;
  readonly clock: LiveClock;
}

export type QueryState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'ready'; readonly frame: Frame; readonly lastValueMs: number | undefined };

const LOADING: QueryState = { kind: 'loading' };

/** After this many missed intervals, values count as stale. */
export const INTERVALS_MISSED_MAX = 3;

/** A feed at one moment. Each change makes a new one, so that it can be a dependency. */
export interface FeedView {
  readonly connection: ConnectionState;
  /** The server's time of the latest tick. */
  readonly lastTickMs: number | undefined;
  /** Our time when the latest tick came. */
  readonly lastTickSeenMs: number | undefined;
  readonly state: (id: string) => QueryState;
  /** The values of the latest tick by series key; empty before the first one, or when it had none. */
  readonly latest: (id: string) => ReadonlyMap<string, number>;
}

interface Entry {
  readonly query: FeedQuery;
  readonly buffer: LiveBuffer;
  state: QueryState;
  /** What the stream said about this query; the next tick with values takes it back. */
  streamError: string | undefined;
  historyPending: boolean;
}

/**
 * All data of one page: the history of each query, and one stream that carries all of them on.
 *
 *     range(query) ──→ ┌────────┐
 *                      │ buffer │ ──→ frame ──→ chart
 *     live stream  ──→ └────────┘
 *
 * After an interruption the histories are asked for again, so that the gap is filled with what the store
 * saw meanwhile. Whoever starts a feed stops it; a stopped feed never speaks again.
 */
export class Feed {
  /** The server's time when this feed was made. */
  readonly openedMs: number;
  readonly #options: FeedOptions;
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #listeners = new Set<() => void>();
  #abort = new AbortController();
  #connection: ConnectionState = { kind: 'connecting' };
  #view: FeedView;
  #lastTickMs: number | undefined;
  #lastTickSeenMs: number | undefined;
  #interrupted = false;
  /** Our time when the stream was asked for. */
  #startedMs: number;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.openedMs = options.source.now();
    this.#startedMs = options.clock.now();
    const pointsMax = maxPoints(options);
    this.#entries = new Map(
      options.queries.map((query) => [
        query.id,
        {
          query,
          buffer: new LiveBuffer(pointsMax),
          state: LOADING,
          streamError: undefined,
          historyPending: query.history,
        },
      ]),
    );
    this.#view = this.#look();
  }

  get options(): FeedOptions {
    return this.#options;
  }

  get view(): FeedView {
    return this.#view;
  }

  /**
   * Whether the stream has failed to bring anything for too long, or was lost before it brought anything.
   * Always false for a fixed range.
   */
  isStale(nowMs: number): boolean {
    const { range } = this.#options;
    if (range.kind === 'fixed') return false;
    if (this.#lastTickSeenMs === undefined && this.#connection.kind === 'lost') return true;
    const sinceMs = this.#lastTickSeenMs ?? this.#startedMs;
    return nowMs - sinceMs > range.intervalMs * INTERVALS_MISSED_MAX + 500;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  start(): void {
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    const { range, source, clock } = this.#options;
    this.#startedMs = clock.now();
    this.#loadHistories(signal);
    if (range.kind === 'fixed') return;
    const request = {
      panels: this.#options.queries.map(({ id, query }) => ({ id, query })),
      intervalMs: range.intervalMs,
    };
    void keepConnected(
      {
        open: (attempt) => source.live(request, attempt),
        clock,
        silenceMsMax: Math.max(range.intervalMs * INTERVALS_MISSED_MAX, 4000),
        onEvent: (event) => this.#onEvent(event),
        onState: (state) => this.#onConnection(state, signal),
      },
      signal,
    );
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Asks again for everything that failed. */
  retry(): void {
    for (const entry of this.#entries.values()) {
      if (entry.state.kind === 'failed') entry.state = LOADING;
    }
    this.#announce();
    this.#loadHistories(this.#abort.signal);
  }

  #loadHistories(signal: AbortSignal): void {
    const { range, stepMs, source } = this.#options;
    // One now for all of them: histories that end at different moments would not join without gaps.
    const nowMs = source.now();
    const span = range.kind === 'fixed' ? range : { fromMs: nowMs - range.spanMs, toMs: nowMs };
    const aligned = alignSpan(span, stepMs);
    for (const entry of this.#entries.values()) {
      if (entry.query.history) void this.#loadHistory(entry, aligned, signal);
    }
  }

  async #loadHistory(
    entry: Entry,
    { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { stepMs, source } = this.#options;
    try {
      const frame = await source.range(
        { query: entry.query.query, startMs: fromMs, endMs: toMs, stepMs },
        signal,
      );
      if (signal.aborted) return;
      entry.historyPending = false;
      entry.buffer.seed(frame);
      this.#settle(entry);
    } catch (thrown) {
      if (signal.aborted) return;
      // Without its past a live chart still has a present: it fails only while nothing has come.
      if (entry.state.kind !== 'ready') {
        entry.state = { kind: 'failed', message: messageOf(thrown) };
      }
    }
    this.#announce();
  }

  #onEvent(event: LiveEvent): void {
    if (event.kind === 'tick') return this.#onTick(event.timeMs, event.values);
    const entry = this.#entries.get(event.panel);
    if (!entry) return;
    if (event.kind === 'series') entry.buffer.setSeries(event.series);
    else {
      entry.streamError = event.message;
      if (entry.state.kind !== 'ready') entry.state = { kind: 'failed', message: event.message };
      this.#announce();
    }
  }

  #onTick(timeMs: number, values: ReadonlyMap<string, Float64Array>): void {
    const { range } = this.#options;
    if (range.kind === 'fixed') return;
    this.#lastTickMs = timeMs;
    this.#lastTickSeenMs = this.#options.clock.now();
    const gapMs = Math.max(range.intervalMs, this.#options.stepMs) * INTERVALS_MISSED_MAX;
    for (const [id, column] of values) {
      const entry = this.#entries.get(id);
      if (!entry) continue;
      entry.streamError = undefined;
      entry.buffer.push(timeMs, column, gapMs);
    }
    for (const entry of this.#entries.values()) {
      entry.buffer.trim(timeMs - range.spanMs);
      if (!entry.historyPending) this.#settle(entry);
    }
    this.#announce();
  }

  #settle(entry: Entry): void {
    if (entry.streamError !== undefined) {
      entry.state = { kind: 'failed', message: entry.streamError };
      return;
    }
    // A feed of latest values only is read through `latest`; a frame would be built for nobody.
    const frame = entry.query.history ? entry.buffer.frame() : EMPTY_FRAME;
    entry.state = { kind: 'ready', frame, lastValueMs: lastValueMs(frame) };
  }

  #onConnection(state: ConnectionState, signal: AbortSignal): void {
    this.#connection = state;
    if (state.kind === 'lost') this.#interrupted = true;
    if (state.kind === 'live' && this.#interrupted) {
      this.#interrupted = false;
      this.#loadHistories(signal);
    }
    this.#announce();
  }

  #look(): FeedView {
    return {
      connection: this.#connection,
      lastTickMs: this.#lastTickMs,
      lastTickSeenMs: this.#lastTickSeenMs,
      state: (id) => this.#entries.get(id)?.state ?? LOADING,
      latest: (id) => {
        const buffer = this.#entries.get(id)?.buffer;
        // A query that failed in this tick has no newest values: what it said before is the past.
        return buffer && buffer.lastTimeMs === this.#lastTickMs ? buffer.latest() : new Map();
      },
    };
  }

  #announce(): void {
    this.#view = this.#look();
    for (const listener of this.#listeners) listener();
  }
}

/** Enough for the history at its step and for a whole window of ticks, within reason. */
function maxPoints({ range, stepMs, queries }: FeedOptions): number {
  if (!queries.some((query) => query.history)) return 2;
  if (range.kind === 'fixed') return Math.ceil((range.toMs - range.fromMs) / stepMs) + 2;
  return Math.min(
    11_000,
    Math.ceil(range.spanMs / stepMs) + Math.ceil(range.spanMs / range.intervalMs) + 8,
  );
}
