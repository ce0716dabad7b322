import { labelsToRecord } from '../model/labels.ts';
import { isoText } from './templates/time.ts';
import type { AlertStatus, GroupStatus, RuleStatus } from './alerter.ts';

/** Prometheus API data of `/api/v1/rules` and `/api/v1/alerts`: what goes under `data` in the answer. */

export interface RulesData {
  readonly groups: readonly GroupData[];
}

export interface AlertsData {
  readonly alerts: readonly AlertData[];
}

export interface GroupData {
  readonly name: string;
  readonly file: string;
  readonly rules: readonly RuleData[];
  /** Seconds */
  readonly interval: number;
  readonly limit: number;
  /** Seconds that the last evaluation took. */
  readonly evaluationTime: number;
  /** RFC 3339; the year 1 before the first evaluation. */
  readonly lastEvaluation: string;
}

interface RuleCommonData {
  readonly name: string;
  readonly query: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly health: 'unknown' | 'ok' | 'err';
  readonly lastError?: string;
  readonly evaluationTime: number;
  readonly lastEvaluation: string;
}

export interface RecordingRuleData extends RuleCommonData {
  readonly type: 'recording';
}

export interface AlertingRuleData extends RuleCommonData {
  readonly type: 'alerting';
  readonly state: 'inactive' | 'pending' | 'firing';
  /** Seconds */
  readonly duration: number;
  readonly keepFiringFor: number;
  readonly annotations: Readonly<Record<string, string>>;
  readonly alerts: readonly AlertData[];
}

export type RuleData = RecordingRuleData | AlertingRuleData;

export interface AlertData {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
  readonly activeAt: string;
  readonly keepFiringSince?: string;
  /** Exponent form, as `3e+00`; also `+Inf`, `-Inf`, `NaN`. */
  readonly value: string;
}

export function encodeRules(groups: readonly GroupStatus[]): RulesData {
  return {
    groups: groups.map((group) => ({
      name: group.name,
      file: group.file,
      rules: group.rules.map(encodeRule),
      interval: group.intervalMs / 1000,
      limit: group.limit,
      evaluationTime: group.evaluationSeconds,
      lastEvaluation: timeText(group.lastEvaluationMs),
    })),
  };
}

export function encodeAlerts(alerts: readonly AlertStatus[]): AlertsData {
  return { alerts: alerts.map(encodeAlert) };
}

function encodeRule(rule: RuleStatus): RuleData {
  const labels = labelsToRecord(rule.labels);
  const common = {
    name: rule.name,
    query: rule.query,
    health: rule.health,
    ...(rule.lastError !== undefined && { lastError: rule.lastError }),
    evaluationTime: rule.evaluationSeconds,
    lastEvaluation: timeText(rule.lastEvaluationMs),
  };
  if (rule.kind === 'recording') {
    return { ...common, ...(rule.labels.length > 0 && { labels }), type: 'recording' };
  }
  return {
    state: rule.state,
    ...common,
    duration: rule.forMs / 1000,
    keepFiringFor: rule.keepFiringForMs / 1000,
    labels,
    annotations: rule.annotations,
    alerts: rule.alerts.map(encodeAlert),
    type: 'alerting',
  };
}

function encodeAlert(alert: AlertStatus): AlertData {
  return {
    labels: labelsToRecord(alert.labels),
    annotations: alert.annotations,
    state: alert.state,
    activeAt: timeText(alert.activeAtMs),
    ...(alert.keepFiringSinceMs !== undefined && {
      keepFiringSince: timeText(alert.keepFiringSinceMs),
    }),
    value: exponentText(alert.value),
  };
}

/** As Go's `%e` with the fewest digits that read back as the same number. */
export function exponentText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  const digits = exponent.slice(1).padStart(2, '0');
  return `${Object.is(value, -0) ? '-' : ''}${mantissa}e${exponent[0]}${digits}`;
}

/** The time that Go shows for "never". */
const NEVER = '0001-01-01T00:00:00Z';

function timeText(timeMs: number | undefined): string {
  return timeMs === undefined ? NEVER : isoText(timeMs);
}
