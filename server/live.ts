import type { Clock } from '../platform/clock.ts';
import type { Gauge, Telemetry } from '../platform/telemetry.ts';
import type { Querier } from '../query/query.ts';
import { LiveFailure } from './live/failure.ts';
import { SharedQuery } from './live/shared-query.ts';
import { Ticker } from './live/ticker.ts';

export { LiveFailure } from './live/failure.ts';

/** What a page wants to see live. */
export interface LiveRequest {
  readonly panels: readonly { readonly id: string; readonly query: string }[];
  /** A multiple of one second; other values are rounded up. */
  readonly intervalMs: number;
}

/** Where the lines of one connection go. */
export interface LiveSink {
  write(line: string): void;
  /** Bytes written and not yet taken by the reader. */
  readonly bytesWaiting: number;
  /** Called when we end the stream: the reader is too slow, or we are stopping. */
  end(reason: string): void;
}

export interface LiveLimits {
  readonly panelsMax: number;
  readonly connectionsMax: number;
  readonly seriesMax: number;
  readonly queriesMax: number;
  readonly queryCharactersMax: number;
  readonly idCharactersMax: number;
  readonly bytesWaitingMax: number;
  readonly intervalMsMin: number;
  readonly intervalMsMax: number;
}

export const LIVE_LIMITS: LiveLimits = {
  panelsMax: 64,
  connectionsMax: 64,
  seriesMax: 2000,
  queriesMax: 1024,
  queryCharactersMax: 16_384,
  idCharactersMax: 200,
  bytesWaitingMax: 1024 * 1024,
  intervalMsMin: 1000,
  intervalMsMax: 60_000,
};

/**
 * Evaluates the queries of all open pages each second. Equal queries of all pages and panels are evaluated
 * once for each tick, encoded once, and sent to everybody who wants them:
 *
 *     ticker (one for each interval) ──► shared queries ──► one line for each connection
 *
 * A tick at time t looks at the data of time t, a moment later, so that the samples of that second
 * are in. A tick that takes longer than the interval makes the next one be skipped.
 */
export class LiveQueries {
  readonly #querier: Querier;
  readonly #clock: Clock;
  readonly #open: Gauge;
  readonly #tickers = new Map<number, Ticker>();
  readonly #connections = new Set<Connection>();

  constructor(
    querier: Querier,
    platform: { readonly clock: Clock; readonly telemetry: Telemetry },
  ) {
    this.#querier = querier;
    this.#clock = platform.clock;
    this.#open = platform.telemetry.gauge(
      'nephoscope_server_live_connections',
      'Pages that receive live values.',
    );
  }

  /** Starts sending. The function returned ends it, silently. Fails with a `LiveFailure`. */
  subscribe(request: LiveRequest, sink: LiveSink): () => void {
    checkRequest(request);
    if (this.#connections.size >= LIVE_LIMITS.connectionsMax) {
      throw new LiveFailure(
        'too-many',
        `${LIVE_LIMITS.connectionsMax} pages are shown live already: close some of them`,
      );
    }
    const intervalMs = Math.ceil(request.intervalMs / 1000) * 1000;
    const ticker = this.#tickers.get(intervalMs) ?? this.#newTicker(intervalMs);
    const texts = new Set(request.panels.map((panel) => panel.query));
    if (ticker.queries + texts.size > LIVE_LIMITS.queriesMax) {
      throw new LiveFailure('too-many', 'too many different queries are shown live already');
    }
    const connection = new Connection(
      request.panels.map(({ id, query }) => ({ id, shared: ticker.join(query) })),
      sink,
    );
    this.#connections.add(connection);
    this.#open.set(this.#connections.size);
    const leaveTicker = ticker.listen((timeMs) => {
      if (connection.tick(timeMs)) return;
      leave();
      sink.end('the page did not read what it was sent');
    });
    let isOpen = true;
    const leave = (): void => {
      if (!isOpen) return;
      isOpen = false;
      leaveTicker();
      for (const { shared } of connection.panels) ticker.part(shared);
      if (ticker.isIdle) {
        ticker.stop();
        this.#tickers.delete(intervalMs);
      }
      this.#connections.delete(connection);
      this.#open.set(this.#connections.size);
    };
    connection.close = (reason) => {
      leave();
      sink.end(reason);
    };
    return leave;
  }

  get connections(): number {
    return this.#connections.size;
  }

  stop(): void {
    for (const connection of this.#connections) connection.close('the server is stopping');
  }

  #newTicker(intervalMs: number): Ticker {
    const ticker = new Ticker(
      this.#clock,
      intervalMs,
      (text) => new SharedQuery(text, this.#querier),
    );
    this.#tickers.set(intervalMs, ticker);
    return ticker;
  }
}

function checkRequest({ panels, intervalMs }: LiveRequest): void {
  const { panelsMax, queryCharactersMax, idCharactersMax, intervalMsMin, intervalMsMax } =
    LIVE_LIMITS;
  const refuse = (message: string): never => {
    throw new LiveFailure('bad_data', message);
  };
  if (panels.length === 0) refuse('"panels" is empty');
  if (panels.length > panelsMax)
    refuse(`${panels.length} panels are too many (limit ${panelsMax})`);
  if (!(intervalMs >= intervalMsMin && intervalMs <= intervalMsMax)) {
    refuse(`"intervalMs" must be from ${intervalMsMin} to ${intervalMsMax}`);
  }
  const ids = new Set<string>();
  for (const { id, query } of panels) {
    if (id === '' || id.length > idCharactersMax) {
      refuse(`the id of a panel must have 1 to ${idCharactersMax} characters`);
    }
    if (ids.has(id)) refuse(`two panels have the id ${JSON.stringify(id)}`);
    ids.add(id);
    if (query.length > queryCharactersMax) {
      refuse(`the query of a panel is too long (limit ${queryCharactersMax} characters)`);
    }
  }
}

interface ConnectedPanel {
  readonly id: string;
  readonly shared: SharedQuery;
}

/** One page: remembers which series and which errors it was told of. */
class Connection {
  readonly panels: readonly ConnectedPanel[];
  readonly #sink: LiveSink;
  readonly #seriesTold = new Map<string, number>();
  readonly #errorTold = new Map<string, string>();
  close: (reason: string) => void = () => {};

  constructor(panels: readonly ConnectedPanel[], sink: LiveSink) {
    this.panels = panels;
    this.#sink = sink;
  }

  /** Sends the lines of one tick; false when the reader is too slow to be kept. */
  tick(timeMs: number): boolean {
    if (this.#sink.bytesWaiting > LIVE_LIMITS.bytesWaitingMax) return false;
    let lines = '';
    const values: string[] = [];
    for (const { id, shared } of this.panels) {
      const { outcome } = shared;
      const panel = JSON.stringify(id);
      if (outcome.kind === 'none') continue;
      if (outcome.kind === 'error') {
        if (this.#errorTold.get(id) === outcome.message) continue;
        this.#errorTold.set(id, outcome.message);
        lines += `{"kind":"error","panel":${panel},"message":${JSON.stringify(outcome.message)}}\n`;
        continue;
      }
      this.#errorTold.delete(id);
      if (this.#seriesTold.get(id) !== outcome.version) {
        this.#seriesTold.set(id, outcome.version);
        lines += `{"kind":"series","panel":${panel},"series":${outcome.seriesJson}}\n`;
      }
      values.push(`${panel}:${outcome.valuesJson}`);
    }
    this.#sink.write(`${lines}{"kind":"tick","timeMs":${timeMs},"values":{${values.join(',')}}}\n`);
    return true;
  }
}
