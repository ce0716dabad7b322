import { parseDuration } from '../../model/duration.ts';
import { messageOf } from '../../model/failure.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import { parseExpression, printExpression } from '../../query/syntax.ts';
import type {
  AlertingRule,
  GroupDefinition,
  RecordingRule,
  RuleDefinition,
} from './definitions.ts';
import type { RuleProblem } from './failure.ts';
import { parseRuleText } from './rule-text.ts';
import { readYaml } from './yaml-reader.ts';
import type { YamlEntry, YamlValue } from './yaml-reader.ts';

/** A file that would report more stops after these. */
const PROBLEMS_MAX = 50;

export interface RuleFile {
  readonly groups: readonly GroupDefinition[];
  /** Empty when the file can be used. */
  readonly problems: readonly RuleProblem[];
}

/** Reads a Prometheus rule file. Never throws: what is wrong is in `problems`. */
export function readRuleFile(text: string, path: string): RuleFile {
  return new Reader(path).read(text);
}

type Fields<Name extends string> = Partial<Record<Name, YamlEntry>>;

const FILE_KEYS = ['groups'] as const;
const GROUP_KEYS = ['name', 'interval', 'limit', 'query_offset', 'labels', 'rules'] as const;
const RULE_KEYS = [
  'record',
  'alert',
  'expr',
  'for',
  'keep_firing_for',
  'labels',
  'annotations',
] as const;
type RuleKey = (typeof RULE_KEYS)[number];

class Reader {
  readonly #path: string;
  readonly #problems: RuleProblem[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  read(text: string): RuleFile {
    const root = readYaml(text);
    const groups: GroupDefinition[] = [];
    if ('message' in root) this.#problem(root.line, `this is no YAML: ${root.message}`);
    else if (root.kind !== 'null') {
      const { groups: list } = this.#fields(root, FILE_KEYS, 'the file');
      const names = new Set<string>();
      for (const value of this.#items(list, 'groups')) {
        const group = this.#group(value, names);
        if (group) groups.push(group);
      }
    }
    return { groups, problems: this.#problems };
  }

  #problem(line: number, message: string): void {
    if (this.#problems.length < PROBLEMS_MAX) {
      this.#problems.push({ path: this.#path, line, message });
    }
  }

  #fields<Name extends string>(
    value: YamlValue,
    names: readonly Name[],
    where: string,
  ): Fields<Name> {
    const fields: Fields<Name> = {};
    if (value.kind === 'null') return fields;
    if (value.kind !== 'map') {
      this.#problem(value.line, `${where} must be a mapping with the keys ${names.join(', ')}`);
      return fields;
    }
    for (const entry of value.entries) {
      const name = names.find((known) => known === entry.key);
      if (name) fields[name] = entry;
      else {
        this.#problem(
          entry.line,
          `unknown key "${entry.key}" in ${where}: it may have ${names.join(', ')}`,
        );
      }
    }
    return fields;
  }

  #items(entry: YamlEntry | undefined, name: string): readonly YamlValue[] {
    if (!entry || entry.value.kind === 'null') return [];
    if (entry.value.kind === 'list') return entry.value.items;
    this.#problem(entry.line, `"${name}" must be a list: begin each item with "- "`);
    return [];
  }

  #text(entry: YamlEntry | undefined): string {
    if (!entry || entry.value.kind === 'null') return '';
    if (entry.value.kind === 'text') return entry.value.text;
    this.#problem(entry.line, `"${entry.key}" must be a text`);
    return '';
  }

  #duration(entry: YamlEntry | undefined): number | undefined {
    if (!entry || entry.value.kind === 'null') return undefined;
    const text = this.#text(entry);
    const ms = parseDuration(text);
    if (ms === undefined) {
      this.#problem(
        entry.line,
        `"${entry.key}: ${text}" is not a duration: write integers with units, such as 30s, 5m or 1h30m`,
      );
    }
    return ms;
  }

  #group(value: YamlValue, names: Set<string>): GroupDefinition | undefined {
    const fields = this.#fields(value, GROUP_KEYS, 'a group');
    const name = this.#text(fields.name);
    const line = fields.name?.line ?? value.line;
    if (name === '') this.#problem(line, 'this group has no name: give it one with "name:"');
    if (names.has(name)) {
      this.#problem(line, `the group name "${name}" is used twice in this file: rename one`);
    }
    names.add(name);
    const limit = this.#limit(fields.limit, name);
    const intervalMs = this.#duration(fields.interval);
    const labels = this.#labels(fields.labels, `group "${name}"`);
    const rules: RuleDefinition[] = [];
    for (const item of this.#items(fields.rules, 'rules')) {
      const rule = this.#rule(item, `group "${name}", rule ${rules.length + 1}`, labels);
      if (rule) rules.push(rule);
    }
    return {
      name,
      file: this.#path,
      // As in Prometheus, an interval of 0 is none at all.
      intervalMs: intervalMs === 0 ? undefined : intervalMs,
      limit,
      queryOffsetMs: this.#duration(fields.query_offset),
      rules,
    };
  }

  #limit(entry: YamlEntry | undefined, group: string): number {
    const text = this.#text(entry);
    if (text === '') return 0;
    if (/^[+-]?\d{1,15}$/.test(text)) return Math.max(Number(text), 0);
    this.#problem(entry!.line, `the limit "${text}" of group "${group}" is not a whole number`);
    return 0;
  }

  #rule(
    value: YamlValue,
    where: string,
    groupLabels: ReadonlyMap<string, string>,
  ): RuleDefinition | undefined {
    const fields = this.#fields(value, RULE_KEYS, where);
    const record = this.#text(fields.record);
    const alert = this.#text(fields.alert);
    const name = record || alert;
    const line = (fields.record ?? fields.alert)?.line ?? value.line;
    if (record !== '' && alert !== '') {
      this.#problem(line, `${where} has both "record" and "alert": make it two rules`);
    }
    if (name === '') {
      this.#problem(line, `${where} has neither "record" nor "alert": give it one of them`);
    }
    const named = `${where}, "${name}"`;
    const query = this.#expression(fields.expr, named, value.line);
    const own = this.#labels(fields.labels, named);
    const labels = new Map([...groupLabels, ...own]);
    if (query === undefined || name === '') return undefined;
    const base = { name, query, labels, line };
    return record !== ''
      ? this.#recording(base, fields, named)
      : this.#alerting(base, fields, named);
  }

  #recording(
    base: Omit<RecordingRule, 'kind'>,
    fields: Fields<RuleKey>,
    where: string,
  ): RecordingRule {
    for (const key of ['for', 'keep_firing_for', 'annotations'] as const) {
      const entry = fields[key];
      if (entry && !isEmpty(entry.value)) {
        this.#problem(entry.line, `${where} is a recording rule and may not have "${key}"`);
      }
    }
    if (!isMetricName(base.name)) {
      this.#problem(base.line, `${where}: "${base.name}" is not a metric name`);
    }
    return { kind: 'recording', ...base };
  }

  #alerting(
    base: Omit<RecordingRule, 'kind'>,
    fields: Fields<RuleKey>,
    where: string,
  ): AlertingRule {
    const annotations = this.#pairs(fields.annotations, where);
    for (const [name, { line }] of annotations) {
      if (!isLabelName(name)) {
        this.#problem(line, `${where}: "${name}" is not a valid annotation name`);
      }
    }
    for (const entries of [this.#pairs(fields.labels, where, false), annotations]) {
      for (const [name, { text, line }] of entries) this.#template(text, line, `${where}, ${name}`);
    }
    return {
      kind: 'alerting',
      ...base,
      forMs: this.#duration(fields.for) ?? 0,
      keepFiringForMs: this.#duration(fields.keep_firing_for) ?? 0,
      annotations: new Map([...annotations].map(([name, { text }]) => [name, text])),
    };
  }

  #template(text: string, line: number, where: string): void {
    try {
      parseRuleText(text);
    } catch (thrown) {
      this.#problem(line, `${where}: the template cannot be read: ${messageOf(thrown)}`);
    }
  }

  #expression(entry: YamlEntry | undefined, where: string, ruleLine: number): string | undefined {
    const text = this.#text(entry);
    if (!entry || text.trim() === '') {
      this.#problem(entry?.line ?? ruleLine, `${where} has no "expr": say what to evaluate`);
      return undefined;
    }
    try {
      return printExpression(parseExpression(text));
    } catch (thrown) {
      this.#problem(entry.line, `${where}: the expression cannot be read: ${messageOf(thrown)}`);
      return undefined;
    }
  }

  #labels(entry: YamlEntry | undefined, where: string): ReadonlyMap<string, string> {
    const labels = new Map<string, string>();
    for (const [name, { text, line }] of this.#pairs(entry, where)) {
      if (!isLabelName(name) || name === METRIC_NAME) {
        this.#problem(line, `${where}: "${name}" is not a valid label name`);
      }
      if (!text.isWellFormed()) {
        this.#problem(line, `${where}: the value of label "${name}" is not valid text`);
      }
      labels.set(name, text);
    }
    return labels;
  }

  #pairs(
    entry: YamlEntry | undefined,
    where: string,
    reports = true,
  ): ReadonlyMap<string, { readonly text: string; readonly line: number }> {
    const pairs = new Map<string, { text: string; line: number }>();
    if (!entry || entry.value.kind === 'null') return pairs;
    if (entry.value.kind !== 'map') {
      if (reports) this.#problem(entry.line, `${where}: "${entry.key}" must be a mapping of texts`);
      return pairs;
    }
    for (const { key, line, value } of entry.value.entries) {
      if (value.kind === 'text' || value.kind === 'null') {
        pairs.set(key, { text: value.kind === 'text' ? value.text : '', line });
      } else if (reports) {
        this.#problem(line, `${where}: "${key}" in "${entry.key}" must be a text`);
      }
    }
    return pairs;
  }
}

function isEmpty(value: YamlValue): boolean {
  if (value.kind === 'null') return true;
  if (value.kind === 'map') return value.entries.length === 0;
  return value.kind === 'text' && (value.text === '' || parseDuration(value.text) === 0);
}

/**
 * Rules are written by hand, and a blank or a dash in a name there is a slip: only the classic alphabet is
 * taken, although stored series may have any UTF-8 name.
 */
function isMetricName(name: string): boolean {
  return /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
}

function isLabelName(name: string): boolean {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
}
