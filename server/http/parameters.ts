import type { FastifyRequest } from 'fastify';
import { parseDuration } from '../../model/duration.ts';
import { parseRfc3339 } from '../time-text.ts';
import { RequestFailure } from './statuses.ts';

/**
 * The parameters of a request as Prometheus reads them: of the form body first, then of the URL. A name
 * may occur again and again (`match[]`); where one value is wanted, the first counts.
 */
export class Parameters {
  readonly #sources: readonly URLSearchParams[];

  constructor(request: FastifyRequest) {
    const { url } = request.raw;
    const mark = url?.indexOf('?') ?? -1;
    const query = new URLSearchParams(mark === -1 ? '' : url!.slice(mark + 1));
    this.#sources = request.body instanceof URLSearchParams ? [request.body, query] : [query];
  }

  all(name: string): readonly string[] {
    return this.#sources.flatMap((source) => source.getAll(name));
  }

  /** The first value; undefined when the parameter is absent or empty. */
  text(name: string): string | undefined {
    return this.all(name)[0] || undefined;
  }

  needed(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw bad(name, 'is missing');
    return value;
  }

  /** Float seconds or RFC 3339, as milliseconds. */
  time(name: string, fallback?: number): number {
    const value = this.text(name);
    if (value === undefined) {
      if (fallback === undefined) throw bad(name, 'is missing');
      return fallback;
    }
    const ms = parseTime(value);
    if (ms === undefined) throw bad(name, `cannot parse ${quoted(value)} to a valid timestamp`);
    return ms;
  }

  /** Float seconds or a duration with units, as milliseconds; positive. */
  duration(name: string, fallback?: number): number {
    const value = this.text(name);
    if (value === undefined) {
      if (fallback === undefined) throw bad(name, 'is missing');
      return fallback;
    }
    const seconds = NUMBER.test(value) ? Number(value) : undefined;
    const ms = seconds === undefined ? parseDuration(value) : Math.round(seconds * 1000);
    if (ms === undefined || !Number.isSafeInteger(ms)) {
      throw bad(name, `cannot parse ${quoted(value)} to a valid duration`);
    }
    if (ms <= 0) {
      throw bad(name, 'zero or negative is not accepted. Try a positive number');
    }
    return ms;
  }

  /** How many results are wanted; Infinity when not said, and 0 says so, too. */
  limit(): number {
    const value = this.text('limit');
    if (value === undefined) return Infinity;
    if (!/^\d{1,15}$/.test(value)) throw bad('limit', 'must be a whole number of 0 or more');
    return Number(value) || Infinity;
  }
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Prometheus's own bounds: the first and the last time that Go can handle. Used by clients for "all". */
const MIN_TIME = /^-(?:292273086|292277022365)-/;
const TIME_MS_MAX = 8.64e15;

export function parseTime(text: string): number | undefined {
  if (NUMBER.test(text)) {
    const ms = Math.round(Number(text) * 1000);
    return Math.abs(ms) <= TIME_MS_MAX ? ms : undefined;
  }
  if (MIN_TIME.test(text)) return -TIME_MS_MAX;
  if (/^\+?29\d{7,10}-/.test(text)) return TIME_MS_MAX;
  return parseRfc3339(text);
}

export function bad(name: string, why: string): RequestFailure {
  return new RequestFailure('bad_data', `invalid parameter "${name}": ${why}`);
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
