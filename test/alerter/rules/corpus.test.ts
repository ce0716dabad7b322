import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkRuleFile } from '../../../alerter/check.ts';

/** A collection of real rule files, kept beside the repository for its size and its many licences. */
const CORPUS = new URL('../../../../shared/alerts/corpus/', import.meta.url);

function listed(name: string): readonly string[] {
  return readFileSync(new URL(name, CORPUS), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

interface Expected {
  readonly name: string;
  readonly limit: number;
  readonly rules: readonly {
    readonly type: string;
    readonly name: string;
    readonly duration?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  }[];
}

test(
  'real rule files load, and say what Prometheus reads in them',
  { timeout: 120_000 },
  (context) => {
    if (!existsSync(CORPUS)) context.skip('the corpus of real rule files is not here');
    const expected = JSON.parse(readFileSync(new URL('expected.json', CORPUS), 'utf8')) as Record<
      string,
      readonly Expected[]
    >;
    const refused: string[] = [];
    let rules = 0;
    const files = listed('developers.list');
    for (const path of files) {
      const { groups, problems } = checkRuleFile(
        readFileSync(new URL(`rules/${path}`, CORPUS), 'utf8'),
        path,
      );
      if (problems.length > 0) {
        refused.push(`${path}:${problems[0]!.line}: ${problems[0]!.message}`);
        continue;
      }
      const read = groups.map((group) => ({
        name: group.name,
        limit: group.limit,
        rules: group.rules.map((rule) => ({
          type: rule.kind,
          name: rule.name,
          labels: Object.fromEntries(rule.labels),
          ...(rule.kind === 'alerting' && {
            duration: rule.forMs / 1000,
            annotations: Object.fromEntries(rule.annotations),
          }),
        })),
      }));
      rules += read.reduce((sum, group) => sum + group.rules.length, 0);
      const wanted = expected[path]?.map((group) => ({
        name: group.name,
        limit: group.limit,
        rules: group.rules.map((rule) => ({
          type: rule.type,
          name: rule.name,
          labels: rule.labels ?? {},
          ...(rule.type === 'alerting' && {
            duration: rule.duration,
            annotations: rule.annotations ?? {},
          }),
        })),
      }));
      if (wanted) expect(read, path).toEqual(wanted);
    }
    console.log(
      `rule files: ${files.length - refused.length} of ${files.length} load, ${rules} rules`,
    );
    expect(refused).toEqual([]);
  },
);

test('files that Prometheus refuses are refused', { timeout: 60_000 }, (context) => {
  if (!existsSync(CORPUS)) context.skip('the corpus of real rule files is not here');
  const files = listed('invalid.list');
  const accepted: string[] = [];
  for (const path of files) {
    const { problems } = checkRuleFile(
      readFileSync(new URL(`invalid/${path}`, CORPUS), 'utf8'),
      path,
    );
    if (problems.length === 0) accepted.push(path);
  }
  console.log(`invalid rule files: ${files.length - accepted.length} of ${files.length} refused`);
  expect(accepted).toEqual([]);
});
