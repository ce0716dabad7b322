import { RunningAlertingRule } from './alerting-rule.ts';
import type { RuleDefinition } from './definitions.ts';
import { RunningRecordingRule } from './recording-rule.ts';
import type { RunningRule } from './rule.ts';

export function createRule(definition: RuleDefinition, limit: number): RunningRule {
  return definition.kind === 'recording'
    ? new RunningRecordingRule(definition, limit)
    : new RunningAlertingRule(definition, limit);
}
