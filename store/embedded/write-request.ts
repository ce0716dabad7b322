import { Refusals } from '../../model/refusal.ts';
import type { WriteRequest } from '../store.ts';
import type { Contents } from './contents.ts';
import { PIECE_SAMPLES } from './journal-buffer.ts';
import { KernelArea } from './kernel-area.ts';
import type { LateRow, StagedOutcome, Staging, StagingRules } from './staging.ts';

/** A list that is full is worked off, and the scan goes on. */
const MISSES_MAX = 4096;
const LATE_MAX: number = PIECE_SAMPLES + 8;
const LATE_BYTES = 24;

/** Byte forms of labels that lead to series: senders may write the same labels in many ways. */
const KEYS_SPARE = 100_000;

const FIELD_SERIES = 10;
const SERIES_LABEL = 10;
const SERIES_SAMPLE = 18;

/**
 * Brings bodies of remote write through the kernel into staging. What it cannot judge, it asks about: a series
 * that is let in is known by the bytes of its labels from then on.
 */
export class WriteRequests {
  readonly #contents: Contents;
  readonly #staging: Staging;
  readonly #body: KernelArea;
  readonly #request: KernelArea;
  readonly #misses: KernelArea;
  readonly #late: KernelArea;

  constructor(contents: Contents, staging: Staging) {
    const { kernel } = contents.head;
    this.#contents = contents;
    this.#staging = staging;
    this.#body = new KernelArea(kernel, 64 * 1024);
    this.#request = new KernelArea(kernel, 256 * 1024);
    this.#misses = new KernelArea(kernel, MISSES_MAX * 8);
    this.#late = new KernelArea(kernel, LATE_MAX * LATE_BYTES);
  }

  /**
   * Stages the samples of a body. Undefined when it is no such body: the caller takes back what was staged.
   * Fails with what `admit` throws.
   */
  async stage(request: WriteRequest, rules: StagingRules): Promise<StagedOutcome | undefined> {
    const length = this.#decompress(request);
    if (length === undefined) return undefined;
    const { calls } = this.#staging.kernel;
    const outcome: StagedOutcome = { stored: 0, repeated: 0, refusals: new Refusals() };
    const start = this.#request.at;
    for (let from = start; ;) {
      const verdict = calls.scanWriteRequest(
        start,
        length,
        from,
        this.#misses.at,
        MISSES_MAX,
        this.#late.at,
        LATE_MAX,
        Math.max(0, rules.oldestMs),
        request.latestMs,
        request.admission,
      );
      if (verdict < 0) return undefined;
      outcome.stored += calls.accepted.value;
      const stoppedAt = calls.stoppedAt.value;
      const stoppedFor = calls.stoppedFor.value;
      const misses = this.#misses.u32.slice(0, calls.missed.value * 2);
      const late = this.#lateRows(calls.late.value);
      for (let i = 0; i < misses.length; i += 2) {
        await this.#ask({ at: misses[i]!, length: misses[i + 1]! }, request, rules, outcome);
      }
      if (late.length > 0) await this.#staging.stageLate(late, rules, outcome);
      if (verdict === 0) return outcome;
      from = stoppedAt;
      if (stoppedFor <= PIECE_SAMPLES) this.#staging.makeRoom(Math.max(1, stoppedFor));
      else {
        // More samples of one series than any list has room for: the slow side takes them in parts.
        const field = this.#fieldAt(stoppedAt - start);
        await this.#ask(
          { at: stoppedAt, length: field.end - (stoppedAt - start) },
          request,
          rules,
          outcome,
        );
        from = start + field.end;
      }
    }
  }

  #decompress({ body, decodedBytesMax }: WriteRequest): number | undefined {
    const { calls } = this.#staging.kernel;
    this.#body.reserve(body.length);
    this.#body.bytes.set(body);
    const declared = Number(calls.snappyLength(this.#body.at, body.length));
    if (declared < 0 || declared > decodedBytesMax) return undefined;
    this.#request.reserve(declared);
    const { at } = this.#request;
    return calls.snappyDecompress(this.#body.at, body.length, at, declared) ? declared : undefined;
  }

  #lateRows(count: number): readonly LateRow[] {
    const { u32, f64 } = this.#late;
    const { head } = this.#contents;
    return Array.from({ length: count }, (_, i) => ({
      series: head.seriesOf(u32[i * 6]!),
      timeMs: f64[i * 3 + 1]!,
      low: u32[i * 6 + 4]!,
      high: u32[i * 6 + 5]!,
    }));
  }

  async #ask(
    field: { readonly at: number; readonly length: number },
    request: WriteRequest,
    rules: StagingRules,
    outcome: StagedOutcome,
  ): Promise<void> {
    const offset = field.at - this.#request.at;
    const part = this.#request.bytes.slice(offset, offset + field.length);
    const { batch, refused } = request.admit(part);
    outcome.refusals.addAll(refused);
    if (batch.labels.length === 0) return;
    const staged = await this.#staging.stage(batch, rules);
    outcome.stored += staged.stored;
    outcome.repeated += staged.repeated;
    outcome.refusals.addAll(staged.refusals.list());
    if (refused.length === 0) this.#remember(part, field.at, batch.labels[0]!, request.admission);
  }

  /** Lets the bytes of the labels lead to the series, if nothing else of the field says what it is. */
  #remember(
    part: Uint8Array,
    at: number,
    labels: Parameters<Contents['catalogue']['recall']>[0],
    admission: number,
  ): void {
    const key = keyOf(part);
    const series = this.#contents.catalogue.recall(labels);
    if (!key || !series || series.headId < 0) return;
    const { calls } = this.#staging.kernel;
    if (calls.findSeries(at + key.start, key.length) < 0) {
      if (calls.tableUsed.value > 2 * this.#contents.liveSeries + KEYS_SPARE) return;
      if (!calls.bindKey(at + key.start, key.length, series.headId)) return;
    }
    calls.setToken(series.headId, admission);
  }

  #fieldAt(offset: number): { readonly end: number } {
    const source = new Fields(this.#request.bytes, offset + 1, this.#request.length);
    const length = source.varint();
    return { end: source.at + length };
  }
}

/** Where the labels of a series stand in its field, if they come first and samples alone follow. */
function keyOf(part: Uint8Array): { readonly start: number; readonly length: number } | undefined {
  const source = new Fields(part, 0, part.length);
  if (source.varint() !== FIELD_SERIES) return undefined;
  source.varint();
  const start = source.at;
  let end = start;
  while (source.at < part.length) {
    const tag = source.varint();
    const isLabel = tag === SERIES_LABEL && source.at === end + 1;
    if (!isLabel && tag !== SERIES_SAMPLE) return undefined;
    const length = source.varint();
    source.at += length;
    if (isLabel) end = source.at;
  }
  return end > start ? { start, length: end - start } : undefined;
}

/** A walk over fields that were found whole before. */
class Fields {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  at: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.#bytes = bytes;
    this.at = at;
    this.#end = end;
  }

  varint(): number {
    let value = 0;
    let factor = 1;
    while (this.at < this.#end) {
      const byte = this.#bytes[this.at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) break;
      factor *= 128;
    }
    return value;
  }
}
