import { Failure } from '../../model/failure.ts';

/** The configuration cannot be used; the message names the place (file:line:column, or the flag). */
export class ConfigFailure extends Failure<'bad-config'> {
  override readonly name = 'ConfigFailure';

  constructor(message: string, options?: { readonly cause?: unknown }) {
    super('bad-config', message, options);
  }
}
