import { messageOf } from '../../model/failure.ts';
import type { Files } from '../../platform/files.ts';
import type { GroupDefinition } from './definitions.ts';
import { RuleFilesFailure } from './failure.ts';
import type { RuleProblem } from './failure.ts';
import { expandPattern } from './glob.ts';
import { readRuleFile } from './rule-file.ts';

const FILE_BYTES_MAX = 16_777_216;

/** Reads every file that the patterns name. Fails with a `RuleFilesFailure` when one of them is bad. */
export async function loadRuleFiles(
  files: Files,
  patterns: readonly string[],
): Promise<readonly GroupDefinition[]> {
  const paths = new Set<string>();
  for (const pattern of patterns) {
    for (const path of await expandPattern(files, pattern)) paths.add(path);
  }
  const groups: GroupDefinition[] = [];
  const problems: RuleProblem[] = [];
  for (const path of paths) {
    try {
      const bytes = await files.readAll(path, FILE_BYTES_MAX);
      const read = readRuleFile(new TextDecoder('utf-8', { fatal: true }).decode(bytes), path);
      groups.push(...read.groups);
      problems.push(...read.problems);
    } catch (thrown) {
      problems.push({ path, line: 1, message: `the file cannot be read: ${messageOf(thrown)}` });
    }
  }
  if (problems.length > 0) throw new RuleFilesFailure(problems);
  return groups;
}
