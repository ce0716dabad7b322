import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../platform/random.ts';
import type { Random } from '../../platform/random.ts';
import { launchNephoscope } from '../end-to-end/process.ts';
import type { LaunchedNephoscope, Surroundings } from '../end-to-end/process.ts';
import { query } from '../end-to-end/prometheus-api.ts';
import { remoteWrite } from '../end-to-end/remote-write.ts';
import { SMALL_STORE, altered } from './alterations.ts';
import type { Alteration } from './alterations.ts';
import type { JournalledDisk } from './disks.ts';
import { Ledger, METRIC } from './ledger.ts';
import { startLoad } from './load.ts';
import { Violations } from './violations.ts';

/**
 * The life of one data directory: started, checked, written to, struck down in the middle of it, again and
 * again; in the end what was never answered is sent once more, and it stops and starts in order.
 */
export interface LifeOptions {
  /** Chooses what is sent and when the faults come; what meets what is up to the machine. */
  readonly seed: number;
  readonly faults: number;
  /** An existing one, for the ledger, the log and, without a disk, the data. */
  readonly directory: string;
  /** With one, a fault is a power cut; without, a kill -9. */
  readonly disk?: JournalledDisk;
  /** As shipped, memory is written to blocks every few million samples only. */
  readonly hasSmallStore: boolean;
  readonly planted?: Alteration;
  readonly onFault?: () => void;
}

export interface LifeReport {
  readonly faults: number;
  /** Of these, before the start was done. */
  readonly faultsAtStart: number;
  readonly acknowledged: number;
  readonly flushes: number;
  readonly merges: number;
  readonly tornTails: number;
  readonly slowestStartMs: number;
  readonly violations: readonly string[];
}

const AT_START_SHARE = 0.25;
/** A fault comes after some requests, so that a busy machine is tested as well as a fast one … */
const REQUESTS_MAX = 80;
const LOAD_MS_MAX = 5000;
/** … and then at any point of the next ones. */
const PHASE_MS = 20;
const STEADY_SOURCES = 24;
/** Series that come and go between two faults. */
const PASSING_SOURCES = 6;

export function liveThrough(options: LifeOptions): Promise<LifeReport> {
  return new Life(options).run();
}

/** Every stored sample, through the door that everybody uses. */
export async function everything(url: string): ReturnType<typeof query> {
  return query(url, `${METRIC}[15d]`);
}

class Life {
  readonly #options: LifeOptions;
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #violations = new Violations();
  readonly #surroundings: Surroundings;
  readonly #data: string;
  #faults = 0;
  #faultsAtStart = 0;
  #flushes = 0;
  #merges = 0;
  #tornTails = 0;
  #slowestStartMs = 0;
  #usualStartMs = 700;

  constructor(options: LifeOptions) {
    const { directory, disk, seed, hasSmallStore, planted } = options;
    this.#options = options;
    this.#random = seededRandom(seed);
    this.#ledger = new Ledger(join(directory, 'operations.log'), Date.now());
    this.#ledger.note(`seed ${seed}, ${disk ? 'power cuts' : 'kill -9'}`);
    this.#data = join(disk ? disk.path : directory, 'data');
    const alterations = [...(hasSmallStore ? [SMALL_STORE] : []), ...(planted ? [planted] : [])];
    this.#surroundings = { ...altered(alterations), ...(disk && { through: disk.room.through }) };
  }

  async run(): Promise<LifeReport> {
    mkdirSync(this.#options.directory, { recursive: true });
    while (this.#faults < this.#options.faults && !this.#isNoticed) {
      await this.#untilFault();
      this.#options.onFault?.();
    }
    await this.#end();
    return {
      faults: this.#faults,
      faultsAtStart: this.#faultsAtStart,
      acknowledged: this.#ledger.acknowledged,
      flushes: this.#flushes,
      merges: this.#merges,
      tornTails: this.#tornTails,
      slowestStartMs: Math.round(this.#slowestStartMs),
      violations: this.#violations.texts,
    };
  }

  /** A planted fault that was noticed once has done its duty. */
  get #isNoticed(): boolean {
    return this.#options.planted !== undefined && this.#violations.texts.length > 0;
  }

  async #untilFault(): Promise<void> {
    const fault = this.#faults++;
    const launched = await this.#launch();
    if (this.#random.next() < AT_START_SHARE) {
      this.#faultsAtStart++;
      await delay(this.#random.next() * this.#usualStartMs);
      await this.#strike(launched);
      return;
    }
    if (!(await this.#isReady(launched, `after ${fault} faults`))) return;
    await this.#check(launched, `after ${fault} faults`);
    const load = startLoad({
      url: launched.url,
      ledger: this.#ledger,
      random: this.#random,
      sources: Array.from({ length: STEADY_SOURCES + PASSING_SOURCES }, (_, i) =>
        i < STEADY_SOURCES ? i : i + fault * PASSING_SOURCES,
      ),
      violations: this.#violations,
    });
    await load.answered(Math.ceil(this.#random.next() * REQUESTS_MAX), LOAD_MS_MAX);
    await delay(this.#random.next() * PHASE_MS);
    await this.#strike(launched, () => load.faultBegins(this.#options.disk ? 'power' : 'process'));
    await load.ended();
  }

  async #end(): Promise<void> {
    const first = await this.#launch();
    if (!(await this.#isReady(first, 'after the last fault'))) return;
    await this.#check(first, 'after the last fault');
    for (const batch of this.#ledger.unanswered.values()) {
      this.#ledger.sending(batch);
      const response = await remoteWrite(first.url, this.#ledger.series(batch));
      if (response.ok) this.#ledger.settle(batch, 'acknowledged');
      else {
        const text = `${response.status} ${await response.text()}`;
        this.#violations.add(`batch ${batch.number}, sent again, was refused: ${text}`);
      }
    }
    await this.#check(first, 'after sending again what was not answered');
    const exit = await first.stop();
    this.#keepLog(first);
    if (exit.code !== 0) this.#violations.add(`SIGTERM ended it with ${exit.code}`);
    const second = await this.#launch();
    if (!(await this.#isReady(second, 'after a stop in order'))) return;
    await this.#check(second, 'after a stop in order');
    await second.stop();
    this.#keepLog(second);
  }

  #launch(): Promise<LaunchedNephoscope> {
    return launchNephoscope({
      data: this.#data,
      args: ['--roles', 'ingest,query'],
      ...this.#surroundings,
    });
  }

  /** Every start succeeds, unaided. */
  async #isReady(launched: LaunchedNephoscope, when: string): Promise<boolean> {
    const startedMs = performance.now();
    try {
      await launched.ready();
    } catch (thrown) {
      this.#violations.add(`${when} it did not start: ${String(thrown)}`);
      await launched.kill();
      this.#keepLog(launched);
      return false;
    }
    this.#usualStartMs = performance.now() - startedMs;
    this.#slowestStartMs = Math.max(this.#slowestStartMs, this.#usualStartMs);
    return true;
  }

  async #check({ url }: LaunchedNephoscope, when: string): Promise<void> {
    this.#ledger.note(`checking ${when}`);
    const verdict = this.#ledger.judge(await everything(url));
    this.#violations.judged(when, verdict);
    // The same through another path of the engine, which does not hand the samples out.
    const counts = await query(url, `sum(count_over_time(${METRIC}[15d]))`);
    const counted = Number(counts[0]?.value?.[1] ?? 0);
    if (counted !== verdict.found) {
      this.#violations.add(
        `${when}: ${verdict.found} samples are read, but ${counted} are counted`,
      );
    }
  }

  async #strike(launched: LaunchedNephoscope, onBegin: () => void = () => {}): Promise<void> {
    const { disk } = this.#options;
    // What it complains of from here on is the fault itself.
    this.#judgeLog(launched);
    this.#ledger.note(disk ? 'power cut' : 'kill -9');
    onBegin();
    await disk?.cutPower();
    await launched.kill();
    this.#keepLog(launched);
    await disk?.restorePower();
  }

  #judgeLog({ log }: LaunchedNephoscope): void {
    for (const line of log) {
      if (line.level === 'error' || line.level === 'fatal') {
        this.#violations.add(`the log has an error: ${JSON.stringify(line)}`);
      }
    }
  }

  #keepLog({ log }: LaunchedNephoscope): void {
    const count = (text: string): number => log.filter(({ msg }) => msg?.includes(text)).length;
    this.#flushes += count('written from memory to blocks');
    this.#merges += count('blocks were merged');
    this.#tornTails += count('ends in the middle of a record');
    const lines = log.map((line) => `${JSON.stringify(line)}\n`).join('');
    appendFileSync(join(this.#options.directory, 'server.log'), `${lines}\n`);
  }
}
