import type { ValueType } from './ast.ts';

/**
 * What each function takes and gives. `optional` trailing arguments may be left out; `repeat` says how
 * often the last argument may be written beyond the listed ones (Infinity: as often as one likes).
 */
export interface Signature {
  readonly takes: readonly ValueType[];
  readonly optional: number;
  readonly repeat: number;
  readonly gives: ValueType;
}

function signature(
  takes: readonly ValueType[],
  gives: ValueType,
  more: { readonly optional?: number; readonly repeat?: number } = {},
): Signature {
  return { takes, gives, optional: more.optional ?? 0, repeat: more.repeat ?? 0 };
}

const table: [names: string, signature: Signature][] = [
  [
    'abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor histogram_avg ' +
      'histogram_count histogram_sum histogram_stddev histogram_stdvar ln log10 log2 rad sgn sin sinh ' +
      'sort sort_desc sqrt start_timestamp tan tanh timestamp',
    signature(['vector'], 'vector'),
  ],
  [
    'absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta increase ' +
      'irate last_over_time mad_over_time max_over_time min_over_time present_over_time rate resets ' +
      'stddev_over_time stdvar_over_time sum_over_time ts_of_first_over_time ts_of_last_over_time ' +
      'ts_of_max_over_time ts_of_min_over_time',
    signature(['matrix'], 'vector'),
  ],
  [
    'days_in_month day_of_month day_of_week day_of_year hour minute month year',
    signature(['vector'], 'vector', { optional: 1 }),
  ],
  ['end pi range start step time', signature([], 'scalar')],
  ['max_of min_of', signature(['scalar', 'scalar'], 'scalar')],
  ['clamp', signature(['vector', 'scalar', 'scalar'], 'vector')],
  ['clamp_max clamp_min', signature(['vector', 'scalar'], 'vector')],
  ['double_exponential_smoothing', signature(['matrix', 'scalar', 'scalar'], 'vector')],
  ['histogram_fraction', signature(['scalar', 'scalar', 'vector'], 'vector')],
  ['histogram_quantile', signature(['scalar', 'vector'], 'vector')],
  [
    'histogram_quantiles',
    signature(['vector', 'string', 'scalar', 'scalar'], 'vector', { optional: 1, repeat: 8 }),
  ],
  ['info', signature(['vector', 'vector'], 'vector', { optional: 1 })],
  [
    'label_join',
    signature(['vector', 'string', 'string', 'string'], 'vector', {
      optional: 1,
      repeat: Infinity,
    }),
  ],
  ['label_replace', signature(['vector', 'string', 'string', 'string', 'string'], 'vector')],
  ['predict_linear', signature(['matrix', 'scalar'], 'vector')],
  ['quantile_over_time', signature(['scalar', 'matrix'], 'vector')],
  ['round', signature(['vector', 'scalar'], 'vector', { optional: 1 })],
  ['scalar', signature(['vector'], 'scalar')],
  [
    'sort_by_label sort_by_label_desc',
    signature(['vector', 'string'], 'vector', { optional: 1, repeat: Infinity }),
  ],
  ['vector', signature(['scalar'], 'vector')],
];

export const SIGNATURES: ReadonlyMap<string, Signature> = new Map(
  table.flatMap(([names, signature]) =>
    names.split(' ').map((name): [string, Signature] => [name, signature]),
  ),
);

/** Names that existed in older releases of the language, and what they are called now. */
export const RENAMED_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['holt_winters', 'double_exponential_smoothing'],
]);
