import { parseDuration } from '../../model/duration.ts';
import { labelsKey, labelsToText, metricName } from '../../model/labels.ts';
import { DEFAULT_QUERIER_OPTIONS, openQuerier } from '../../query/open.ts';
import { QueryFailure } from '../../query/query.ts';
import type { Querier, QueryAnswer } from '../../query/query.ts';
import { NO_TELEMETRY } from '../../platform/telemetry.ts';
import { MemoryReader } from './memory-reader.ts';
import { HISTOGRAM, isClose, parseNumber, parseSeries } from './series-notation.ts';
import type { NotedSeries } from './series-notation.ts';
import { testClock } from './test-clock.ts';

/**
 * Reads and runs scripts in the language of Prometheus's own PromQL tests. Evaluations that touch native
 * histograms or start timestamps are told apart, because neither is stored.
 */
export interface Verdict {
  readonly file: string;
  readonly line: number;
  readonly expression: string;
  readonly kind: 'plain' | 'native' | 'start-timestamp';
  /** Undefined when the evaluation did what the script wants. */
  readonly fault: string | undefined;
  /** Annotations that were wanted and did not come, or the other way round. */
  readonly notesFault: string | undefined;
}

interface Evaluation {
  readonly line: number;
  readonly expression: string;
  readonly instantMs: number | undefined;
  readonly range:
    | { readonly startMs: number; readonly endMs: number; readonly stepMs: number }
    | undefined;
  readonly expected: NotedSeries[];
  scalar: number | undefined;
  text: string | undefined;
  fails: boolean;
  ordered: boolean;
  readonly notes: string[];
  grid: { readonly startMs: number; readonly endMs: number; readonly stepMs: number } | undefined;
}

type Command =
  | { readonly kind: 'clear' }
  | {
      readonly kind: 'load';
      readonly gapMs: number;
      readonly nhcb: boolean;
      readonly series: NotedSeries[];
      readonly startTimes: Set<string>;
    }
  | { readonly kind: 'eval'; readonly evaluation: Evaluation };

export function parseScript(text: string): Command[] {
  const lines = text.split('\n').map((line) => (line.trim().startsWith('#') ? '' : line.trim()));
  const commands: Command[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (line === '') continue;
    const word = line.split(/\s+/)[0]!.toLowerCase();
    const block: string[] = [];
    const first = i;
    if (word !== 'clear')
      while (i + 1 < lines.length && lines[i + 1] !== '') block.push(lines[++i]!);
    if (word === 'clear') commands.push({ kind: 'clear' });
    else if (word.startsWith('load')) commands.push(parseLoad(line, block));
    else if (word.startsWith('eval'))
      commands.push({ kind: 'eval', evaluation: parseEval(line, block, first + 1) });
    else throw new Error(`line ${first + 1}: unknown command ${word}`);
  }
  return commands;
}

function parseLoad(line: string, block: readonly string[]): Command {
  const series: NotedSeries[] = [];
  const startTimes = new Set<string>();
  for (const row of block) {
    if (/[}\w]@st\b/.test(row)) startTimes.add(/^[\w:]+/.exec(row)?.[0] ?? '');
    else series.push(parseSeries(row));
  }
  const gapMs = milliseconds(line.replace(/^\S+\s+/, ''));
  return { kind: 'load', gapMs, nhcb: line.startsWith('load_with_nhcb'), series, startTimes };
}

/** Durations here come without an order of units, too. */
function milliseconds(text: string): number {
  const ms = parseDuration(text.trim());
  if (ms === undefined) throw new Error(`no duration: ${text}`);
  return ms;
}

function parseEval(line: string, block: readonly string[], lineNumber: number): Evaluation {
  const word = /^\S+/.exec(line)![0];
  const instant = /^eval\S*\s+instant\s+at\s+(\S+)\s+(.+)$/i.exec(line);
  const range = /^eval\S*\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$/i.exec(line);
  if (!instant && !range) throw new Error(`line ${lineNumber}: unreadable ${line}`);
  const evaluation: Evaluation = {
    line: lineNumber,
    expression: instant ? instant[2]! : range![4]!,
    instantMs: instant ? milliseconds(instant[1]!) : undefined,
    range: range
      ? {
          startMs: milliseconds(range[1]!),
          endMs: milliseconds(range[2]!),
          stepMs: milliseconds(range[3]!),
        }
      : undefined,
    expected: [],
    scalar: undefined,
    text: undefined,
    fails: word === 'eval_fail',
    ordered: word === 'eval_ordered',
    notes: word === 'eval_warn' ? ['warn'] : word === 'eval_info' ? ['info'] : [],
    grid: undefined,
  };
  for (const row of block) {
    const grid = /^expect\s+range\s+vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)$/.exec(row);
    const expect = /^expect\s+(ordered|fail|warn|no_warn|info|no_info|string)\b\s*(.*)$/.exec(row);
    if (grid) {
      evaluation.grid = {
        startMs: milliseconds(grid[1]!),
        endMs: milliseconds(grid[2]!),
        stepMs: milliseconds(grid[3]!),
      };
    } else if (expect?.[1] === 'ordered') evaluation.ordered = true;
    else if (expect?.[1] === 'fail') evaluation.fails = true;
    else if (expect?.[1] === 'string') evaluation.text = expect[2]!.trim().slice(1, -1);
    else if (expect) evaluation.notes.push(expect[1]!);
    else if (/^expected_fail/.test(row)) continue;
    else if (parseNumber(row) !== undefined) evaluation.scalar = parseNumber(row);
    else evaluation.expected.push(parseSeries(row));
  }
  return evaluation;
}

/** Runs one script on an engine of its own; the verdicts are in the script's order. */
export async function runScript(file: string, text: string): Promise<Verdict[]> {
  const reader = new MemoryReader();
  const querier = openQuerier(DEFAULT_QUERIER_OPTIONS, reader, {
    clock: testClock(),
    telemetry: NO_TELEMETRY,
  });
  const native = new Set<string>();
  const startTimed = new Set<string>();
  const verdicts: Verdict[] = [];
  for (const command of parseScript(text)) {
    if (command.kind === 'clear') {
      reader.clear();
      native.clear();
      startTimed.clear();
    } else if (command.kind === 'load') {
      load(reader, command, native);
      for (const name of command.startTimes) startTimed.add(name);
    } else {
      const { evaluation } = command;
      const outcome = await evaluate(querier, evaluation);
      verdicts.push({
        file,
        line: evaluation.line,
        expression: evaluation.expression,
        kind: isNative(evaluation, native)
          ? 'native'
          : mentions(evaluation.expression, startTimed) ||
              /\bstart_timestamp\(/.test(evaluation.expression)
            ? 'start-timestamp'
            : 'plain',
        ...outcome,
      });
    }
  }
  return verdicts;
}

function load(
  reader: MemoryReader,
  command: Extract<Command, { kind: 'load' }>,
  native: Set<string>,
): void {
  for (const { labels, cells } of command.series) {
    if (command.nhcb) native.add(metricName(labels).replace(/_(?:bucket|sum|count)$/, ''));
    cells.forEach((cell, i) => {
      if (cell === HISTOGRAM) native.add(metricName(labels));
      else if (cell !== undefined) reader.add(labels, i * command.gapMs, cell);
    });
  }
}

function isNative(evaluation: Evaluation, native: ReadonlySet<string>): boolean {
  return (
    evaluation.expected.some(({ cells }) => cells.includes(HISTOGRAM)) ||
    (native.size > 0 && mentions(evaluation.expression, native))
  );
}

/** Whether an expression may select one of the names, judged from its text. */
function mentions(expression: string, names: ReadonlySet<string>): boolean {
  if (names.size === 0) return false;
  const words = new Set(expression.match(/[a-zA-Z_:][a-zA-Z0-9_:]*/g) ?? []);
  return (
    [...names].some((name) => words.has(name)) ||
    /__name__\s*(?:=~|!)|(?:^|[^\w:\s])\s*\{(?!\s*")/.test(expression)
  );
}

async function evaluate(
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
      return { fault: undefined, notesFault: undefined };
    }
    const reason = thrown instanceof QueryFailure ? thrown.message : (thrown as Error).stack;
    return { fault: `failed: ${reason}`, notesFault: undefined };
  }
  if (evaluation.fails) return { fault: 'did not fail', notesFault: undefined };
  return { fault: judge(evaluation, answer), notesFault: judgeNotes(evaluation, answer) };
}

function judgeNotes({ notes }: Evaluation, { warnings, infos }: QueryAnswer): string | undefined {
  for (const note of notes) {
    if (note === 'warn' && warnings.length === 0) return 'no warning';
    if (note === 'info' && infos.length === 0) return 'no info';
    if (note === 'no_warn' && warnings.length > 0) return `warning: ${warnings[0]}`;
    if (note === 'no_info' && infos.length > 0) return `info: ${infos[0]}`;
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
