/** The command line cannot be understood; the message names the argument and what to write instead. */
export class UsageFailure extends Error {
  override readonly name = 'UsageFailure';
}
