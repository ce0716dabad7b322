import { Failure } from '../model/failure.ts';
import { labelsFromPairs } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type { Matrix, QueryAnswer, QueryValue, Vector } from './query.ts';

/**
 * The JSON of the Prometheus query API, both ways. Runs in browsers, too: it knows the model and the
 * query's own types, nothing else.
 *
 *   {"status":"success","data":{"resultType":"matrix","result":[…]},"warnings":[…],"infos":[…]}
 *   {"status":"error","errorType":"bad_data","error":"1:5: parse error: …"}
 */

/** A number as Prometheus prints it: shortest digits that read back the same, never an exponent. */
export function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  if (value !== value) return 'NaN';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const text = String(value);
  const e = text.indexOf('e');
  if (e === -1) return text;
  const sign = text.startsWith('-') ? '-' : '';
  const mantissa = text.slice(sign.length, e);
  const power = Number(text.slice(e + 1));
  const point = mantissa.indexOf('.');
  const digits = mantissa.replace('.', '');
  // Where the decimal point stands among the digits.
  const whole = (point === -1 ? mantissa.length : point) + power;
  if (whole <= 0) return `${sign}0.${'0'.repeat(-whole)}${digits}`;
  if (whole >= digits.length) return `${sign}${digits}${'0'.repeat(whole - digits.length)}`;
  return `${sign}${digits.slice(0, whole)}.${digits.slice(whole)}`;
}

/** Reads what `numberText` writes, and Go's other spellings of the infinities. */
export function numberFromText(text: string): number {
  if (text === '+Inf' || text === 'Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return Number(text);
}

/** Milliseconds as seconds with up to three decimals: 1700000000.5. */
export function secondsText(timeMs: number): string {
  return String(Math.round(timeMs) / 1000);
}

/** The `data` member of a successful answer. */
export function encodeValue(value: QueryValue): string {
  switch (value.kind) {
    case 'scalar':
      return `{"resultType":"scalar","result":[${secondsText(value.timeMs)},"${numberText(value.value)}"]}`;
    case 'string':
      return `{"resultType":"string","result":[${secondsText(value.timeMs)},${JSON.stringify(value.value)}]}`;
    case 'vector': {
      const time = secondsText(value.timeMs);
      const elements = value.elements.map(
        (element) =>
          `{"metric":${encodeLabels(element.labels)},"value":[${time},"${numberText(element.value)}"]}`,
      );
      return `{"resultType":"vector","result":[${elements.join(',')}]}`;
    }
    case 'matrix':
      return `{"resultType":"matrix","result":[${value.series.map(encodeSeries).join(',')}]}`;
  }
}

function encodeSeries({ labels, times, values }: Matrix['series'][number]): string {
  let points = '';
  for (let i = 0; i < times.length; i++) {
    points += `${i === 0 ? '' : ','}[${secondsText(times[i]!)},"${numberText(values[i]!)}"]`;
  }
  return `{"metric":${encodeLabels(labels)},"values":[${points}]}`;
}

function encodeLabels(labels: Labels): string {
  let text = '';
  for (let i = 0; i < labels.length; i += 2) {
    text += `${i === 0 ? '' : ','}${JSON.stringify(labels[i])}:${JSON.stringify(labels[i + 1])}`;
  }
  return `{${text}}`;
}

/** The whole body of a successful answer. */
export function encodeAnswer(answer: QueryAnswer): string {
  return encodeSuccess(encodeValue(answer.value), answer);
}

/** Wraps any `data` that is JSON already. */
export function encodeSuccess(
  data: string,
  notes: { readonly warnings?: readonly string[]; readonly infos?: readonly string[] } = {},
): string {
  const member = (name: string, texts: readonly string[] = []): string =>
    texts.length === 0 ? '' : `,"${name}":${JSON.stringify(texts)}`;
  return `{"status":"success","data":${data}${member('warnings', notes.warnings)}${member('infos', notes.infos)}}`;
}

export function encodeFailure(errorType: string, error: string): string {
  return JSON.stringify({ status: 'error', errorType, error });
}

/** The code of a failure that a server sent is its `errorType`; `bad-answer` marks what is no such answer. */
export class AnswerFailure extends Failure {
  override readonly name = 'AnswerFailure';
}

/** Reads an answer of any Prometheus-like server, as text or parsed. Fails with an `AnswerFailure`. */
export function decodeAnswer(json: unknown): QueryAnswer {
  const body = record(typeof json === 'string' ? parse(json) : json, 'answer');
  if (body['status'] === 'error') {
    throw new AnswerFailure(
      typeof body['errorType'] === 'string' ? body['errorType'] : 'unknown',
      typeof body['error'] === 'string' ? body['error'] : 'the server gave no reason',
    );
  }
  const data = record(body['data'], 'data');
  return {
    value: decodeValue(data),
    warnings: texts(body['warnings']),
    infos: texts(body['infos']),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new AnswerFailure('bad-answer', 'the answer is not JSON', { cause: thrown });
  }
}

function decodeValue(data: Readonly<Record<string, unknown>>): QueryValue {
  const { resultType, result } = data as { resultType?: unknown; result?: unknown };
  if (resultType === 'scalar' || resultType === 'string') {
    const [time, text] = point(result);
    return resultType === 'scalar'
      ? { kind: 'scalar', timeMs: toMs(time), value: numberFromText(text) }
      : { kind: 'string', timeMs: toMs(time), value: text };
  }
  const rows = list(result).map((row) => record(row, 'result'));
  if (resultType === 'vector') return decodeVector(rows);
  if (resultType === 'matrix') {
    return {
      kind: 'matrix',
      series: rows.map((row) => {
        const points = list(row['values']);
        const times = new Float64Array(points.length);
        const values = new Float64Array(points.length);
        points.forEach((each, i) => {
          const [time, text] = point(each);
          times[i] = toMs(time);
          values[i] = numberFromText(text);
        });
        return { labels: decodeLabels(row['metric']), times, values };
      }),
    };
  }
  throw bad('resultType');
}

function decodeVector(rows: readonly Readonly<Record<string, unknown>>[]): Vector {
  let timeMs = 0;
  const elements = rows.map((row) => {
    const [time, text] = point(row['value']);
    timeMs = toMs(time);
    return { labels: decodeLabels(row['metric']), value: numberFromText(text) };
  });
  return { kind: 'vector', timeMs, elements };
}

function decodeLabels(value: unknown): Labels {
  const pairs = Object.entries(record(value, 'metric'));
  return labelsFromPairs(pairs.map(([name, text]) => [name, String(text)]));
}

function toMs(seconds: number): number {
  return Math.round(seconds * 1000);
}

function bad(what: string): AnswerFailure {
  return new AnswerFailure('bad-answer', `the answer of the query API has no readable ${what}`);
}

function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(what);
  return value as Readonly<Record<string, unknown>>;
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw bad('result');
  return value;
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

function point(value: unknown): readonly [number, string] {
  const [time, text] = list(value);
  if (typeof time !== 'number' || typeof text !== 'string') throw bad('point');
  return [time, text];
}
