/** What a rule file says, checked and ready to evaluate. */
export interface GroupDefinition {
  readonly name: string;
  readonly file: string;
  /** Undefined: the global interval. */
  readonly intervalMs: number | undefined;
  /** Most alerts or series that one rule may produce; 0 is no limit. */
  readonly limit: number;
  /** Undefined: the global offset. */
  readonly queryOffsetMs: number | undefined;
  readonly rules: readonly RuleDefinition[];
}

export type RuleDefinition = RecordingRule | AlertingRule;

interface RuleBase {
  readonly name: string;
  /** Canonical print of the expression, which is also what is evaluated. */
  readonly query: string;
  /** Unexpanded; the group's labels are merged in below the rule's own. */
  readonly labels: ReadonlyMap<string, string>;
  readonly line: number;
}

export interface RecordingRule extends RuleBase {
  readonly kind: 'recording';
}

export interface AlertingRule extends RuleBase {
  readonly kind: 'alerting';
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** Unexpanded. */
  readonly annotations: ReadonlyMap<string, string>;
}

/** Two definitions with the same signature behave the same, so a reload leaves such a group alone. */
export function groupSignature(group: GroupDefinition): string {
  const rules = group.rules.map((rule) => [
    ...ruleIdentity(rule),
    rule.query,
    rule.kind === 'alerting' ? [rule.forMs, rule.keepFiringForMs, [...rule.annotations]] : 0,
  ]);
  return JSON.stringify([group.intervalMs, group.limit, group.queryOffsetMs, rules]);
}

/** By what a rule is found again after its file was edited: kind, name and labels. */
export function ruleKey(rule: RuleDefinition): string {
  return JSON.stringify(ruleIdentity(rule));
}

function ruleIdentity(rule: RuleDefinition): readonly unknown[] {
  return [rule.kind, rule.name, [...rule.labels].sort(([a], [b]) => (a < b ? -1 : 1))];
}

export function groupKey(file: string, name: string): string {
  return JSON.stringify([file, name]);
}
