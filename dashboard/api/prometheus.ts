import { decodeValue, seriesKey } from '../live/event.ts';
import type { LabelRecord } from '../live/event.ts';
import type { RangeRequest } from '../live/feed.ts';
import type { Frame } from '../live/frame.ts';
import { getJson, postForm } from './request.ts';

interface MatrixAnswer {
  readonly data: {
    readonly result: readonly {
      readonly metric: LabelRecord;
      readonly values: readonly (readonly [number, string])[];
    }[];
  };
}

/**
 * How far back a point may look for a sample. The slowest source speaks every 30 s; with the five minutes
 * that are usual elsewhere, a gap would be bridged by a flat line.
 */
const LOOKBACK_MS = 35_000;

export async function fetchRange(request: RangeRequest, signal: AbortSignal): Promise<Frame> {
  const answer = (await postForm(
    '/api/v1/query_range',
    {
      query: request.query,
      start: String(request.startMs / 1000),
      end: String(request.endMs / 1000),
      step: String(request.stepMs / 1000),
      lookback_delta: `${Math.max(LOOKBACK_MS, request.stepMs) / 1000}`,
    },
    signal,
  )) as MatrixAnswer;
  return matrixFrame(answer, request);
}

/**
 * Lays series on the full grid of the request. Prometheus leaves out steps without a value; on the grid
 * they are null, so a line breaks where nothing was known, even when that holds for every series.
 */
export function matrixFrame(
  answer: MatrixAnswer,
  { startMs, endMs, stepMs }: Pick<RangeRequest, 'startMs' | 'endMs' | 'stepMs'>,
): Frame {
  const points = Math.floor((endMs - startMs) / stepMs) + 1;
  const times = Array.from({ length: points }, (_, i) => startMs + i * stepMs);
  const series = answer.data.result.map(({ metric, values }) => {
    const column: (number | null)[] = Array.from({ length: points }, () => null);
    for (const [seconds, text] of values) {
      const row = Math.round((seconds * 1000 - startMs) / stepMs);
      const value = decodeValue(text);
      if (row >= 0 && row < points && Number.isFinite(value)) column[row] = value;
    }
    return { key: seriesKey(metric), labels: metric, values: column };
  });
  return { times, series };
}

export interface ActiveAlert {
  readonly labels: LabelRecord;
  readonly annotations: LabelRecord;
  readonly state: string;
  readonly activeAt: string;
  readonly value: string;
}

export async function fetchAlerts(signal: AbortSignal): Promise<readonly ActiveAlert[]> {
  const answer = (await getJson('/api/v1/alerts', signal)) as {
    readonly data: { readonly alerts: readonly ActiveAlert[] };
  };
  return answer.data.alerts;
}

export interface RuleGroup {
  readonly name: string;
  readonly file: string;
  readonly interval: number;
  readonly rules: readonly Rule[];
}

export interface Rule {
  readonly type: 'alerting' | 'recording';
  readonly name: string;
  readonly query: string;
  readonly health: string;
  readonly lastError?: string;
  readonly state?: string;
  readonly duration?: number;
  readonly lastEvaluation?: string;
  readonly evaluationTime?: number;
}

export async function fetchRules(signal: AbortSignal): Promise<readonly RuleGroup[]> {
  const answer = (await getJson('/api/v1/rules', signal)) as {
    readonly data: { readonly groups: readonly RuleGroup[] };
  };
  return answer.data.groups;
}
