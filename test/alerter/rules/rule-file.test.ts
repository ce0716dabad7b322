import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkRuleFile } from '../../../alerter/check.ts';

function problems(text: string): readonly string[] {
  return checkRuleFile(text, 'f.yml').problems.map(({ line, message }) => `${line}: ${message}`);
}

function inGroup(rule: string): string {
  return `groups:\n- name: g\n  rules:\n${rule}\n`;
}

describe('files that load', () => {
  test('R1: every key of groups and rules', () => {
    const { groups, problems: found } = checkRuleFile(
      `groups:
- name: g
  interval: 1m30s
  limit: 7
  query_offset: 5s
  labels: {team: a, severity: low}
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {x: 1.10}
  - alert: Any Name!
    expr: up == 0
    for: 5m
    keep_firing_for: 1h
    labels: {severity: page}
    annotations: {summary: "{{ $labels.job }}"}
`,
      'f.yml',
    );
    expect(found).toEqual([]);
    expect(groups).toEqual([
      {
        name: 'g',
        file: 'f.yml',
        intervalMs: 90_000,
        limit: 7,
        queryOffsetMs: 5000,
        rules: [
          {
            kind: 'recording',
            name: 'job:up:sum',
            query: 'sum by (job) (up)',
            line: 8,
            labels: new Map([
              ['team', 'a'],
              ['severity', 'low'],
              ['x', '1.10'],
            ]),
          },
          {
            kind: 'alerting',
            name: 'Any Name!',
            query: 'up == 0',
            line: 11,
            forMs: 300_000,
            keepFiringForMs: 3_600_000,
            // R10: the rule's own value wins over the group's.
            labels: new Map([
              ['team', 'a'],
              ['severity', 'page'],
            ]),
            annotations: new Map([['summary', '{{ $labels.job }}']]),
          },
        ],
      },
    ]);
  });

  test.each([
    ['R2: empty', ''],
    ['R2: only a comment', '# nothing\n'],
    ['R2: no groups', 'groups:\n'],
    ['R2: a later document is ignored', 'groups: []\n---\nnonsense: [\n'],
    ['R4: any text as alert name', inGroup('  - {alert: "ä b{}", expr: up}')],
    ['R7: plain zero', inGroup('  - {alert: a, expr: up, for: 0}')],
    ['R7: zero with unit', inGroup('  - {alert: a, expr: up, for: 0m}')],
    ['R3: group names equal in two files', inGroup('  - {alert: a, expr: up}')],
    [
      'quoted text that is indented too little',
      inGroup('  - alert: a\n    expr: "up\n    == 0"\n    annotations:\n      a: \'x\n      y\''),
    ],
  ])('%s', (_, text) => {
    expect(problems(text)).toEqual([]);
  });

  test('R2: anchors, aliases and merge keys', () => {
    const { groups, problems: found } = checkRuleFile(
      `groups:
- name: &n one
  rules:
  - &base
    alert: &a First
    expr: &e up == 0
    labels: &l {severity: page}
  - <<: *base
    alert: Second
  - record: r
    expr: *e
    labels: {<<: *l, more: x}
  - alert: *a
    expr: *e
`,
      'f.yml',
    );
    expect(found).toEqual([]);
    expect(
      groups[0]!.rules.map(({ name, query, labels }) => [name, query, [...labels].length]),
    ).toEqual([
      ['First', 'up == 0', 1],
      ['Second', 'up == 0', 1],
      ['r', 'up == 0', 2],
      ['First', 'up == 0', 0],
    ]);
  });
});

describe('files that are refused, with the line and what to do', () => {
  test.each([
    ['R1', 'group: []', /^1: unknown key "group" in the file: it may have groups/],
    ['R1', 'groups:\n- name: g\n  rule: []\n', /^3: unknown key "rule" in a group/],
    [
      'R1',
      inGroup('  - alert: a\n    expr: up\n    annotation: {}'),
      /^6: unknown key "annotation"/,
    ],
    ['R1', inGroup('  - {alert: a, record: b, expr: up}'), /^4: .*both "record" and "alert"/],
    ['R1', inGroup('  - expr: up'), /^4: .*neither "record" nor "alert"/],
    ['R1', inGroup('  - alert: a'), /^4: .*has no "expr"/],
    ['R3', 'groups:\n- rules: []\n', /^2: this group has no name/],
    ['R3', 'groups:\n- name: g\n- name: g\n', /^3: the group name "g" is used twice/],
    [
      'R4',
      inGroup('  - record: a\n    expr: up\n    for: 5m'),
      /^6: .*recording rule and may not have "for"/,
    ],
    ['R4', inGroup('  - record: a\n    expr: up\n    annotations: {a: b}'), /^6: .*"annotations"/],
    ['R4', inGroup('  - {record: "a{b=\'c\'}", expr: up}'), /^4: .*not a metric name/],
    [
      'R5',
      inGroup('  - alert: a\n    expr: up\n    labels:\n      bad-name: x'),
      /^7: .*"bad-name" is not a valid label name/,
    ],
    ['R5', inGroup('  - {alert: a, expr: up, labels: {__name__: x}}'), /not a valid label name/],
    [
      'R5',
      inGroup('  - {alert: a, expr: up, annotations: {a b: x}}'),
      /not a valid annotation name/,
    ],
    ['R5', inGroup('  - {alert: a, expr: up, labels: {a: [1]}}'), /"a" in "labels" must be a text/],
    ['R6', inGroup('  - alert: a\n    expr: sum(up\n'), /^5: .*the expression cannot be read/],
    [
      'R6',
      inGroup('  - alert: a\n    expr: up\n    annotations:\n      x: "{{ nope }}"'),
      /^7: .*function "nope" not defined/,
    ],
    [
      'R6',
      inGroup('  - alert: a\n    expr: up\n    labels:\n      x: "{{ if }}"'),
      /^7: .*the template cannot be read/,
    ],
    ['R7', inGroup('  - {alert: a, expr: up, for: 1.5m}'), /"for: 1.5m" is not a duration/],
    ['R7', inGroup('  - {alert: a, expr: up, for: 1s1m}'), /not a duration/],
    ['limit', 'groups:\n- name: g\n  limit: many\n', /^3: the limit "many"/],
    ['yaml', 'groups:\n  - name: "g\n', /^3: this is no YAML: Missing closing/],
    ['yaml', 'groups: {}', /"groups" must be a list/],
    ['yaml', 'text', /^1: the file must be a mapping/],
    ['yaml', 'groups:\n- {name: g, name: h}\n', /^2: this is no YAML: Map keys must be unique/],
    ['yaml', 'groups: *none\n', /alias/],
  ])('%s: %j', (_, text, expected) => {
    expect(problems(text).join('\n')).toMatch(expected);
  });

  test('R6: labels of recording rules are no templates', () => {
    const { groups } = checkRuleFile(
      inGroup('  - {record: a, expr: up, labels: {x: "{{ nope }}"}}'),
      'f',
    );
    expect(groups[0]!.rules[0]!.labels.get('x')).toBe('{{ nope }}');
  });

  test('an alias that stands for very much is refused instead of followed', () => {
    const lines = ['a: &a0 [x,x,x,x,x,x,x,x,x,x]'];
    for (let i = 1; i < 12; i++)
      lines.push(
        `b${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(',')}]`,
      );
    expect(problems(`${lines.join('\n')}\ngroups: *a11\n`).join()).toMatch(
      /more than 500000 values|alias/,
    );
  });

  test('no text makes the reader throw', () => {
    const piece = fc.constantFrom(
      'groups:',
      '- name: g',
      '  rules:',
      '\n',
      '  - ',
      'alert: a',
      'expr: up',
      '{',
      '}',
      '[',
      '&a ',
      '*a',
      '<<: ',
      '"',
      "'",
      ': ',
      '|',
      '\t',
      'for: 5m',
      '{{ ',
      '#',
      '---\n',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(piece, { maxLength: 40 }).map((parts) => parts.join('')),
        ),
        (text) => {
          for (const { line, message } of checkRuleFile(text, 'f').problems) {
            expect(line).toBeGreaterThan(0);
            expect(message).not.toBe('');
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
