import type { Labels } from '../model/labels.ts';

/** Evaluates rule files, keeps the state of alerts, and tells people. */
export interface Alerter {
  groups(): readonly GroupStatus[];
  alerts(): readonly AlertStatus[];
  /** Reads the rule files anew; all or nothing: on a bad file the running rules stay and this rejects. */
  reload(): Promise<void>;
  /** Stops evaluating; state and unsent notifications are on disk. */
  stop(): Promise<void>;
}

export interface GroupStatus {
  readonly name: string;
  readonly file: string;
  readonly intervalMs: number;
  readonly limit: number;
  readonly lastEvaluationMs: number | undefined;
  readonly evaluationSeconds: number;
  readonly rules: readonly RuleStatus[];
}

export type RuleHealth = 'unknown' | 'ok' | 'err';

interface RuleCommon {
  readonly name: string;
  /** Canonical print of the expression. */
  readonly query: string;
  readonly labels: Labels;
  readonly health: RuleHealth;
  readonly lastError: string | undefined;
  readonly lastEvaluationMs: number | undefined;
  readonly evaluationSeconds: number;
}

export interface RecordingRuleStatus extends RuleCommon {
  readonly kind: 'recording';
}

export interface AlertingRuleStatus extends RuleCommon {
  readonly kind: 'alerting';
  readonly state: 'inactive' | 'pending' | 'firing';
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly annotations: Readonly<Record<string, string>>;
  readonly alerts: readonly AlertStatus[];
}

export type RuleStatus = RecordingRuleStatus | AlertingRuleStatus;

export interface AlertStatus {
  readonly labels: Labels;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
  readonly activeAtMs: number;
  readonly keepFiringSinceMs: number | undefined;
  readonly value: number;
}
