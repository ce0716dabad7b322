import { labelsKey, labelsToText } from '../../model/labels.ts';
import { QueryFailure } from '../../query/query.ts';
import type { Querier, QueryAnswer } from '../../query/query.ts';
import { isClose } from './series-notation.ts';
import type { NotedSeries } from './series-notation.ts';

export interface Grid {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

export interface WantedFailure {
  readonly code: string | undefined;
  readonly words: string;
}

/** One query of a script and what the script says about its answer. */
export interface Evaluation {
  readonly line: number;
  readonly expression: string;
  readonly instantMs: number | undefined;
  readonly range: Grid | undefined;
  readonly expected: NotedSeries[];
  scalar: number | undefined;
  text: string | undefined;
  fails: WantedFailure | undefined;
  ordered: boolean;
  /** `warn`, `no_warn`, `info`, `no_info`; or `warns: words`, `informs: words`. */
  readonly notes: string[];
  /** The times of an answer that is a range. */
  grid: Grid | undefined;
}

export function emptyEvaluation(): Evaluation {
  return {
    line: 0,
    expression: '',
    instantMs: undefined,
    range: undefined,
    expected: [],
    scalar: undefined,
    text: undefined,
    fails: undefined,
    ordered: false,
    notes: [],
    grid: undefined,
  };
}

/** Runs an evaluation and says what is wrong with its outcome. */
export async function evaluate(
  querier: Querier,
  evaluation: Evaluation,
): Promise<{ fault: string | undefined; notesFault: string | undefined }> {
  let answer: QueryAnswer;
  try {
    answer =
      evaluation.range === undefined
        ? await querier.instant({ text: evaluation.expression, timeMs: evaluation.instantMs! })
        : await querier.range({ text: evaluation.expression, ...evaluation.range });
  } catch (thrown) {
    if (thrown instanceof QueryFailure && evaluation.fails) {
      return { fault: judgeFailure(evaluation.fails, thrown), notesFault: undefined };
    }
    const reason = thrown instanceof QueryFailure ? thrown.message : (thrown as Error).stack;
    return { fault: `failed: ${reason}`, notesFault: undefined };
  }
  if (evaluation.fails) return { fault: 'did not fail', notesFault: undefined };
  return { fault: judge(evaluation, answer), notesFault: judgeNotes(evaluation, answer) };
}

function judgeFailure(wanted: WantedFailure, failure: QueryFailure): string | undefined {
  if (wanted.code !== undefined && wanted.code !== failure.code)
    return `failed with ${failure.code}`;
  return failure.message.includes(wanted.words) ? undefined : `failed with: ${failure.message}`;
}

function judgeNotes({ notes }: Evaluation, { warnings, infos }: QueryAnswer): string | undefined {
  for (const note of notes) {
    if (note === 'warn' && warnings.length === 0) return 'no warning';
    if (note === 'info' && infos.length === 0) return 'no info';
    if (note === 'no_warn' && warnings.length > 0) return `warning: ${warnings[0]}`;
    if (note === 'no_info' && infos.length > 0) return `info: ${infos[0]}`;
    const [kind, words] = note.split(': ');
    const said = kind === 'warns' ? warnings : infos;
    if (words !== undefined && !said.some((each) => each.includes(words))) {
      return `nobody said "${words}" but: ${[...warnings, ...infos].join('; ')}`;
    }
  }
  return undefined;
}

function judge(evaluation: Evaluation, { value }: QueryAnswer): string | undefined {
  if (evaluation.text !== undefined) {
    return value.kind === 'string' && value.value === evaluation.text
      ? undefined
      : 'another string';
  }
  if (evaluation.scalar !== undefined) {
    if (value.kind !== 'scalar') return `a ${value.kind}, not a scalar`;
    return isClose(evaluation.scalar, value.value) ? undefined : `the scalar ${value.value}`;
  }
  const grid = evaluation.range ?? evaluation.grid;
  const wanted = new Map(
    evaluation.expected.map((each, i) => [labelsKey(each.labels), { each, i }]),
  );
  if (value.kind !== (grid ? 'matrix' : 'vector')) return `a ${value.kind}`;
  const rows =
    value.kind === 'vector'
      ? value.elements.map((each) => ({
          labels: each.labels,
          times: Float64Array.of(value.timeMs),
          values: Float64Array.of(each.value),
        }))
      : value.kind === 'matrix'
        ? value.series
        : [];
  for (const [place, row] of rows.entries()) {
    const found = wanted.get(labelsKey(row.labels));
    const shown = labelsToText(row.labels);
    if (!found) return `unexpected ${shown}`;
    if (evaluation.ordered && found.i !== place)
      return `${shown} at place ${place}, not ${found.i}`;
    wanted.delete(labelsKey(row.labels));
    const cells: [number, unknown][] = grid
      ? found.each.cells.map((cell, i) => [grid.startMs + i * grid.stepMs, cell])
      : [[evaluation.instantMs!, found.each.cells[0]]];
    const points = cells.filter(([, cell]) => cell !== undefined);
    if (points.length !== row.times.length) {
      return `${shown}: ${row.times.length} points, not ${points.length}: ${[...row.values].join(' ')}`;
    }
    for (const [i, [timeMs, cell]] of points.entries()) {
      if (Math.abs(row.times[i]! - timeMs) > 0.5)
        return `${shown}: time ${row.times[i]}, not ${timeMs}`;
      if (typeof cell !== 'number' || !isClose(cell, row.values[i]!)) {
        return `${shown}: ${row.values[i]}, not ${String(cell)}`;
      }
    }
  }
  for (const { each } of wanted.values()) return `missing ${labelsToText(each.labels)}`;
  return undefined;
}

/**
 * Asks for the same instant as the middle step of a range query: both must agree. Undefined when they do or
 * when the question makes no sense for a range.
 */
export async function rangeFault(
  querier: Querier,
  evaluation: Evaluation,
): Promise<string | undefined> {
  const atMs = evaluation.instantMs;
  if (atMs === undefined || evaluation.fails || evaluation.text !== undefined || evaluation.grid) {
    return undefined;
  }
  if (/\b(?:start|end|range|step)\(\)/i.test(evaluation.expression)) return undefined;
  const startMs = atMs >= 60_000 ? atMs - 60_000 : atMs;
  const grid = { startMs, endMs: atMs + 60_000, stepMs: 60_000 };
  let answer: QueryAnswer;
  try {
    answer = await querier.range({ text: evaluation.expression, ...grid });
  } catch (thrown) {
    return `as a range: ${(thrown as Error).message}`;
  }
  const { value } = answer;
  if (value.kind !== 'matrix') return `as a range: a ${value.kind}`;
  const elements = value.series.flatMap(({ labels, times, values }) => {
    const row = times.indexOf(atMs);
    return row === -1 ? [] : [{ labels, value: values[row]! }];
  });
  const fault =
    evaluation.scalar === undefined
      ? judge(
          { ...evaluation, ordered: false },
          { ...answer, value: { kind: 'vector', timeMs: atMs, elements } },
        )
      : elements.length === 1 && isClose(evaluation.scalar, elements[0]!.value)
        ? undefined
        : 'another scalar';
  return fault && `as a range: ${fault}`;
}
