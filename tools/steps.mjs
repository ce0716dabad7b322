// One step of a longer job: runs a command, says what is going on when that takes a while, and shows the
// command's words only when it fails. Everything goes to stderr, so that stdout stays the program's.
// Plain JavaScript on Node alone: this runs before anything is installed.
import { spawn } from 'node:child_process';

const FIRST_WORD_MS = 2_000;
const NEXT_WORD_MS = 5_000;
/** Of a failed command's output, its beginning: the first error is the cause more often than the last. */
const OUTPUT_CHARACTERS_MAX = 1_000_000;

export class StepFailure extends Error {
  name = 'StepFailure';

  constructor(label, outcome, output) {
    super(`${label} failed (${outcome})`);
    this.output = output;
  }
}

export function say(text) {
  process.stderr.write(`${text}\n`);
}

export function seconds(fromMs) {
  return `${((performance.now() - fromMs) / 1000).toFixed(1)} s`;
}

/** Keeps telling that `label` is under way until the function returned is called. */
export function progress(label) {
  const startedMs = performance.now();
  let timer = setTimeout(function tell() {
    say(`${label} … ${seconds(startedMs)}`);
    timer = setTimeout(tell, NEXT_WORD_MS);
  }, FIRST_WORD_MS);
  return () => {
    clearTimeout(timer);
    return performance.now() - startedMs;
  };
}

/** Runs a command to its end and returns its output; rejects with a `StepFailure` unless it exits with 0. */
export async function step(label, command, args, options = {}) {
  const startedMs = performance.now();
  const stop = progress(label);
  let output = '';
  try {
    const outcome = await new Promise((resolve, reject) => {
      const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
      const hear = (chunk) => {
        if (output.length < OUTPUT_CHARACTERS_MAX) output += chunk;
      };
      child.stdout.setEncoding('utf8').on('data', hear);
      child.stderr.setEncoding('utf8').on('data', hear);
      child.on('error', reject);
      child.on('close', (code, signal) => resolve(signal ?? code));
    }).catch((error) => {
      throw new StepFailure(label, error.message, output);
    });
    if (outcome !== 0) {
      throw new StepFailure(
        label,
        typeof outcome === 'number' ? `exit code ${outcome}` : outcome,
        output,
      );
    }
  } finally {
    stop();
  }
  say(`${label}: ${seconds(startedMs)}`);
  return output;
}

/** Ends a tool: a failed step with its output, anything else with its stack. */
export function fail(thrown) {
  if (thrown instanceof StepFailure) {
    if (thrown.output.trim() !== '') say(thrown.output.trimEnd());
    say(`\n${thrown.message}`);
  } else say(thrown instanceof Error ? thrown.stack : String(thrown));
  process.exit(1);
}
