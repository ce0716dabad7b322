import { DEFAULT_INGEST_LIMITS } from '../../ingest/ingest.ts';
import type { Ingest } from '../../ingest/ingest.ts';
import { createIngest } from '../../ingest/gate.ts';
import { startCollector } from '../../collector/collector.ts';
import type { Collector } from '../../collector/collector.ts';
import { metric } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { SampleBatch } from '../../model/sample.ts';
import { replaceFile } from '../../platform/files.ts';
import { seededRandom } from '../../platform/random.ts';
import type { Random } from '../../platform/random.ts';
import { DEFAULT_QUERIER_OPTIONS, openQuerier } from '../../query/open.ts';
import type { Querier } from '../../query/query.ts';
import type { Alerter } from '../../alerter/alerter.ts';
import {
  DEFAULT_ALERTER_OPTIONS,
  DEFAULT_ALERT_MAIL_TIMES,
  startAlerter,
} from '../../alerter/start.ts';
import { KERNEL } from '../store/kernel/kernel-fixture.ts';
import { openEmbeddedStore } from '../../store/embedded/database.ts';
import { TUNING } from '../../store/embedded/tuning.ts';
import type { Store } from '../../store/store.ts';
import type { LogLine } from './recording-log.ts';
import { SimulatedHost } from './simulated-host.ts';
import type { Delivery } from './simulated-mail.ts';
import { simulatedPlatform } from './simulated-platform.ts';
import type { SimulatedPlatform } from './simulated-platform.ts';

/**
 * Collector, ingest, store, query and alerter in one process on a simulated machine, with a sender from
 * outside, a CPU that is busy in episodes, a mail server that has bad hours, and a machine that dies.
 * Everything is decided by the seed.
 */
export const RULES = `
groups:
  - name: host
    interval: 5s
    rules:
      - record: host:cpu_busy:rate2m
        expr: sum by (instance) (rate(node_cpu_seconds_total{mode="user"}[2m]))
      - alert: HostBusy
        expr: sum by (instance) (rate(node_cpu_seconds_total{mode="user"}[2m])) > 0.5
        for: 20s
        labels: {severity: page}
        annotations: {summary: 'busy for a while'}
`;
const RULES_PATH = '/etc/nephoscope/rules.yml';

/** What is turned down so that an hour sees many blocks, merges and journal segments. */
const SMALL_STORE = {
  ...TUNING,
  headSamplesMax: 60_000,
  segmentBytesMax: 200_000,
  maintenanceIntervalMs: 5_000,
};

interface Running {
  readonly store: Store;
  readonly querier: Querier;
  readonly ingest: Ingest;
  readonly collector: Collector;
  readonly alerter: Alerter;
}

interface Sent {
  readonly number: number;
  readonly labels: readonly Labels[];
  readonly times: readonly number[];
  readonly values: readonly number[];
}

export interface Episode {
  readonly fromMs: number;
  readonly toMs: number;
}

export class World {
  readonly seed: number;
  readonly host: SimulatedHost;
  /** What the sender was told is durable, and what it may send again. */
  readonly acknowledged = new Map<number, Sent>();
  readonly unanswered = new Map<number, Sent>();
  readonly episodes: Episode[] = [];
  /** Times in which no process ran, or one was starting. */
  readonly outages: Episode[] = [];
  readonly logs: LogLine[] = [];
  /** What must never happen and did. */
  readonly violations: string[] = [];
  readonly #random: Random;
  #platform: SimulatedPlatform;
  #running: Running | undefined;
  #nextBatch = 0;
  #crashAtMs = 0;
  #episode: { readonly fromMs: number; readonly toMs: number } | undefined;
  #episodeAtMs = 0;
  #mailSickUntilMs = 0;

  constructor(seed: number) {
    this.seed = seed;
    this.#random = seededRandom(seed ^ 0x5eed);
    this.#platform = simulatedPlatform(seed, {
      directories: ['/data', '/etc/nephoscope'],
      diskLatencyMs: (operation, random) =>
        operation === 'dataSync' && random.next() < 0.02
          ? 200 + Math.floor(random.next() * 800)
          : Math.floor(random.next() * 4),
    });
    this.host = new SimulatedHost(this.#platform.kernel, this.#platform.clock);
    this.host.setLoad(0.1);
    this.#episodeAtMs = this.nowMs + this.#between(60_000, 180_000);
    this.#planCrash();
  }

  get nowMs(): number {
    return this.#platform.clock.now();
  }

  get mails(): readonly Delivery[] {
    return this.#platform.mail.delivered;
  }

  /** The parts that run now. */
  get running(): Running {
    if (!this.#running) throw new Error('nothing runs at the moment');
    return this.#running;
  }

  /** Turns the clock until the work is done. */
  complete<T>(work: Promise<T>): Promise<T> {
    return this.#platform.clock.complete(work, 120_000);
  }

  async begin(): Promise<void> {
    const { files, clock } = this.#platform;
    const bytes = new TextEncoder().encode(RULES);
    await clock.complete(replaceFile(files, '/etc/nephoscope', 'rules.yml', bytes));
    await this.#start();
  }

  /** Lets the world go on with all its troubles. */
  async suffer(durationMs: number): Promise<void> {
    const endMs = this.nowMs + durationMs;
    while (this.nowMs < endMs) {
      this.#changeLoad();
      this.#changeMail();
      if (this.#running) this.#send();
      await this.#platform.clock.advance(1000);
      if (this.#platform.files.hasEnded || this.nowMs >= this.#crashAtMs) await this.#crash();
    }
  }

  /** Lets the world go on without new trouble, and the sender finish. */
  async recover(durationMs: number): Promise<void> {
    this.#platform.files.heal();
    this.#platform.mail.otherwise = { kind: 'accept' };
    this.#endEpisode();
    const endMs = this.nowMs + durationMs;
    while (this.nowMs < endMs) {
      if (this.unanswered.size > 0) this.#send({ onlyAgain: true });
      await this.#platform.clock.advance(1000);
    }
  }

  async stop(): Promise<void> {
    const { collector, alerter, store } = this.running;
    const { clock } = this.#platform;
    await clock.complete(collector.stop());
    await clock.complete(alerter.stop());
    await clock.complete(store.close());
    this.#running = undefined;
    this.logs.push(...this.#platform.log.lines);
  }

  /** Handles left open by what was stopped. */
  get openFiles(): number {
    return this.#platform.files.openFiles;
  }

  get pendingWakes(): number {
    return this.#platform.clock.pendingWakes;
  }

  async #start(): Promise<void> {
    const platform = this.#platform;
    const fromMs = this.nowMs;
    let failed: unknown;
    const started = startParts(platform).then(
      (running) => {
        this.#running = running;
      },
      (thrown: unknown) => {
        failed = thrown;
      },
    );
    void started;
    const settled = (): boolean =>
      this.#running !== undefined || failed !== undefined || platform.files.hasEnded;
    if (!(await platform.clock.advanceUntil(settled, 600_000))) {
      throw new Error('the process did not start within ten simulated minutes');
    }
    if (failed !== undefined) throw failed;
    this.outages.push({ fromMs, toMs: this.nowMs });
    // The process may have died while it started; then its successor starts.
    if (platform.files.hasEnded) await this.#crash();
  }

  async #crash(): Promise<void> {
    const fromMs = this.nowMs;
    this.logs.push(...this.#platform.log.lines);
    this.#running = undefined;
    this.#platform = this.#platform.restart(this.#random.next() < 0.7 ? 'power-cut' : 'kill');
    await this.#platform.clock.advance(this.#between(0, 8_000));
    this.outages.push({ fromMs, toMs: this.nowMs });
    this.#planCrash();
    await this.#start();
  }

  /** By the clock, or at a call to the disk; now and then soon after a start, while it recovers. */
  #planCrash(): void {
    const choice = this.#random.next();
    this.#crashAtMs = this.nowMs + this.#between(120_000, 600_000);
    if (choice < 0.2) this.#platform.files.failCall(this.#between(1, 60), { kind: 'stop' });
    else if (choice < 0.7)
      this.#platform.files.failCall(this.#between(60, 3_000), { kind: 'stop' });
  }

  #changeLoad(): void {
    if (this.#episode && this.nowMs >= this.#episode.toMs) this.#endEpisode();
    if (this.#episode || this.nowMs < this.#episodeAtMs) return;
    this.#episode = { fromMs: this.nowMs, toMs: this.nowMs + this.#between(240_000, 360_000) };
    this.host.setLoad(0.9);
  }

  #endEpisode(): void {
    if (!this.#episode) return;
    this.host.setLoad(0.1);
    this.episodes.push({ fromMs: this.#episode.fromMs, toMs: this.nowMs });
    this.#episode = undefined;
    this.#episodeAtMs = this.nowMs + this.#between(240_000, 480_000);
  }

  #changeMail(): void {
    const { mail } = this.#platform;
    if (this.nowMs < this.#mailSickUntilMs) return;
    const choice = this.#random.next();
    if (choice < 0.99) {
      mail.otherwise = { kind: 'accept', delayMs: 20 };
      return;
    }
    this.#mailSickUntilMs = this.nowMs + this.#between(10_000, 90_000);
    mail.otherwise =
      choice < 0.995 ? { kind: 'refuse', code: 'temporary' } : { kind: 'never-answer' };
  }

  /** What was not acknowledged comes first; new samples follow. */
  #send(options: { readonly onlyAgain?: boolean } = {}): void {
    const again = [...this.unanswered.values()].slice(0, 5);
    for (const batch of again) this.#hand(batch);
    if (options.onlyAgain || this.unanswered.size > 20) return;
    const count = 1 + Math.floor(this.#random.next() * 20);
    const number = this.#nextBatch++;
    // Now and then late samples, of series of their own: nothing else may have been at their times.
    const isLate = this.#random.next() < 0.05;
    const firstMs = Math.floor(this.nowMs) - (isLate ? this.#between(0, 3_000_000) : 0);
    const series = (i: number): string => (isLate ? `late${number}` : `s${i % 7}`);
    this.#hand({
      number,
      labels: Array.from({ length: count }, (_, i) => metric('sent', { series: series(i) })),
      times: Array.from({ length: count }, (_, i) => firstMs + i),
      values: Array.from({ length: count }, (_, i) => number * 100 + i),
    });
  }

  #hand(sent: Sent): void {
    const { ingest } = this.running;
    this.unanswered.set(sent.number, sent);
    const batch: SampleBatch = {
      labels: sent.labels,
      times: Float64Array.from(sent.times),
      values: Float64Array.from(sent.values),
    };
    ingest.accept(batch, { kind: 'remote-write', source: 'sender' }).then(
      ({ refused }) => {
        if (refused.length > 0) this.violations.push(`refused ${JSON.stringify(refused)}`);
        this.unanswered.delete(sent.number);
        this.acknowledged.set(sent.number, sent);
      },
      () => {},
    );
  }

  #between(low: number, high: number): number {
    return low + Math.floor(this.#random.next() * (high - low));
  }
}

async function startParts(platform: SimulatedPlatform): Promise<Running> {
  const store = await openEmbeddedStore(
    { directory: '/data/store', kernel: KERNEL, retentionMs: 15 * 86_400_000, seriesMax: 100_000 },
    platform,
    SMALL_STORE,
  );
  const querier = openQuerier(DEFAULT_QUERIER_OPTIONS, store, platform);
  const ingest = createIngest({ limits: DEFAULT_INGEST_LIMITS }, store, platform);
  const collector = startCollector(
    { intervalMs: 1000, root: '', libvirt: { enabled: false, sockets: [] } },
    async (batch) => {
      await ingest.accept(batch, { kind: 'collector', source: 'simulated' });
    },
    platform,
  );
  const alerter = await startAlerter(
    {
      ...DEFAULT_ALERTER_OPTIONS,
      ruleFiles: [RULES_PATH],
      directory: '/data/alerting',
      externalUrl: 'http://localhost:6374',
      // After a start, absence means nothing for four times this.
      resendDelayMs: 15_000,
      mail: {
        ...DEFAULT_ALERT_MAIL_TIMES,
        groupWaitMs: 0,
        server: { host: 'localhost', port: 25, requireTls: false },
        from: 'nephoscope@localhost',
        to: ['oncall@localhost'],
      },
    },
    {
      querier,
      write: async (batch) => {
        await ingest.accept(batch, { kind: 'rules', source: 'rules' });
      },
    },
    platform,
  );
  return { store, querier, ingest, collector, alerter };
}
