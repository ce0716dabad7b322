import type { Files } from '../platform/files.ts';
import type { Log } from '../platform/log.ts';
import { loadRuleFiles } from './rules/load.ts';
import { readRuleFile } from './rules/rule-file.ts';
import type { RuleFile } from './rules/rule-file.ts';

/**
 * Reads a rule file as the alerter would, without running it. Never throws: what is wrong is in `problems`,
 * each with path, 1-based line and what to do; a file without problems can be used.
 */
export function checkRuleFile(text: string, path: string): RuleFile {
  return readRuleFile(text, path);
}

/**
 * Reads all files that the patterns name, as the alerter does when it starts. Fails with a
 * `RuleFilesFailure` that tells path, line and what to do of everything wrong in them.
 */
export async function checkRuleFiles(
  patterns: readonly string[],
  { files, log }: { readonly files: Files; readonly log: Log },
): Promise<void> {
  await loadRuleFiles(files, patterns, log.component('alerter'));
}
