import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Alteration } from './alterations.ts';
import { JournalledDisk, MountRoom } from './disks.ts';
import type { JournalledKind } from './disks.ts';
import { liveThrough } from './life.ts';
import type { LifeReport } from './life.ts';

/** Many faults, spread over lives short enough that each check can read everything. */
export interface CampaignOptions {
  readonly seed: number;
  readonly faults: number;
  readonly planted?: Alteration;
  /** Called after each fault with the number of them and of the samples acknowledged in finished lives. */
  readonly onFault?: (faults: number) => void;
}

export interface CampaignReport extends LifeReport {
  readonly lives: number;
  /** Where ledger, log and data of a life with violations are. */
  readonly kept: readonly string[];
}

const FAULTS_IN_A_LIFE = 25;
/** Every third life is one with the sizes as shipped. */
const SHIPPED_EVERY = 3;
/** A machine on which everything fails must not fill its disk with what is kept. */
const KEPT_MAX = 5;

/** Ends the program by `kill -9`. */
export function kills(options: CampaignOptions): Promise<CampaignReport> {
  return campaign(options, (life) => liveThrough(life));
}

/** Cuts the power under ext4 and XFS in turn. */
export async function powerCuts(
  options: CampaignOptions,
  kinds: readonly JournalledKind[] = ['ext4', 'xfs'],
): Promise<CampaignReport> {
  const room = await MountRoom.open();
  let lives = 0;
  try {
    return await campaign(options, async (life) => {
      const kind = kinds[lives++ % kinds.length]!;
      const disk = await JournalledDisk.make(room, life.directory, kind);
      try {
        const report = await liveThrough({ ...life, disk });
        const violations = report.violations.map((text) => `${kind}: ${text}`);
        return { ...report, violations };
      } finally {
        await disk.close();
      }
    });
  } finally {
    await room.close();
  }
}

async function campaign(
  options: CampaignOptions,
  live: (life: Parameters<typeof liveThrough>[0]) => Promise<LifeReport>,
): Promise<CampaignReport> {
  const { seed, faults, planted, onFault } = options;
  const reports: LifeReport[] = [];
  const kept: string[] = [];
  // One sign is enough of a planted fault.
  const keptMax = planted ? 1 : KEPT_MAX;
  let done = 0;
  for (let life = 0; life * FAULTS_IN_A_LIFE < faults && kept.length < keptMax; life++) {
    const directory = mkdtempSync(join(tmpdir(), 'nephoscope-crash-'));
    const report = await live({
      seed: seed + life,
      faults: Math.min(FAULTS_IN_A_LIFE, faults - life * FAULTS_IN_A_LIFE),
      directory,
      hasSmallStore: life % SHIPPED_EVERY !== SHIPPED_EVERY - 1,
      ...(planted && { planted }),
      onFault: () => {
        done++;
        onFault?.(done);
      },
    });
    reports.push(report);
    if (report.violations.length > 0) kept.push(directory);
    else rmSync(directory, { recursive: true, force: true });
  }
  return { ...added(reports), lives: reports.length, kept };
}

function added(reports: readonly LifeReport[]): LifeReport {
  const sum = (figure: (report: LifeReport) => number): number =>
    reports.reduce((total, report) => total + figure(report), 0);
  return {
    faults: sum(({ faults }) => faults),
    faultsAtStart: sum(({ faultsAtStart }) => faultsAtStart),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    flushes: sum(({ flushes }) => flushes),
    merges: sum(({ merges }) => merges),
    tornTails: sum(({ tornTails }) => tornTails),
    slowestStartMs: Math.max(0, ...reports.map(({ slowestStartMs }) => slowestStartMs)),
    violations: reports.flatMap(({ violations }) => violations),
  };
}
