import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kills, powerCuts } from '../crash/campaign.ts';
import { MountRoom, whyNoDisks } from '../crash/disks.ts';
import { fillDisk } from '../crash/full-disk.ts';
import { startWhereNothingCanBeWritten, turnReadOnly } from '../crash/unwritable.ts';

// Acknowledged means durable: whatever ends the program, every acknowledged sample is there exactly once
// afterwards. A few of each fault; `npm run soak` does the same at length.

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
/** Half a minute on a machine with nothing else to do; many starts of the program are slow on a busy one. */
const LIMIT_MS = 300_000;
const replay = `replay with SEED=${seed}`;

test(
  'kill -9 at any moment loses and doubles nothing',
  async () => {
    const report = await kills({ seed, faults: 12 });
    expect(report.violations, `${replay}, kept: ${report.kept.join(' ')}`).toEqual([]);
    expect(report.faults).toBe(12);
    expect(report.acknowledged, replay).toBeGreaterThan(1000);
    // The faults meet the work behind the writes, too, and not the journal alone.
    expect(report.flushes, replay).toBeGreaterThan(0);
  },
  LIMIT_MS,
);

describe('with disks of its own', () => {
  let room: MountRoom | undefined;
  let reason: string | undefined;
  const directory = mkdtempSync(join(tmpdir(), 'nephoscope-test-'));

  beforeAll(async () => {
    reason = await whyNoDisks();
    if (reason === undefined) room = await MountRoom.open();
  });

  afterAll(async () => {
    await room?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  for (const kind of ['ext4', 'xfs'] as const) {
    test(`a power cut under ${kind} takes nothing that was acknowledged before it`, async (context) => {
      if (reason !== undefined) context.skip(reason);
      const report = await powerCuts({ seed, faults: 2 }, [kind]);
      expect(report.violations, `${replay}, kept: ${report.kept.join(' ')}`).toEqual([]);
      expect(report.faults).toBe(2);
    });
  }

  for (const hasSmallStore of [false, true]) {
    const when = hasSmallStore ? 'while blocks are written' : 'while the journal grows';
    test(`a disk that is full ${when} is said to be, and writing resumes by itself`, async (context) => {
      if (!room) return context.skip(reason);
      const options = { seed, room, directory, hasSmallStore, restartsWhileFull: true };
      const report = await fillDisk(options);
      expect(report.violations, replay).toEqual([]);
      expect(report.acknowledged, replay).toBeGreaterThan(0);
    });
  }

  test('a disk that turns read-only is said to be, is still read, and is written again later', async (context) => {
    if (!room) return context.skip(reason);
    expect((await turnReadOnly(room, directory)).violations).toEqual([]);
  });

  test('a start where nothing can be written ends at once and says what to do', async (context) => {
    if (!room) return context.skip(reason);
    expect((await startWhereNothingCanBeWritten(room, directory)).violations).toEqual([]);
  });
});
