import { assert } from '../model/assert.ts';
import { isSortedLabels, labelsToText, metricName } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import { Refusals } from '../model/refusal.ts';
import type { Refusal, RefusalReason } from '../model/refusal.ts';
import { assertBatch } from '../model/sample.ts';
import type { SampleBatch } from '../model/sample.ts';
import type { Platform } from '../platform/platform.ts';
import type { Counter, Gauge } from '../platform/telemetry.ts';
import { StoreFailure } from '../store/store.ts';
import type { SampleWriter } from '../store/store.ts';
import { checkLabels } from './admission/label-limits.ts';
import type { LabelFault } from './admission/label-limits.ts';
import { RefusalReport } from './admission/refusal-report.ts';
import { SourceLedger } from './admission/source-ledger.ts';
import type { SourceAccount } from './admission/source-ledger.ts';
import type { Acceptance, Ingest, IngestLimits, Origin, PushedBody } from './ingest.ts';

export interface IngestOptions {
  readonly limits: IngestLimits;
}

/**
 * The gate in front of the store. Checking names and limits costs as much as storing, so it is done once
 * for each label set: a set that passed is remembered by the identity of its object. Sources keep their
 * objects (the collector) or get the same ones back (decoders with a cache), so that in the steady state
 * a row costs one look-up and two comparisons of its time.
 */
export function createIngest(
  options: IngestOptions,
  writer: SampleWriter,
  platform: Pick<Platform, 'clock' | 'log' | 'telemetry'>,
): Ingest {
  return new Gate(options.limits, writer, platform);
}

/** Of a compressed body: a guess of how many samples wait in it, on the safe side. */
const BYTES_PER_SAMPLE = 4;

/** That a label set passed, and for whom: another sender must pay for it from its own account. */
interface Admission {
  readonly account: SourceAccount | undefined;
  readonly epoch: number;
}

class Gate implements Ingest {
  readonly #limits: IngestLimits;
  readonly #writer: SampleWriter;
  readonly #clock: Platform['clock'];
  readonly #ledger: SourceLedger;
  readonly #report: RefusalReport;
  readonly #accepted: Counter;
  readonly #refused: Counter;
  readonly #underWayGauge: Gauge;
  readonly #admitted = new WeakMap<Labels, Admission>();
  #underWay = 0;

  constructor(
    limits: IngestLimits,
    writer: SampleWriter,
    platform: Pick<Platform, 'clock' | 'log' | 'telemetry'>,
  ) {
    this.#limits = limits;
    this.#writer = writer;
    this.#clock = platform.clock;
    this.#ledger = new SourceLedger(limits.seriesPerSourceMax);
    this.#report = new RefusalReport(platform.log.component('ingest'), platform.clock);
    const { telemetry } = platform;
    this.#accepted = telemetry.counter(
      'nephoscope_ingest_samples_total',
      'Samples accepted and durable, by the way they came.',
      ['origin'],
    );
    this.#refused = telemetry.counter(
      'nephoscope_ingest_refused_total',
      'Samples refused, by reason.',
      ['reason'],
    );
    this.#underWayGauge = telemetry.gauge(
      'nephoscope_ingest_samples_under_way',
      'Samples handed to the store and not yet durable.',
    );
  }

  async accept(
    batch: SampleBatch,
    origin: Origin,
    refusedBefore: readonly Refusal[] = [],
  ): Promise<Acceptance> {
    assertBatch(batch);
    this.#checkRoom(batch.labels.length);
    const refusals = new Refusals();
    refusals.addAll(refusedBefore);
    const passed = this.#admit(batch, origin, refusals);
    let stored = 0;
    if (passed.labels.length > 0) stored = await this.#store(passed, refusals);
    if (stored > 0) this.#accepted.add(stored, { origin: origin.kind });
    const refused = refusals.list();
    this.#noteRefused(refused, origin);
    return { accepted: stored, refused };
  }

  async acceptBody(pushed: PushedBody, origin: Origin): Promise<Acceptance> {
    const { bytes } = pushed;
    const rows = Math.ceil(bytes.length / BYTES_PER_SAMPLE);
    this.#checkRoom(rows);
    const now = this.#clock.now();
    const outcome = await this.#holding(rows, async () =>
      this.#writer.appendWriteRequest?.({
        body: bytes,
        decodedBytesMax: this.#limits.decodedBytesMax,
        latestMs: now + this.#limits.futureMs,
        admission: this.#ledger.account(origin.source, now).admission,
        admit: (part) => {
          const { batch, refused } = pushed.readPart(part);
          const refusals = new Refusals();
          refusals.addAll(refused);
          return { batch: this.#admit(batch, origin, refusals), refused: refusals.list() };
        },
      }),
    );
    if (!outcome) {
      const { batch, refused } = pushed.readAll();
      return this.accept(batch, origin, refused);
    }
    const accepted = outcome.stored + outcome.repeated;
    if (accepted > 0) this.#accepted.add(accepted, { origin: origin.kind });
    this.#noteRefused(outcome.refused, origin);
    return { accepted, refused: outcome.refused };
  }

  #checkRoom(rows: number): void {
    const { samplesUnderWayMax } = this.#limits;
    // One batch may always pass, or a sender of large ones would be told to come back for ever.
    if (this.#underWay === 0 || this.#underWay + rows <= samplesUnderWayMax) return;
    throw new StoreFailure(
      'overloaded',
      `${this.#underWay} samples wait for the disk and ${rows} more would exceed the limit of ` +
        `${samplesUnderWayMax}: send again later, or more slowly`,
    );
  }

  async #holding<T>(rows: number, work: () => Promise<T>): Promise<T> {
    this.#underWay += rows;
    this.#underWayGauge.set(this.#underWay);
    try {
      return await work();
    } finally {
      this.#underWay -= rows;
      this.#underWayGauge.set(this.#underWay);
    }
  }

  #noteRefused(refused: readonly Refusal[], origin: Origin): void {
    for (const refusal of refused) {
      this.#refused.add(refusal.count, { reason: refusal.reason });
      this.#report.note(refusal, origin);
    }
  }

  async #store(batch: SampleBatch, refusals: Refusals): Promise<number> {
    const outcome = await this.#holding(batch.labels.length, () => this.#writer.append(batch));
    refusals.addAll(outcome.refused);
    return outcome.stored + outcome.repeated;
  }

  /** The batch without the rows that may not enter; the very same batch when all may. */
  #admit(batch: SampleBatch, origin: Origin, refusals: Refusals): SampleBatch {
    const { labels, times } = batch;
    const now = this.#clock.now();
    const account =
      origin.kind === 'remote-write' ? this.#ledger.account(origin.source, now) : undefined;
    const latest = now + this.#limits.futureMs;
    // Rows that stay, once the first one has been refused.
    let kept: number[] | undefined;
    let last: Labels | undefined;
    let fault: LabelFault | undefined;
    for (let row = 0; row < labels.length; row++) {
      const series = labels[row]!;
      if (series !== last) {
        last = series;
        fault = this.#faultOf(series, account);
      }
      const time = times[row]!;
      const reason = fault?.reason ?? faultOfTime(time, latest);
      if (reason === undefined) {
        kept?.push(row);
        continue;
      }
      kept ??= Array.from({ length: row }, (_, i) => i);
      const why = fault?.why ?? ((): string => explainTime(series, time, now, this.#limits));
      refusals.add(reason, why);
    }
    return kept === undefined ? batch : onlyRows(batch, kept);
  }

  #faultOf(series: Labels, account: SourceAccount | undefined): LabelFault | undefined {
    const epoch = account?.epoch ?? 0;
    const known = this.#admitted.get(series);
    if (known !== undefined && known.account === account && known.epoch === epoch) return undefined;
    if (known === undefined) {
      assert(isSortedLabels(series), 'label sets come sorted and without duplicates');
      const fault = checkLabels(series, this.#limits);
      if (fault) return fault;
    }
    if (account && !account.admit(series)) {
      const limit = this.#limits.seriesPerSourceMax;
      return {
        reason: 'source-series-limit',
        why: () =>
          `${labelsToText(series)} is one series too many: ${account.source} already keeps ${limit} ` +
          `alive (raise ingest.series_per_source_max, or send fewer)`,
      };
    }
    this.#admitted.set(series, { account, epoch });
    return undefined;
  }
}

function faultOfTime(timeMs: number, latestMs: number): RefusalReason | undefined {
  if (timeMs > latestMs) return 'too-far-in-future';
  return timeMs >= 0 && Number.isSafeInteger(timeMs) ? undefined : 'bad-timestamp';
}

function explainTime(
  series: Labels,
  timeMs: number,
  nowMs: number,
  { futureMs }: IngestLimits,
): string {
  const name = metricName(series);
  if (timeMs > nowMs) {
    const ahead = Math.round((timeMs - nowMs) / 1000);
    return `${name} has a time ${ahead} s ahead of our clock (limit ${futureMs / 1000} s): check the sender's clock`;
  }
  return `${name} has the time ${timeMs}, which is not a whole number of milliseconds since 1970`;
}

/** Copies rows bit by bit: the payload of a NaN has a meaning. */
function onlyRows(batch: SampleBatch, rows: readonly number[]): SampleBatch {
  const values = new Float64Array(rows.length);
  const from = new Uint32Array(
    batch.values.buffer,
    batch.values.byteOffset,
    batch.values.length * 2,
  );
  const to = new Uint32Array(values.buffer);
  rows.forEach((row, i) => {
    to[i * 2] = from[row * 2]!;
    to[i * 2 + 1] = from[row * 2 + 1]!;
  });
  return {
    labels: rows.map((row) => batch.labels[row]!),
    times: Float64Array.from(rows, (row) => batch.times[row]!),
    values,
  };
}
