import { durationMs } from '../../model/duration.ts';
import { NO_TELEMETRY } from '../../platform/telemetry.ts';
import { DEFAULT_QUERIER_OPTIONS, openQuerier } from '../../query/open.ts';
import { emptyEvaluation, evaluate, rangeFault } from './evaluation.ts';
import type { Evaluation } from './evaluation.ts';
import { MemoryReader } from './memory-reader.ts';
import { HISTOGRAM, parseNumber, parseSeries } from './series-notation.ts';
import { testClock } from './test-clock.ts';

/**
 * Our scripts about PromQL (`*.promtest`) say what a query gives, to people first:
 *
 *   # Text after a hash is for the reader.
 *   every 10s                                    samples from 0 s on, in series-notation.ts's way
 *     up{job="node"} 1 1 0
 *   forget                                       all series are gone
 *
 *   at 20s: sum(up)                              an instant query, and below it each element
 *     {} 0
 *   from 0s to 20s every 10s: up == 0            a range query, _ where a step has no value
 *     up{job="node"} _ _ 0
 *
 * Instead of series an answer can be `nothing`, a number (a scalar) or `text …`; beside it can stand
 * `in this order`, `raw from T to T every D` (times of an answer that is a range), `warns WORDS`,
 * `informs WORDS`, `says nothing`, or in its place `fails CODE: WORDS`.
 * Each instant query is also asked as the middle step of a range query.
 */
export interface Case {
  readonly line: number;
  readonly expression: string;
  /** What is wrong with the answer; undefined when it is the script's. */
  fault(): Promise<string | undefined>;
}

export function casesOf(text: string): readonly Case[] {
  const reader = new MemoryReader();
  const cases: Case[] = [];
  let loads: string[] = [];
  for (const block of blocksOf(text)) {
    const [head, ...rows] = block.lines as [string, ...string[]];
    const every = /^every (\S+)$/.exec(head);
    if (head === 'forget') loads = [];
    else if (every) loads = [...loads, block.lines.join('\n')];
    else {
      const evaluation = parseEvaluation(head, rows, block.line);
      const data = loads;
      cases.push({
        line: block.line,
        expression: evaluation.expression,
        fault: () => faultOf(reader, data, evaluation),
      });
    }
  }
  return cases;
}

function blocksOf(text: string): { readonly line: number; readonly lines: readonly string[] }[] {
  const blocks: { line: number; lines: string[] }[] = [];
  text.split('\n').forEach((row, i) => {
    if (row.trim() === '' || row.trimStart().startsWith('#')) return;
    if (/^\s/.test(row)) blocks.at(-1)!.lines.push(row.trim());
    else blocks.push({ line: i + 1, lines: [row.trim()] });
  });
  return blocks;
}

function parseEvaluation(head: string, rows: readonly string[], line: number): Evaluation {
  const instant = /^at (\S+): (.+)$/.exec(head);
  const range = /^from (\S+) to (\S+) every (\S+): (.+)$/.exec(head);
  if (!instant && !range) throw new Error(`line ${line}: cannot read "${head}"`);
  const evaluation: Evaluation = {
    ...emptyEvaluation(),
    line,
    expression: instant ? instant[2]! : range![4]!,
    instantMs: instant ? durationMs(instant[1]!) : undefined,
    range: range ? gridOf(range) : undefined,
  };
  if (rows.length === 0) throw new Error(`line ${line}: say what comes out, if only "nothing"`);
  for (const row of rows) readRow(evaluation, row);
  return evaluation;
}

function gridOf(match: RegExpExecArray): { startMs: number; endMs: number; stepMs: number } {
  return {
    startMs: durationMs(match[1]!),
    endMs: durationMs(match[2]!),
    stepMs: durationMs(match[3]!),
  };
}

function readRow(evaluation: Evaluation, row: string): void {
  const raw = /^raw from (\S+) to (\S+) every (\S+)$/.exec(row);
  const fails = /^fails (\w+): (.+)$/.exec(row);
  const note = /^(warns|informs) (.+)$/.exec(row);
  if (row === 'nothing') return;
  if (row === 'in this order') evaluation.ordered = true;
  else if (row === 'says nothing') evaluation.notes.push('no_warn', 'no_info');
  else if (row.startsWith('text ')) evaluation.text = row.slice(5);
  else if (raw) evaluation.grid = gridOf(raw);
  else if (fails) evaluation.fails = { code: fails[1], words: fails[2]! };
  else if (note) evaluation.notes.push(`${note[1]}: ${note[2]}`);
  else if (parseNumber(row) !== undefined) evaluation.scalar = parseNumber(row);
  else evaluation.expected.push(parseSeries(row));
}

async function faultOf(
  reader: MemoryReader,
  loads: readonly string[],
  evaluation: Evaluation,
): Promise<string | undefined> {
  reader.clear();
  for (const load of loads) {
    const [head, ...rows] = load.split('\n') as [string, ...string[]];
    const gapMs = durationMs(head.slice('every '.length));
    for (const { labels, cells } of rows.map(parseSeries)) {
      cells.forEach((cell, i) => {
        if (cell === HISTOGRAM) throw new Error('scripts have no native histograms yet');
        if (cell !== undefined) reader.add(labels, i * gapMs, cell);
      });
    }
  }
  const querier = openQuerier(DEFAULT_QUERIER_OPTIONS, reader, {
    clock: testClock(),
    telemetry: NO_TELEMETRY,
  });
  const outcome = await evaluate(querier, evaluation);
  return outcome.fault ?? outcome.notesFault ?? (await rangeFault(querier, evaluation));
}
