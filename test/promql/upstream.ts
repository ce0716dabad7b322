import { parseDuration } from '../../model/duration.ts';
import { metricName } from '../../model/labels.ts';
import { DEFAULT_QUERIER_OPTIONS, openQuerier } from '../../query/open.ts';
import { NO_TELEMETRY } from '../../platform/telemetry.ts';
import { emptyEvaluation, evaluate, rangeFault } from './evaluation.ts';
import type { Evaluation } from './evaluation.ts';
import { MemoryReader } from './memory-reader.ts';
import { HISTOGRAM, parseNumber, parseSeries } from './series-notation.ts';
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
  /** Whether the same question as a range query has another answer. */
  readonly rangeFault: string | undefined;
  /** Annotations that were wanted and did not come, or the other way round. */
  readonly notesFault: string | undefined;
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
    ...emptyEvaluation(),
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
    fails: word === 'eval_fail' ? { code: undefined, words: '' } : undefined,
    ordered: word === 'eval_ordered',
    notes: word === 'eval_warn' ? ['warn'] : word === 'eval_info' ? ['info'] : [],
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
    else if (expect?.[1] === 'fail') evaluation.fails = { code: undefined, words: '' };
    else if (expect?.[1] === 'string') evaluation.text = expect[2]!.trim().slice(1, -1);
    else if (expect) evaluation.notes.push(expect[1]!);
    else if (row.startsWith('expected_fail')) continue;
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
        rangeFault: outcome.fault ? undefined : await rangeFault(querier, evaluation),
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
