import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PLANTED } from './alterations.ts';
import type { Alteration } from './alterations.ts';
import { kills, powerCuts } from './campaign.ts';
import type { CampaignReport } from './campaign.ts';
import { MountRoom, whyNoDisks } from './disks.ts';
import { fillDisk } from './full-disk.ts';

/**
 *     npm run soak -- [--kills N] [--power-cuts N] [--full-disks N] [--seed S]
 *     npm run soak -- --planted [--only NAME] [--seed S]
 *
 * The crash programme at length against the built program. Ends with 1 when a promise was broken (with
 * `--planted`: when a planted fault went unnoticed), and says where ledger, log and data are kept.
 */
const USAGE = `npm run soak -- [--kills N] [--power-cuts N] [--full-disks N] [--seed S]
npm run soak -- --planted [--only ${Object.keys(PLANTED).join('|')}] [--seed S]`;
const TELL_EVERY = 25;
/** Of each planted fault; by then all have been seen many times. */
const PLANTED_FAULTS_MAX = 50;

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const startedMs = performance.now();

/** What was found, in one shape for all kinds of fault. */
interface Result {
  readonly summary: string;
  readonly violations: readonly string[];
}

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '0' },
    'power-cuts': { type: 'string', default: '0' },
    'full-disks': { type: 'string', default: '0' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    planted: { type: 'boolean', default: false },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const [seed, killCount, cutCount, fullCount] = [
  values.seed,
  values.kills,
  values['power-cuts'],
  values['full-disks'],
].map(Number) as [number, number, number, number];

// An exit, other than a death by signal, ends what was started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const counts = [seed, killCount, cutCount, fullCount];
const isSense =
  counts.every((count) => Number.isSafeInteger(count) && count >= 0) &&
  (values.only === undefined || Object.hasOwn(PLANTED, values.only)) &&
  (values.planted || killCount + cutCount + fullCount > 0);
if (values.help || !isSense) {
  say(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else {
  say(`seed ${seed}`);
  process.exitCode = await run();
  say(`${Math.round((performance.now() - startedMs) / 1000)} s, seed ${seed}`);
}

async function run(): Promise<number> {
  const reason = values.planted || cutCount + fullCount > 0 ? await whyNoDisks() : undefined;
  if (reason !== undefined) {
    say(`no power cuts and full disks here: ${reason}`);
    return 2;
  }
  return values.planted ? runPlanted() : runAll();
}

async function runAll(): Promise<number> {
  const results: Result[] = [];
  if (killCount > 0) results.push(await runKills(killCount));
  if (cutCount > 0) results.push(await runCuts(cutCount));
  if (fullCount > 0) results.push(await runFullDisks(fullCount));
  const violations = results.flatMap((result) => result.violations);
  say(results.map(({ summary }) => summary).join('\n'));
  say(violations.length === 0 ? 'every promise was kept' : `${violations.length} violations`);
  return violations.length === 0 ? 0 : 1;
}

/** Each fault by what it takes to see it; stops at the first sign. */
async function runPlanted(): Promise<number> {
  const unseen: string[] = [];
  for (const [name, { by, alteration }] of Object.entries(PLANTED)) {
    if (values.only !== undefined && values.only !== name) continue;
    const runOne = { kill: runKills, 'power-cut': runCuts, 'disk-full': runFullDisks }[by];
    const { violations } = await runOne(by === 'disk-full' ? 4 : PLANTED_FAULTS_MAX, alteration);
    say(`${name}: ${violations.length > 0 ? 'noticed' : 'NOT NOTICED'} (${by})`);
    if (violations.length === 0) unseen.push(name);
  }
  return unseen.length === 0 ? 0 : 1;
}

function tell(what: string, of: number): (done: number) => void {
  return (done) => {
    if (done % TELL_EVERY !== 0 && done !== of) return;
    say(`${done} of ${of} ${what}, ${Math.round((performance.now() - startedMs) / 1000)} s`);
  };
}

async function runKills(count: number, planted?: Alteration): Promise<Result> {
  const options = { seed, faults: count, onFault: tell('kills', count) };
  return resultOf('kill -9', await kills({ ...options, ...(planted && { planted }) }));
}

async function runCuts(count: number, planted?: Alteration): Promise<Result> {
  const options = { seed, faults: count, onFault: tell('power cuts', count) };
  return resultOf('power cuts', await powerCuts({ ...options, ...(planted && { planted }) }));
}

function resultOf(what: string, report: CampaignReport): Result {
  for (const text of report.violations) say(text);
  for (const directory of report.kept) say(`kept: ${directory}`);
  const { faults, faultsAtStart, lives, acknowledged, flushes, merges, tornTails } = report;
  return {
    summary:
      `${what}: ${faults} (${faultsAtStart} of them before a start was done) in ${lives} lives, ` +
      `${acknowledged} samples acknowledged, ${flushes} flushes, ${merges} merges, ${tornTails} torn tails, ` +
      `slowest start ${report.slowestStartMs} ms, ${report.violations.length} violations`,
    violations: report.violations,
  };
}

async function runFullDisks(count: number, planted?: Alteration): Promise<Result> {
  const room = await MountRoom.open();
  const violations: string[] = [];
  const slowest = { refusalMs: 0, resumeMs: 0 };
  let acknowledged = 0;
  try {
    for (let i = 0; i < count; i++) {
      const directory = mkdtempSync(join(tmpdir(), 'nephoscope-crash-'));
      const report = await fillDisk({
        seed: seed + i,
        room,
        directory,
        hasSmallStore: i % 2 === 1,
        restartsWhileFull: !planted && i % 4 > 1,
        ...(planted && { planted }),
      });
      acknowledged += report.acknowledged;
      slowest.refusalMs = Math.max(slowest.refusalMs, report.slowestRefusalMs);
      slowest.resumeMs = Math.max(slowest.resumeMs, report.resumedAfterMs);
      violations.push(...report.violations);
      for (const text of report.violations) say(text);
      if (report.violations.length > 0) say(`kept: ${directory}`);
      else rmSync(directory, { recursive: true, force: true });
      tell('full disks', count)(i + 1);
    }
  } finally {
    await room.close();
  }
  return {
    summary:
      `full disks: ${count}, ${acknowledged} samples acknowledged, slowest refusal ${slowest.refusalMs} ms, ` +
      `slowest resumption ${slowest.resumeMs} ms, ${violations.length} violations`,
    violations,
  };
}
