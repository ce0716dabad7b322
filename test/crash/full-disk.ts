import * as fs from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../platform/random.ts';
import { launchNephoscope } from '../end-to-end/process.ts';
import type { LaunchedNephoscope, Surroundings } from '../end-to-end/process.ts';
import { remoteWrite } from '../end-to-end/remote-write.ts';
import { until } from '../real/until.ts';
import { SMALL_STORE, altered } from './alterations.ts';
import type { Alteration } from './alterations.ts';
import { mountSmallDisk } from './disks.ts';
import type { MountRoom } from './disks.ts';
import { Ledger } from './ledger.ts';
import { everything } from './life.ts';
import { Violations } from './violations.ts';

/**
 * A disk of 16 MiB that somebody, or the samples themselves, fill: writes are refused at once with the
 * reason, queries go on, also after a start with the disk full, and writing resumes by itself.
 */
export interface FullDiskOptions {
  readonly seed: number;
  readonly room: MountRoom;
  readonly directory: string;
  readonly hasSmallStore: boolean;
  /** Whether it is killed and started again while there is no room. */
  readonly restartsWhileFull: boolean;
  readonly planted?: Alteration;
}

export interface FullDiskReport {
  readonly acknowledged: number;
  readonly slowestRefusalMs: number;
  readonly resumedAfterMs: number;
  readonly violations: readonly string[];
}

const DISK_BYTES = 16 * 1024 * 1024;
/** What is left for the samples to fill. */
const ROOM_BYTES_MAX = 512 * 1024;
/** Blocks take far less than the journal. */
const SMALL_STORE_ROOM_BYTES_MAX = 64 * 1024;
const REFUSAL_MS_MAX = 1000;
const RESUME_MS_MAX = 10_000;
const REFUSALS = 8;
const WRITES_MAX = 3000;
const SERIES = 200;
const SERIES_IN_A_BATCH = 10;
const ROWS_IN_A_SERIES = 40;

export async function fillDisk(options: FullDiskOptions): Promise<FullDiskReport> {
  const { room, directory } = options;
  const path = await mountSmallDisk(room, directory, DISK_BYTES);
  const scenario = new FullDisk(options, path);
  try {
    return await scenario.run();
  } finally {
    await scenario.close();
    await room.run('umount', path);
  }
}

class FullDisk {
  readonly #ledger: Ledger;
  readonly #violations = new Violations();
  readonly #surroundings: Surroundings;
  readonly #data: string;
  readonly #ballast: string;
  readonly #roomBytes: number;
  readonly #restartsWhileFull: boolean;
  #launched: LaunchedNephoscope | undefined;
  #writes = 0;
  #slowestRefusalMs = 0;

  constructor(options: FullDiskOptions, path: string) {
    const { room, directory, seed, hasSmallStore, planted } = options;
    this.#ledger = new Ledger(join(directory, 'operations.log'), Date.now());
    this.#ledger.note(`seed ${seed}, full disk`);
    const alterations = [...(hasSmallStore ? [SMALL_STORE] : []), ...(planted ? [planted] : [])];
    this.#surroundings = { ...altered(alterations), through: room.through };
    this.#data = join(path, 'data');
    this.#ballast = room.outside(join(path, 'ballast'));
    this.#roomBytes = Math.floor(
      seededRandom(seed).next() * (hasSmallStore ? SMALL_STORE_ROOM_BYTES_MAX : ROOM_BYTES_MAX),
    );
    this.#restartsWhileFull = options.restartsWhileFull;
  }

  async run(): Promise<FullDiskReport> {
    let running = await this.#start();
    for (let i = 0; i < 5; i++) await this.#write(running.url);
    this.#takeRoom();
    await this.#writeUntilRefused(running.url);
    await this.#check(running.url, 'while the disk was full');
    if (this.#restartsWhileFull) {
      await running.kill();
      try {
        running = await this.#start();
        await this.#check(running.url, 'after a start with the disk full');
      } catch (thrown) {
        this.#violations.add(`with the disk full it does not start: ${String(thrown)}`);
        fs.rmSync(this.#ballast);
        running = await this.#start();
      }
    }
    fs.rmSync(this.#ballast, { force: true });
    const freedMs = performance.now();
    await until('writes to be accepted again', 3 * RESUME_MS_MAX, async () => {
      const { status } = await this.#write(running.url);
      return status < 300;
    });
    const resumedAfterMs = performance.now() - freedMs;
    if (resumedAfterMs > RESUME_MS_MAX) {
      this.#violations.add(`writing resumed only after ${Math.round(resumedAfterMs)} ms`);
    }
    await this.#check(running.url, 'after room was made');
    await running.kill();
    running = await this.#start();
    await this.#check(running.url, 'after a kill');
    await running.stop();
    return {
      acknowledged: this.#ledger.acknowledged,
      slowestRefusalMs: Math.round(this.#slowestRefusalMs),
      resumedAfterMs: Math.round(resumedAfterMs),
      violations: this.#violations.texts,
    };
  }

  /** Whatever came of it. */
  async close(): Promise<void> {
    await this.#launched?.kill();
  }

  async #start(): Promise<LaunchedNephoscope> {
    const launched = await launchNephoscope({
      data: this.#data,
      args: ['--roles', 'ingest,query'],
      ...this.#surroundings,
    });
    this.#launched = launched;
    await launched.ready();
    return launched;
  }

  /** Fills the disk up to the room that the samples shall fill themselves; with none, to the last byte. */
  #takeRoom(): void {
    const free = (): number => {
      const { bavail, bsize } = fs.statfsSync(this.#ballast);
      return bavail * bsize;
    };
    fs.writeFileSync(this.#ballast, '');
    const bytes = Buffer.alloc(Math.max(0, free() - this.#roomBytes), 1);
    fs.writeFileSync(this.#ballast, bytes);
    this.#ledger.note(`ballast of ${bytes.length} bytes, ${free()} left`);
  }

  async #write(url: string): Promise<{ readonly status: number; readonly text: string }> {
    this.#writes++;
    const batch = this.#ledger.compose(
      Array.from({ length: SERIES_IN_A_BATCH }, (_, i) => ({
        source: (this.#writes * SERIES_IN_A_BATCH + i) % SERIES,
        count: ROWS_IN_A_SERIES,
      })),
    );
    this.#ledger.sending(batch);
    const startedMs = performance.now();
    const response = await remoteWrite(url, this.#ledger.series(batch));
    const text = await response.text();
    const tookMs = performance.now() - startedMs;
    this.#ledger.settle(batch, response.ok ? 'acknowledged' : 'failed', text.trim());
    if (!response.ok) {
      this.#slowestRefusalMs = Math.max(this.#slowestRefusalMs, tookMs);
      if (tookMs > REFUSAL_MS_MAX) {
        this.#violations.add(`a refusal took ${Math.round(tookMs)} ms: ${text}`);
      }
    }
    return { status: response.status, text };
  }

  async #writeUntilRefused(url: string): Promise<void> {
    let refusals = 0;
    for (let write = 0; refusals < REFUSALS; write++) {
      if (write > WRITES_MAX) throw new Error(`${write} writes did not fill the disk`);
      const { status, text } = await this.#write(url);
      if (status < 300) continue;
      refusals++;
      // With small sizes the memory may fill before the journal meets the end of the disk.
      if (![503, 429].includes(status) || !/disk is full|send again later/.test(text)) {
        this.#violations.add(`on a full disk a write was answered ${status}: ${text}`);
      }
    }
  }

  async #check(url: string, when: string): Promise<void> {
    this.#ledger.note(`checking ${when}`);
    this.#violations.judged(when, this.#ledger.judge(await everything(url)));
    const healthy = await fetch(`${url}/-/healthy`, { signal: AbortSignal.timeout(5000) });
    if (!healthy.ok) this.#violations.add(`${when} /-/healthy answers ${healthy.status}`);
  }
}
