import { Failure } from '../../model/failure.ts';

/** What is wrong with a request as such, before any part of Nephoscope is asked. */
export type RequestFailureCode =
  | 'bad_data'
  | 'not-found'
  | 'method-not-allowed'
  | 'host-refused'
  | 'origin-refused'
  | 'starting'
  | 'stopping'
  | 'role-off'
  | 'too-many'
  | 'bad-reload';

export class RequestFailure extends Failure<RequestFailureCode> {
  override readonly name = 'RequestFailure';
}

interface Status {
  readonly status: number;
  /** As the Prometheus API names kinds of errors. */
  readonly errorType: string;
  readonly retryAfterSeconds?: number;
}

/** The one place where failures become HTTP statuses, by their code. */
const STATUSES: Readonly<Record<string, Status>> = {
  // Requests.
  'not-found': { status: 404, errorType: 'not_found' },
  'method-not-allowed': { status: 405, errorType: 'bad_data' },
  'host-refused': { status: 421, errorType: 'bad_data' },
  'origin-refused': { status: 403, errorType: 'bad_data' },
  starting: { status: 503, errorType: 'unavailable', retryAfterSeconds: 1 },
  stopping: { status: 503, errorType: 'unavailable', retryAfterSeconds: 5 },
  'role-off': { status: 404, errorType: 'not_found' },
  'too-many': { status: 429, errorType: 'unavailable', retryAfterSeconds: 5 },
  'bad-reload': { status: 500, errorType: 'execution' },
  // Queries.
  bad_data: { status: 400, errorType: 'bad_data' },
  execution: { status: 422, errorType: 'execution' },
  timeout: { status: 503, errorType: 'timeout' },
  canceled: { status: 503, errorType: 'canceled' },
  unavailable: { status: 503, errorType: 'unavailable', retryAfterSeconds: 5 },
  'bad-pattern': { status: 400, errorType: 'bad_data' },
  'bad-duration': { status: 400, errorType: 'bad_data' },
  // Bodies.
  malformed: { status: 400, errorType: 'bad_data' },
  'too-large': { status: 413, errorType: 'bad_data' },
  'unsupported-format': { status: 415, errorType: 'bad_data' },
  // The store.
  closed: { status: 503, errorType: 'unavailable', retryAfterSeconds: 5 },
  overloaded: { status: 429, errorType: 'unavailable', retryAfterSeconds: 1 },
  'disk-full': { status: 503, errorType: 'unavailable', retryAfterSeconds: 30 },
  'disk-failed': { status: 503, errorType: 'unavailable', retryAfterSeconds: 30 },
  corrupt: { status: 500, errorType: 'internal' },
  'newer-format': { status: 500, errorType: 'internal' },
  'limit-series': { status: 422, errorType: 'execution' },
  'limit-samples': { status: 422, errorType: 'execution' },
};

export interface FailureAnswer extends Status {
  readonly message: string;
  /** Whether nobody planned for this: then it is logged, and the caller is told nothing of it. */
  readonly isBug: boolean;
}

export function answerTo(thrown: unknown): FailureAnswer {
  if (thrown instanceof Failure) {
    const status = Object.hasOwn(STATUSES, thrown.code) ? STATUSES[thrown.code] : undefined;
    if (status) return { ...status, message: thrown.message, isBug: false };
  }
  const framework = frameworkStatus(thrown);
  if (framework) return framework;
  return {
    status: 500,
    errorType: 'internal',
    message: 'internal error; the log says more',
    isBug: true,
  };
}

/** What the HTTP framework refuses by itself (a body that is too long, a broken header) carries its status. */
function frameworkStatus(thrown: unknown): FailureAnswer | undefined {
  if (!(thrown instanceof Error) || !('statusCode' in thrown)) return undefined;
  const { statusCode: status } = thrown;
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  return { status, errorType: 'bad_data', message: thrown.message, isBug: false };
}
