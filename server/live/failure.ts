import { Failure } from '../../model/failure.ts';

export class LiveFailure extends Failure<'bad_data' | 'too-many'> {
  override readonly name = 'LiveFailure';
}
