/**
 * The base of every expected failure: the world did something we planned for. Each folder declares its
 * own subclass and closed set of codes beside its contract; HTTP statuses are assigned in one table
 * (`server/http/statuses.ts`). The message says what happened, to what, and what to do.
 */
export class Failure<Code extends string = string> extends Error {
  override readonly name: string = 'Failure';
  readonly code: Code;

  constructor(code: Code, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The text of anything that was thrown, for logs and for wrapping. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
