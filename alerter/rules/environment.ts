import type { Labels } from '../../model/labels.ts';
import type { Refusal } from '../../model/refusal.ts';
import type { SampleBatch } from '../../model/sample.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import type { Counter, Gauge, Histogram, Telemetry } from '../../platform/telemetry.ts';
import type { Querier } from '../../query/query.ts';
import type { AlertSink } from '../notify/offer.ts';
import type { Journal } from '../state/journal.ts';

/** Appends samples of rules. What it refuses is told in the answer where the writer knows it. */
export type WriteSamples = (
  batch: SampleBatch,
) => Promise<{ readonly refused: readonly Refusal[] } | void>;

/** What every group of rules works with. */
export interface RuleEnvironment {
  readonly querier: Querier;
  readonly write: WriteSamples;
  readonly sink: AlertSink;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: RuleMetrics;
  readonly evaluationIntervalMs: number;
  readonly queryOffsetMs: number;
  readonly resendDelayMs: number;
  readonly forGracePeriodMs: number;
  readonly forOutageToleranceMs: number;
  /** Without a trailing slash. */
  readonly externalUrl: string;
  readonly externalLabels: Labels;
  /** Called after each evaluation of a group. */
  readonly evaluated: () => void;
}

export interface RuleMetrics {
  readonly evaluations: Counter;
  readonly failures: Counter;
  readonly missed: Counter;
  readonly duration: Histogram;
  readonly samplesRefused: Counter;
  readonly alerts: Gauge;
  readonly rules: Gauge;
}

export function ruleMetrics(telemetry: Telemetry): RuleMetrics {
  return {
    evaluations: telemetry.counter(
      'nephoscope_alerter_rule_evaluations_total',
      'Rules evaluated, failed ones included.',
      ['kind'],
    ),
    failures: telemetry.counter(
      'nephoscope_alerter_rule_evaluation_failures_total',
      'Evaluations of rules that failed; the log says what becomes of their alerts and series.',
      ['kind'],
    ),
    missed: telemetry.counter(
      'nephoscope_alerter_group_iterations_missed_total',
      'Slots of rule groups that passed while an earlier evaluation was still running.',
    ),
    duration: telemetry.histogram(
      'nephoscope_alerter_group_duration_seconds',
      'Time that one evaluation of a rule group took.',
    ),
    samplesRefused: telemetry.counter(
      'nephoscope_alerter_samples_refused_total',
      'Samples of rules that the store did not take.',
    ),
    alerts: telemetry.gauge('nephoscope_alerter_alerts', 'Alerts by state.', ['state']),
    rules: telemetry.gauge('nephoscope_alerter_rules', 'Rules that are loaded.', ['kind']),
  };
}
