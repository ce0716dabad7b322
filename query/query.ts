import { Failure } from '../model/failure.ts';
import type { Labels } from '../model/labels.ts';

/** Evaluates PromQL: text in, values out. */
export interface Querier {
  /** Fails with a `QueryFailure`. */
  instant(request: InstantRequest): Promise<QueryAnswer>;
  /** The value is always a matrix. Fails with a `QueryFailure`. */
  range(request: RangeRequest): Promise<RangeAnswer>;
}

export interface QueryLimits {
  readonly timeoutMs: number;
  readonly seriesMax: number;
  readonly samplesMax: number;
  /** Points in each series of a range query. */
  readonly pointsMax: number;
}

interface Request {
  readonly text: string;
  /** How far back an instant selector looks for a sample; the engine's default unless given. */
  readonly lookbackMs?: number;
  /** Each tightens the engine's own limit, never loosens it. */
  readonly limits?: Partial<QueryLimits>;
  readonly signal?: AbortSignal;
}

export interface InstantRequest extends Request {
  readonly timeMs: number;
}

export interface RangeRequest extends Request {
  readonly startMs: number;
  /** Inclusive. */
  readonly endMs: number;
  readonly stepMs: number;
}

export interface QueryAnswer {
  readonly value: QueryValue;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

export interface RangeAnswer extends QueryAnswer {
  readonly value: Matrix;
}

export type QueryValue = Scalar | Text | Vector | Matrix;

export interface Scalar {
  readonly kind: 'scalar';
  readonly timeMs: number;
  readonly value: number;
}

export interface Text {
  readonly kind: 'string';
  readonly timeMs: number;
  readonly value: string;
}

/** One element for each series, all at one time. The order is the answer's own (`sort` and `topk` give one). */
export interface Vector {
  readonly kind: 'vector';
  readonly timeMs: number;
  readonly elements: readonly { readonly labels: Labels; readonly value: number }[];
}

/** Series as columns, times ascending; a step without a value is simply not there. */
export interface Matrix {
  readonly kind: 'matrix';
  readonly series: readonly MatrixSeries[];
}

export interface MatrixSeries {
  readonly labels: Labels;
  readonly times: Float64Array;
  readonly values: Float64Array;
}

/** The names are those of the Prometheus API's `errorType`. */
export type QueryFailureCode = 'bad_data' | 'execution' | 'timeout' | 'canceled' | 'unavailable';

export class QueryFailure extends Failure<QueryFailureCode> {
  override readonly name = 'QueryFailure';
  /** Where in the query text, when the failure has a place: UTF-16 offsets, end exclusive. */
  readonly place: { readonly from: number; readonly to: number } | undefined;

  constructor(
    code: QueryFailureCode,
    message: string,
    options?: {
      readonly cause?: unknown;
      readonly place?: { readonly from: number; readonly to: number };
    },
  ) {
    super(code, message, options);
    this.place = options?.place;
  }
}
