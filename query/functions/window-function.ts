/** The samples of one series, as columns. */
export interface Columns {
  readonly times: Float64Array;
  readonly values: Float64Array;
}

/**
 * Where a window stands at one step: rows lo … hi-1 of the columns, never none. One frame is reused for
 * all steps of a series, so functions must not keep it.
 */
export interface Frame {
  lo: number;
  hi: number;
  /** Exclusive. */
  startMs: number;
  /** Inclusive. */
  endMs: number;
  /** The step's own time, which `@` and `offset` do not move. */
  evaluationMs: number;
  step: number;
}

/** A function's value at a frame, or `NONE`. */
export type WindowFunction = (frame: Frame) => number | typeof NONE;

/** Says that there is no value, which is not the same as NaN. */
export const NONE: unique symbol = Symbol('no value');

/**
 * Prepares a function for one series. `parameters` are the scalar arguments, a column each. Frames come
 * with lo and hi never falling, so that an implementation may carry state from step to step.
 */
export type WindowFunctionMaker = (
  columns: Columns,
  parameters: readonly Float64Array[],
) => WindowFunction;
