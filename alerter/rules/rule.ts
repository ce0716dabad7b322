import { messageOf } from '../../model/failure.ts';
import type { Labels } from '../../model/labels.ts';
import { NO_LABELS } from '../../model/labels.ts';
import { withDeadline } from '../../platform/clock.ts';
import type { QueryAnswer, Vector } from '../../query/query.ts';
import type { RuleHealth, RuleStatus } from '../alerter.ts';
import type { OfferedAlert } from '../notify/offer.ts';
import type { ActiveAlerts } from './alert-state.ts';
import type { RuleDefinition } from './definitions.ts';
import type { RuleEnvironment } from './environment.ts';

/** A rule while it is loaded. */
export interface RunningRule {
  readonly definition: RuleDefinition;
  /** Of an alerting rule; its owner may put alerts in before the first evaluation. */
  readonly alerts: ActiveAlerts | undefined;
  /** Never rejects: a failure is in the outcome. */
  evaluate(context: EvaluationContext): Promise<RuleOutcome>;
  /** Alerts that the pipeline should hear of now. */
  offers(environment: RuleEnvironment, slotMs: number, intervalMs: number): readonly OfferedAlert[];
  /** The series that say what the alerts are. */
  series(): SeriesByKey;
  /** Until released, the rule's alert series are not written, so that older ones can still be read. */
  holdSeries(held: boolean): void;
  /** Takes the ages of alerts from the series of an earlier life. Returns whether one changed. */
  restoreFromSeries(environment: RuleEnvironment, slotMs: number): Promise<boolean>;
  status(common: RuleProgress): RuleStatus;
}

export type SeriesByKey = ReadonlyMap<string, { readonly labels: Labels; readonly value: number }>;

export interface RuleProgress {
  readonly health: RuleHealth;
  readonly lastError: string | undefined;
  readonly lastEvaluationMs: number | undefined;
  readonly evaluationSeconds: number;
}

export interface EvaluationContext {
  readonly environment: RuleEnvironment;
  /** The time by which alerts age. */
  readonly slotMs: number;
  /** The time of the query and of what is written: the slot less the offset. */
  readonly queryTimeMs: number;
  readonly graceEndsMs: number;
  readonly intervalMs: number;
  /** For one query. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

export interface RuleOutcome {
  /** What to write; undefined when nothing may be concluded about the rule's series. */
  readonly series: SeriesByKey | undefined;
  readonly offers: readonly OfferedAlert[];
  /** Whether the disk must learn of this. */
  readonly stateChanged: boolean;
  /** Why the rule is not healthy. */
  readonly problem: string | undefined;
  /** The series may not be all of them: what is missing has not ended. */
  readonly isPartial: boolean;
  /** The rule was over its limit: it has no alerts any more, and nobody is told that they ended. */
  readonly alertsDropped: boolean;
}

export type Elements = Vector['elements'];

export interface RuleResult {
  readonly elements: Elements;
  /** Why the result may be incomplete. */
  readonly partial: string | undefined;
}

/** Asks for a rule's vector. A scalar is one element without labels; other values are refused. */
export async function queryElements(text: string, context: EvaluationContext): Promise<RuleResult> {
  const { environment, queryTimeMs, deadlineMs, signal } = context;
  const answer = await withDeadline(
    environment.clock,
    deadlineMs,
    'the query of a rule',
    (inner) => environment.querier.instant({ text, timeMs: queryTimeMs, signal: inner }),
    signal,
  );
  return { elements: elementsOf(answer), partial: partialReason(answer) };
}

function elementsOf({ value }: QueryAnswer): Elements {
  switch (value.kind) {
    case 'vector':
      return value.elements;
    case 'scalar':
      return [{ labels: NO_LABELS, value: value.value }];
    case 'string':
    case 'matrix':
      throw new Error(
        `the expression gives a ${value.kind === 'matrix' ? 'range vector' : 'string'}: a rule needs an instant vector or a scalar`,
      );
  }
}

/**
 * Remarks of the engine on the expression itself begin with these words. Any other warning means that a
 * source of data did not answer in full, and what is missing from such an answer has not ended.
 */
const REMARK = /^PromQL (?:warning|info)\b/;

function partialReason({ warnings }: QueryAnswer): string | undefined {
  const warning = warnings.find((text) => !REMARK.test(text));
  return warning === undefined ? undefined : `the answer is not complete: ${warning}`;
}

export function failedOutcome(thrown: unknown, offers: readonly OfferedAlert[]): RuleOutcome {
  return {
    series: undefined,
    offers,
    stateChanged: false,
    problem: messageOf(thrown),
    isPartial: false,
    alertsDropped: false,
  };
}
