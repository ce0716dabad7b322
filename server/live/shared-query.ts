import { messageOf } from '../../model/failure.ts';
import { NO_LABELS, labelsKey, labelsToRecord } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { numberText } from '../../query/wire.ts';
import { QueryFailure } from '../../query/query.ts';
import type { Querier, QueryValue } from '../../query/query.ts';

const SERIES_MAX = 2000;
/** A series that is absent for this many ticks is forgotten; until then its value is null. */
const ABSENT_TICKS_MAX = 60;

/** What the latest tick gave; as text, since everybody gets the same. */
export type Outcome =
  | { readonly kind: 'none' }
  | { readonly kind: 'error'; readonly message: string }
  | {
      readonly kind: 'values';
      /** Changes whenever the list of series does. */
      readonly version: number;
      readonly seriesJson: string;
      /** In the order of the series. */
      readonly valuesJson: string;
    };

/**
 * How far back a live value may come from: our slowest source speaks every 30 s. The five minutes of other
 * queries would show the last words of a dead host as its present.
 */
const LOOKBACK_MS = 35_000;

type Element = readonly [Labels, number];

/** One query that any number of panels show. */
export class SharedQuery {
  readonly text: string;
  readonly #querier: Querier;
  #outcome: Outcome = { kind: 'none' };
  /** Position and last tick of each series that the panels know of. */
  #positions = new Map<string, { readonly position: number; seenTick: number }>();
  #seriesJson = '[]';
  #version = 0;
  #tick = 0;
  /** A text that cannot be read will not become readable. */
  #isHopeless = false;

  constructor(text: string, querier: Querier) {
    this.text = text;
    this.#querier = querier;
  }

  get outcome(): Outcome {
    return this.#outcome;
  }

  /** Never rejects: what goes wrong is the outcome. */
  async evaluate(timeMs: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.#isHopeless) return;
    this.#tick++;
    try {
      const answer = await this.#querier.instant({
        text: this.text,
        timeMs,
        lookbackMs: LOOKBACK_MS,
        limits: { timeoutMs },
        signal,
      });
      const elements = elementsOf(answer.value);
      if (elements.length > SERIES_MAX) {
        throw new QueryFailure(
          'execution',
          `the query gives ${elements.length} series (limit ${SERIES_MAX}): aggregate them`,
        );
      }
      this.#outcome = this.#encode(elements);
    } catch (thrown) {
      this.#isHopeless = thrown instanceof QueryFailure && thrown.code === 'bad_data';
      this.#outcome = { kind: 'error', message: messageOf(thrown) };
    }
  }

  #encode(elements: readonly Element[]): Outcome {
    const keys = elements.map(([labels]) => labelsKey(labels));
    if (this.#needsNewList(keys)) {
      this.#positions = new Map(
        keys.map((key, position) => [key, { position, seenTick: this.#tick }]),
      );
      this.#seriesJson = JSON.stringify(elements.map(([labels]) => labelsToRecord(labels)));
      this.#version++;
    }
    const column: string[] = Array.from({ length: this.#positions.size }, () => 'null');
    elements.forEach(([, value], i) => {
      const place = this.#positions.get(keys[i]!)!;
      place.seenTick = this.#tick;
      column[place.position] = Number.isFinite(value) ? String(value) : `"${numberText(value)}"`;
    });
    return {
      kind: 'values',
      version: this.#version,
      seriesJson: this.#seriesJson,
      valuesJson: `[${column.join(',')}]`,
    };
  }

  /** A new series needs a new list; one that is absent for a moment does not. */
  #needsNewList(keys: readonly string[]): boolean {
    if (this.#version === 0 || keys.some((key) => !this.#positions.has(key))) return true;
    if (keys.length === this.#positions.size) return false;
    const present = new Set(keys);
    for (const [key, { seenTick }] of this.#positions) {
      if (!present.has(key) && this.#tick - seenTick > ABSENT_TICKS_MAX) return true;
    }
    return false;
  }
}

function elementsOf(value: QueryValue): readonly Element[] {
  switch (value.kind) {
    case 'vector':
      return value.elements.map(({ labels, value }) => [labels, value] as const);
    case 'scalar':
      return [[NO_LABELS, value.value]];
    case 'matrix':
    case 'string':
      throw new QueryFailure(
        'bad_data',
        `a panel needs one number for each series, and this query gives a ${value.kind}`,
      );
  }
}
