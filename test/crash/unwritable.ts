import * as fs from 'node:fs';
import { join } from 'node:path';
import { launchNephoscope, runToEnd } from '../end-to-end/process.ts';
import type { LaunchedNephoscope, Outcome, Surroundings } from '../end-to-end/process.ts';
import { remoteWrite } from '../end-to-end/remote-write.ts';
import { until } from '../real/until.ts';
import { JournalledDisk } from './disks.ts';
import type { MountRoom } from './disks.ts';
import { Ledger } from './ledger.ts';
import { everything } from './life.ts';
import { Violations } from './violations.ts';

/** Directories that cannot be written: from the start, or suddenly. */
export interface UnwritableReport {
  readonly violations: readonly string[];
  /** How long the slowest refusal of a write took. */
  readonly slowestRefusalMs: number;
}

const REFUSAL_MS_MAX = 1000;
const RESUME_MS_MAX = 10_000;
const START_MS_MAX = 5000;

/**
 * An ext4 disk that an operator makes read-only before the first write and writable again, and that the
 * kernel then makes read-only for an error, in the middle of writing.
 */
export async function turnReadOnly(room: MountRoom, directory: string): Promise<UnwritableReport> {
  const disk = await JournalledDisk.make(room, directory, 'ext4');
  const scenario = new ReadOnly(directory, disk);
  try {
    return await scenario.run();
  } finally {
    await scenario.close();
    await disk.close();
  }
}

class ReadOnly {
  readonly #ledger: Ledger;
  readonly #violations = new Violations();
  readonly #disk: JournalledDisk;
  readonly #data: string;
  #launched: LaunchedNephoscope | undefined;
  #slowestRefusalMs = 0;

  constructor(directory: string, disk: JournalledDisk) {
    this.#disk = disk;
    this.#data = join(disk.path, 'data');
    this.#ledger = new Ledger(join(directory, 'operations.log'), Date.now());
  }

  async run(): Promise<UnwritableReport> {
    // Closes every file that would keep the disk from being made read-only.
    await (await this.#start()).stop();
    const { url } = await this.#start();
    await this.#disk.remount('ro');
    await this.#expectRefusal(url, 'made read-only by hand');
    await this.#disk.remount('rw');
    const writableMs = performance.now();
    await until('writes to be accepted again', 3 * RESUME_MS_MAX, () => this.#isWritten(url));
    if (performance.now() - writableMs > RESUME_MS_MAX) {
      this.#violations.add('writing resumed only after 10 s');
    }
    for (let i = 0; i < 20; i++) await this.#isWritten(url);
    await this.#disk.turnReadOnlyByError();
    await this.#expectRefusal(url, 'made read-only by the kernel');
    await this.#launched!.kill();
    await this.#disk.restorePower();
    const again = await this.#start();
    await this.#check(again.url, 'after the disk came back');
    if (!(await this.#isWritten(again.url))) this.#violations.add('writes are still refused');
    await again.stop();
    return {
      violations: this.#violations.texts,
      slowestRefusalMs: Math.round(this.#slowestRefusalMs),
    };
  }

  /** Whatever came of it. */
  async close(): Promise<void> {
    await this.#launched?.kill();
  }

  async #start(): Promise<LaunchedNephoscope> {
    this.#launched = await launchNephoscope({
      data: this.#data,
      args: ['--roles', 'ingest,query'],
      through: this.#disk.room.through,
    });
    await this.#launched.ready();
    return this.#launched;
  }

  async #expectRefusal(url: string, when: string): Promise<void> {
    for (let i = 0; i < 5; i++) {
      if (await this.#isWritten(url)) this.#violations.add(`${when}: a write was acknowledged`);
    }
    await this.#check(url, when);
  }

  async #check(url: string, when: string): Promise<void> {
    this.#violations.judged(when, this.#ledger.judge(await everything(url)));
  }

  async #isWritten(url: string): Promise<boolean> {
    const batch = this.#ledger.compose([0, 1, 2].map((source) => ({ source, count: 5 })));
    this.#ledger.sending(batch);
    const startedMs = performance.now();
    const response = await remoteWrite(url, this.#ledger.series(batch));
    const text = await response.text();
    const tookMs = performance.now() - startedMs;
    this.#ledger.settle(batch, response.ok ? 'acknowledged' : 'failed', text.trim());
    if (response.ok) return true;
    this.#slowestRefusalMs = Math.max(this.#slowestRefusalMs, tookMs);
    if (tookMs > REFUSAL_MS_MAX) this.#violations.add(`a refusal took ${Math.round(tookMs)} ms`);
    if (response.status !== 503 || !/journal .* cannot be /.test(text)) {
      this.#violations.add(`on a read-only disk a write was answered ${response.status}: ${text}`);
    }
    return false;
  }
}

/** Starts that cannot succeed: each ends with 2 within 5 s and names the directory. */
export async function startWhereNothingCanBeWritten(
  room: MountRoom,
  directory: string,
): Promise<UnwritableReport> {
  const violations = new Violations();
  const expectRefusal = async (
    what: string,
    data: string,
    surroundings: Surroundings,
    words: RegExp,
  ): Promise<void> => {
    const startedMs = performance.now();
    const outcome: Outcome = await runToEnd(
      ['serve', '--listen', '127.0.0.1:0', '--data', data, '--roles', 'ingest,query'],
      3 * START_MS_MAX,
      surroundings,
    );
    const tookMs = Math.round(performance.now() - startedMs);
    if (outcome.code !== 2 || tookMs > START_MS_MAX || !words.test(outcome.stderr)) {
      violations.add(`${what}: ended with ${outcome.code} after ${tookMs} ms: ${outcome.stderr}`);
    }
    if (!outcome.stderr.includes(data)) {
      violations.add(`${what}: the message does not name ${data}: ${outcome.stderr}`);
    }
  };

  const file = join(directory, 'file');
  fs.writeFileSync(file, '');
  await expectRefusal('below a file', join(file, 'data'), {}, /not a directory/i);

  const foreign = join(directory, 'foreign');
  fs.mkdirSync(foreign);
  // Root without the privilege to write where it is not allowed to.
  fs.chownSync(foreign, 65_534, 65_534);
  const unprivileged = ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--'];
  await expectRefusal(
    'without permission',
    join(foreign, 'data'),
    { through: unprivileged },
    /permi/i,
  );

  const sealed = join(directory, 'sealed');
  const data = join(sealed, 'data');
  fs.mkdirSync(sealed);
  await room.run('mount', '-t', 'tmpfs', 'tmpfs', sealed);
  try {
    await room.run('mkdir', data);
    await room.run('mount', '-o', 'remount,ro', sealed);
    await expectRefusal('on a read-only disk', data, { through: room.through }, /read-only/i);
  } finally {
    await room.run('umount', sealed);
  }
  return { violations: violations.texts, slowestRefusalMs: 0 };
}
