import { Failure } from '../../model/failure.ts';

/** One thing wrong in a rule file. */
export interface RuleProblem {
  readonly path: string;
  /** 1-based */
  readonly line: number;
  /** What is wrong, with what, and what to do. */
  readonly message: string;
}

/** Rule files that cannot be used; nothing of them is. The message names file and line of each problem. */
export class RuleFilesFailure extends Failure<'bad-rule-file'> {
  override readonly name = 'RuleFilesFailure';
  readonly problems: readonly RuleProblem[];

  constructor(problems: readonly RuleProblem[]) {
    const lines = problems.map(({ path, line, message }) => `${path}:${line}: ${message}`);
    super('bad-rule-file', lines.join('\n'));
    this.problems = problems;
  }
}
