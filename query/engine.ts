import { assert } from '../model/assert.ts';
import { compareLabels, NO_LABELS } from '../model/labels.ts';
import type { Platform } from '../platform/platform.ts';
import type { SeriesReader } from '../store/store.ts';
import { Budget } from './engine/budget.ts';
import { evaluate } from './engine/evaluate.ts';
import { Gate } from './engine/gate.ts';
import { Notes } from './engine/notes.ts';
import { SampleSource } from './engine/run.ts';
import type { Run } from './engine/run.ts';
import { sortedByLabels, withoutDroppedNames } from './engine/value.ts';
import type { Value } from './engine/value.ts';
import { pointsOf, rawSamples, subquerySamples } from './operators/window.ts';
import type { PlanNode, Steps } from './plan/nodes.ts';
import { planOf } from './plan/plan.ts';
import { QueryFailure } from './query.ts';
import type {
  InstantRequest,
  Matrix,
  MatrixSeries,
  Querier,
  QueryAnswer,
  QueryLimits,
  QueryValue,
  RangeAnswer,
  RangeRequest,
} from './query.ts';
import { parseExpression, typeOf } from './syntax.ts';
import { typeName } from './syntax/check.ts';

/** What `createEngine` needs to know; see `QuerierOptions` in `open.ts`. */
export interface EngineOptions {
  readonly lookbackMs: number;
  readonly limits: QueryLimits;
  readonly concurrencyMax: number;
}

/** Times beyond these are not exact in milliseconds. */
const TIME_MS_MAX = Number.MAX_SAFE_INTEGER / 2;

/** Text in, values out: reads, plans and evaluates one query at a time for each free slot. */
export function createEngine(
  options: EngineOptions,
  reader: SeriesReader,
  platform: Pick<Platform, 'clock' | 'telemetry'>,
): Querier {
  return new Engine(options, reader, platform);
}

class Engine implements Querier {
  readonly #options: EngineOptions;
  readonly #reader: SeriesReader;
  readonly #clock: Platform['clock'];
  readonly #gate: Gate;
  readonly #queries;
  readonly #durations;
  readonly #samples;

  constructor(
    options: EngineOptions,
    reader: SeriesReader,
    { clock, telemetry }: Pick<Platform, 'clock' | 'telemetry'>,
  ) {
    this.#options = options;
    this.#reader = reader;
    this.#clock = clock;
    this.#gate = new Gate(clock, options.concurrencyMax);
    this.#queries = telemetry.counter(
      'nephoscope_query_queries_total',
      'Queries by how they ended: success or the kind of failure.',
      ['outcome'],
    );
    this.#durations = telemetry.histogram(
      'nephoscope_query_duration_seconds',
      'Time from the request to the answer, waiting for a slot included.',
    );
    this.#samples = telemetry.counter(
      'nephoscope_query_samples_read_total',
      'Samples that queries read from the store.',
    );
  }

  instant(request: InstantRequest): Promise<QueryAnswer> {
    return this.#measured(request, async (limits, startedMs) => {
      checkTimes([request.timeMs]);
      const { timeMs, text } = request;
      const steps: Steps = { startMs: timeMs, stepMs: 1, count: 1 };
      const plan = planOf(parseExpression(text), {
        text,
        startMs: timeMs,
        endMs: timeMs,
        stepMs: 0,
      });
      return this.#evaluated(request, limits, startedMs, (run) => instantValue(run, plan, steps));
    });
  }

  range(request: RangeRequest): Promise<RangeAnswer> {
    return this.#measured(request, async (limits, startedMs) => {
      const { text, startMs, stepMs } = request;
      const steps = stepsOf(request, limits);
      const expression = parseExpression(text);
      const type = typeOf(expression);
      if (type !== 'scalar' && type !== 'vector') {
        throw new QueryFailure(
          'bad_data',
          `invalid expression type "${typeName(type)}" for range query, must be Scalar or instant Vector`,
          { place: expression.place },
        );
      }
      const plan = planOf(expression, { text, startMs, endMs: request.endMs, stepMs });
      return this.#evaluated(request, limits, startedMs, async (run) =>
        matrixOf(await run.evaluate(plan, steps), steps),
      );
    });
  }

  /** Counts a query and how it ended. */
  async #measured<Answer>(
    request: InstantRequest | RangeRequest,
    work: (limits: QueryLimits, startedMs: number) => Promise<Answer>,
  ): Promise<Answer> {
    const startedMs = this.#clock.monotonic();
    let outcome = 'success';
    try {
      return await work(tightened(this.#options.limits, request.limits), startedMs);
    } catch (thrown) {
      outcome = thrown instanceof QueryFailure ? thrown.code : 'internal';
      throw thrown;
    } finally {
      this.#queries.add(1, { outcome });
      this.#durations.observe((this.#clock.monotonic() - startedMs) / 1000);
    }
  }

  async #evaluated<Result extends QueryValue>(
    request: InstantRequest | RangeRequest,
    limits: QueryLimits,
    startedMs: number,
    work: (run: Run) => Promise<Result>,
  ): Promise<{ value: Result; warnings: readonly string[]; infos: readonly string[] }> {
    const budget = new Budget(this.#clock, limits, request.signal, startedMs);
    const leave = await this.#gate.enter(budget.timeLeftMs, request.signal);
    const stop = deadline(this.#clock, budget, request.signal);
    try {
      budget.check();
      const notes = new Notes(request.text);
      const run: Run = {
        lookbackMs: request.lookbackMs ?? this.#options.lookbackMs,
        budget,
        notes,
        source: new SampleSource(this.#reader, budget, stop.signal),
        evaluate: (node, steps) => evaluate(run, node, steps),
      };
      const value = await work(run);
      return { value, warnings: notes.warnings, infos: notes.infos };
    } finally {
      stop.cancel();
      leave();
      this.#samples.add(budget.samplesRead);
    }
  }
}

/** A signal for the store: aborts with the caller's or when the query's time is up. */
function deadline(
  clock: Platform['clock'],
  budget: Budget,
  outer: AbortSignal | undefined,
): { readonly signal: AbortSignal; readonly cancel: () => void } {
  const controller = new AbortController();
  const cancelTimer = clock.after(budget.timeLeftMs, () => controller.abort(budget.timeout()));
  // Not AbortSignal.any: on Node 20 each call leaves something behind at a long-lived outer signal.
  const forward = (): void => controller.abort(outer!.reason);
  if (outer?.aborted) forward();
  else outer?.addEventListener('abort', forward, { once: true });
  return {
    signal: controller.signal,
    cancel: () => {
      cancelTimer();
      outer?.removeEventListener('abort', forward);
    },
  };
}

function tightened(limits: QueryLimits, asked: Partial<QueryLimits> = {}): QueryLimits {
  return {
    timeoutMs: Math.min(limits.timeoutMs, asked.timeoutMs ?? Infinity),
    seriesMax: Math.min(limits.seriesMax, asked.seriesMax ?? Infinity),
    samplesMax: Math.min(limits.samplesMax, asked.samplesMax ?? Infinity),
    pointsMax: Math.min(limits.pointsMax, asked.pointsMax ?? Infinity),
  };
}

function checkTimes(times: readonly number[]): void {
  for (const timeMs of times) {
    if (!Number.isInteger(timeMs) || Math.abs(timeMs) > TIME_MS_MAX) {
      throw new QueryFailure(
        'bad_data',
        `${timeMs} is no time that a query can use: give whole milliseconds`,
      );
    }
  }
}

function stepsOf({ startMs, endMs, stepMs }: RangeRequest, limits: QueryLimits): Steps {
  checkTimes([startMs, endMs, stepMs]);
  if (endMs < startMs) {
    throw new QueryFailure('bad_data', 'end timestamp must not be before start time');
  }
  if (stepMs <= 0) {
    throw new QueryFailure(
      'bad_data',
      'zero or negative query resolution step widths are not accepted. Try a positive integer',
    );
  }
  const count = Math.floor((endMs - startMs) / stepMs) + 1;
  // The limit is on the distance between first and last point, as in Prometheus.
  if (count - 1 > limits.pointsMax) {
    throw new QueryFailure(
      'bad_data',
      `exceeded maximum resolution of ${limits.pointsMax} points per timeseries. Try increasing the value of the step parameter`,
    );
  }
  return { startMs, stepMs, count };
}

async function instantValue(run: Run, plan: PlanNode, steps: Steps): Promise<QueryValue> {
  const timeMs = steps.startMs;
  if (plan.kind === 'raw' || plan.kind === 'raw-subquery') {
    const samples =
      plan.kind === 'raw'
        ? await rawSamples(run, plan, steps)
        : await subquerySamples(run, plan.subquery, steps);
    return rawMatrix(samples);
  }
  const value = await run.evaluate(plan, steps);
  switch (value.kind) {
    case 'text':
      return { kind: 'string', timeMs, value: value.value };
    case 'scalar':
      return { kind: 'scalar', timeMs, value: value.values[0]! };
    case 'vector': {
      const elements: { labels: MatrixSeries['labels']; value: number }[] = [];
      for (const { labels, values, present } of withoutDroppedNames(value.series)) {
        if (present[0] === 1) elements.push({ labels, value: values[0]! });
      }
      return { kind: 'vector', timeMs, elements };
    }
  }
}

function rawMatrix(samples: readonly (MatrixSeries & { readonly dropName: boolean })[]): Matrix {
  // Raw samples share no grid of steps, so equal labels can only be refused here.
  const asSeries = samples.map(({ labels, dropName }) => ({
    labels,
    dropName,
    values: new Float64Array(1),
    present: Uint8Array.of(1),
  }));
  const named = withoutDroppedNames(asSeries);
  const series = named.map(({ labels }, i) => ({
    labels,
    times: samples[i]!.times,
    values: samples[i]!.values,
  }));
  return { kind: 'matrix', series: series.sort((a, b) => compareLabels(a.labels, b.labels)) };
}

function matrixOf(value: Value, steps: Steps): Matrix {
  assert(value.kind !== 'text', 'range queries have no strings');
  const series =
    value.kind === 'scalar'
      ? [
          {
            labels: NO_LABELS,
            values: value.values,
            present: new Uint8Array(steps.count).fill(1),
            dropName: false,
          },
        ]
      : value.series;
  return {
    kind: 'matrix',
    series: sortedByLabels(withoutDroppedNames(series)).map((each) => ({
      labels: each.labels,
      ...pointsOf(each, steps),
    })),
  };
}
