import { Failure } from '../../model/failure.ts';

/** `syntax`: the text is no template. `execution`: it failed on this data. `limit`: it asked for too much. */
export type TemplateFailureCode = 'syntax' | 'execution' | 'limit';

/** The only thing that parsing or executing a template throws, whatever the text. */
export class TemplateFailure extends Failure<TemplateFailureCode> {
  override readonly name = 'TemplateFailure';
}

export function executionFailure(message: string): TemplateFailure {
  return new TemplateFailure('execution', message);
}
