import { messageOf } from '../../model/failure.ts';
import type { Files } from '../../platform/files.ts';
import type { Log } from '../../platform/log.ts';
import type { GroupDefinition } from './definitions.ts';
import { RuleFilesFailure } from './failure.ts';
import type { RuleProblem } from './failure.ts';
import { expandPattern } from './glob.ts';
import { readRuleFile } from './rule-file.ts';

const FILE_BYTES_MAX = 16_777_216;

/**
 * Reads every file that the patterns name, and says how much that was: an alert that nobody loaded looks
 * like one that does not fire. Fails with a `RuleFilesFailure` when one of the files is bad.
 */
export async function loadRuleFiles(
  files: Files,
  patterns: readonly string[],
  log: Log,
): Promise<readonly GroupDefinition[]> {
  const paths = new Set<string>();
  for (const pattern of patterns) {
    const matches = await expandPattern(files, pattern);
    // No error: the files may be about to come, and a reload finds them.
    if (matches.length === 0) log.warn('no rule file has this name', { pattern });
    for (const path of matches) paths.add(path);
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
  log.info('rules are loaded', {
    files: paths.size,
    groups: groups.length,
    rules: groups.reduce((sum, { rules }) => sum + rules.length, 0),
  });
  return groups;
}
