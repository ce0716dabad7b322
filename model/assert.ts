/** The error of a broken invariant: a bug of ours, never the operator's fault. */
export class BrokenInvariant extends Error {
  override readonly name = 'BrokenInvariant';
}

/** Crashes when what must hold does not. For programmer errors only; the world's failures are `Failure`s. */
export function assert(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new BrokenInvariant(claim);
}

/** Marks a place that the compiler proves unreachable. */
export function unreachable(value: never): never {
  throw new BrokenInvariant(`unexpected case: ${JSON.stringify(value)}`);
}
