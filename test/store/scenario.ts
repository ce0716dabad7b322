import { equalLabels, labelsKey, metric } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { BatchBuilder } from '../../model/sample.ts';
import type { SampleBatch } from '../../model/sample.ts';
import { openEmbeddedStore } from '../../store/embedded/database.ts';
import { TUNING } from '../../store/embedded/tuning.ts';
import type { Tuning } from '../../store/embedded/tuning.ts';
import { createBodyDecoder } from '../../ingest/formats.ts';
import type { AppendOutcome, RawSeries, Store, WriteRequest } from '../../store/store.ts';
import { encodeRequest, encodeSnappy } from '../ingest/remote-write-encoder.ts';
import { KERNEL } from './kernel/kernel-fixture.ts';
import { settle } from '../simulation/simulated-clock.ts';
import type { SimulatedPlatform } from '../simulation/simulated-platform.ts';

export const DIRECTORY = '/data/store';
export const DAY_MS = 86_400_000;

/** Small enough that a few hundred samples pass through every stage. */
export const SMALL: Tuning = {
  ...TUNING,
  headSamplesMax: 40,
  segmentBytesMax: 2000,
  chunkSamples: 8,
  chunkSamplesMerged: 16,
  mergeFactor: 2,
  maintenanceIntervalMs: 1000,
};

export async function openSmall(
  platform: SimulatedPlatform,
  options: { retentionMs?: number; seriesMax?: number; tuning?: Partial<Tuning> } = {},
): Promise<Store> {
  const { retentionMs = DAY_MS, seriesMax = 10_000, tuning } = options;
  return openEmbeddedStore(
    { directory: DIRECTORY, kernel: KERNEL, retentionMs, seriesMax },
    platform,
    {
      ...SMALL,
      ...tuning,
    },
  );
}

export interface Row {
  readonly labels: Labels;
  readonly timeMs: number;
  readonly value: number;
}

export function batchOf(rows: readonly Row[]): SampleBatch {
  const builder = new BatchBuilder(rows.length);
  for (const { labels, timeMs, value } of rows) builder.push(labels, timeMs, value);
  return builder.take();
}

const decoder = createBodyDecoder({ bodyBytesMax: 1e9, decodedBytesMax: 1e9 });
const REMOTE_WRITE = { contentType: undefined, contentEncoding: 'snappy' } as const;

/** A series for each stretch of rows that one series has, as senders write them. */
export function bodyOf(rows: readonly Row[]): Uint8Array {
  const series: { labels: Labels; samples: { timeMs: number; value: number }[] }[] = [];
  for (const { labels, timeMs, value } of rows) {
    const last = series.at(-1);
    if (last && equalLabels(last.labels, labels)) last.samples.push({ timeMs, value });
    else series.push({ labels, samples: [{ timeMs, value }] });
  }
  const pairsOf = (labels: Labels): [string, string][] =>
    Array.from({ length: labels.length / 2 }, (_, i) => [labels[2 * i]!, labels[2 * i + 1]!]);
  return encodeSnappy(
    encodeRequest(series.map(({ labels, samples }) => ({ labels: pairsOf(labels), samples }))),
  );
}

/** What a gate asks of a store that takes bodies, without limits of its own. */
export function requestOf(body: Uint8Array, admission = 1): WriteRequest {
  const read = decoder.partReader(body, REMOTE_WRITE);
  return {
    body,
    decodedBytesMax: 1_000_000,
    latestMs: Number.MAX_SAFE_INTEGER,
    admission,
    admit: (part) => read(part),
  };
}

/** The same as `append`, as a body of remote write. */
export async function appendBody(store: Store, rows: readonly Row[]): Promise<AppendOutcome> {
  const outcome = await store.appendWriteRequest!(requestOf(bodyOf(rows)));
  if (!outcome) throw new Error('the body was not understood');
  return outcome;
}

export function row(name: string, timeMs: number, value: number): Row {
  return { labels: metric(name), timeMs, value };
}

export const EVERYTHING = {
  matchers: [],
  fromMs: -Infinity,
  toMs: Infinity,
  budget: { seriesMax: 1_000_000, samplesMax: 10_000_000 },
} as const;

export async function readAll(store: Store): Promise<readonly RawSeries[]> {
  return store.select(EVERYTHING);
}

export type Outcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'ended' };

/** Waits for work that needs no time to pass; a process that has ended leaves it unsettled. */
export async function outcomeOf<T>(
  work: Promise<T>,
  platform: SimulatedPlatform,
): Promise<Outcome<T>> {
  const settled: Outcome<T>[] = [];
  work.then(
    (value) => settled.push({ kind: 'done', value }),
    (error: unknown) => settled.push({ kind: 'failed', error }),
  );
  let turns = 10_000;
  while (settled.length === 0 && !platform.files.hasEnded && turns-- > 0) await settle();
  return settled[0] ?? { kind: 'ended' };
}

/** What a store may and must hold, learnt from the answers to appends. */
export class Ledger {
  /** Series and time to the bits of the value. */
  readonly #acknowledged = new Map<string, bigint>();
  /** Values that may have been stored: a failed or unanswered append tells nothing. */
  readonly #possible = new Map<string, Set<bigint>>();

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  sent(rows: readonly Row[]): void {
    for (const one of rows) {
      const key = keyOf(one.labels, one.timeMs);
      const values = this.#possible.get(key) ?? new Set();
      this.#possible.set(key, values.add(bitsOf(one.value)));
    }
  }

  /** All rows of the batch were answered for, and none was refused. */
  stored(rows: readonly Row[], outcome: AppendOutcome): void {
    if (outcome.refused.length > 0) return;
    for (const one of rows) {
      const key = keyOf(one.labels, one.timeMs);
      if (!this.#acknowledged.has(key)) this.#acknowledged.set(key, bitsOf(one.value));
    }
  }

  /** Every breach of the promise in what a store answers, in words. */
  breaches(answer: readonly RawSeries[]): readonly string[] {
    const found = new Map<string, bigint>();
    const breaches: string[] = [];
    answer.forEach(({ labels, times, values }, i) => {
      if (i > 0 && equalLabels(labels, answer[i - 1]!.labels)) breaches.push('a series twice');
      times.forEach((timeMs, at) => {
        if (at > 0 && times[at - 1]! >= timeMs) breaches.push(`times do not ascend at ${timeMs}`);
        const key = keyOf(labels, timeMs);
        const bits = bitsOf(values[at]!);
        found.set(key, bits);
        if (!this.#possible.get(key)?.has(bits)) breaches.push(`invented: ${key} ${bits}`);
      });
    });
    for (const [key, bits] of this.#acknowledged) {
      if (found.get(key) === undefined) breaches.push(`lost: ${key}`);
      else if (found.get(key) !== bits) breaches.push(`changed: ${key}`);
    }
    return breaches;
  }
}

function keyOf(labels: Labels, timeMs: number): string {
  return `${labelsKey(labels)}@${timeMs}`;
}

function bitsOf(value: number): bigint {
  return new BigUint64Array(new Float64Array([value]).buffer)[0]!;
}

/**
 * A day in the life of a store in miniature: appends of several series, late samples, samples of another
 * window, concurrent appends; enough for several flushes and merges. Ends early with the process.
 */
export async function liveThrough(
  platform: SimulatedPlatform,
  ledger: Ledger,
  options: { rounds?: number; seedValue?: number } = {},
): Promise<Store | undefined> {
  const { rounds = 14, seedValue = 0 } = options;
  const opening = await outcomeOf(openSmall(platform), platform);
  if (opening.kind !== 'done') return undefined;
  const store = opening.value;
  const base = platform.clock.now() - 3 * 3_600_000;
  for (let round = 0; round < rounds && !platform.files.hasEnded; round++) {
    const appends = [0, 1].map((half) => {
      const rows: Row[] = [];
      for (let i = 0; i < 6; i++) {
        const timeMs = base + round * 1000 + half;
        rows.push(row(`series_${i % 4}`, timeMs + i * 7, seedValue + round * 10 + i));
      }
      if (round % 3 === 2) rows.push(row('series_0', base - round * 500 - half, round + 0.5));
      if (round % 5 === 4) rows.push(row('old', base - 6 * 3_600_000 - round - half, -0));
      ledger.sent(rows);
      const append = half === 0 ? store.append(batchOf(rows)) : appendBody(store, rows);
      return { rows, work: outcomeOf(append, platform) };
    });
    for (const { rows, work } of appends) {
      const outcome = await work;
      if (outcome.kind === 'done') ledger.stored(rows, outcome.value);
    }
    if (!platform.files.hasEnded) await platform.clock.advance(1000);
  }
  return platform.files.hasEnded ? undefined : store;
}
