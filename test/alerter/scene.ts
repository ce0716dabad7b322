import { labelsFrom, labelsToText, metricName } from '../../model/labels.ts';
import type { SampleBatch } from '../../model/sample.ts';
import { isStale } from '../../model/staleness.ts';
import type { Alerter, AlertingRuleStatus } from '../../alerter/alerter.ts';
import {
  DEFAULT_ALERT_MAIL_TIMES,
  DEFAULT_ALERTER_OPTIONS,
  startAlerter,
} from '../../alerter/start.ts';
import type { AlerterOptions } from '../../alerter/start.ts';
import type { InstantRequest, Querier, QueryAnswer, QueryValue } from '../../query/query.ts';
import { simulatedPlatform } from '../simulation/simulated-platform.ts';
import type { SimulatedPlatform } from '../simulation/simulated-platform.ts';

export interface WrittenRow {
  readonly series: string;
  readonly name: string;
  readonly timeMs: number;
  readonly value: number | 'stale';
}

type Answer = (request: InstantRequest) => QueryAnswer | Promise<QueryAnswer>;

/** Answers each expression as a test says; one that was not told of has no elements. */
export class ScriptedQuerier implements Querier {
  readonly asked: InstantRequest[] = [];
  readonly #answers = new Map<string, Answer>();

  /** The vector that an expression has from now on. */
  vector(text: string, ...elements: readonly (readonly [Record<string, string>, number])[]): void {
    this.answer(text, ({ timeMs }) => ({
      value: vectorOf(timeMs, elements),
      warnings: [],
      infos: [],
    }));
  }

  answer(text: string, answer: Answer): void {
    this.#answers.set(text, answer);
  }

  fail(text: string, message = 'the store is away'): void {
    this.answer(text, () => {
      throw new Error(message);
    });
  }

  async instant(request: InstantRequest): Promise<QueryAnswer> {
    this.asked.push(request);
    const answer = this.#answers.get(request.text);
    if (answer) return answer(request);
    return {
      value: { kind: 'vector', timeMs: request.timeMs, elements: [] },
      warnings: [],
      infos: [],
    };
  }

  async range(): Promise<never> {
    throw new Error('rules ask no range queries');
  }
}

export function vectorOf(
  timeMs: number,
  elements: readonly (readonly [Record<string, string>, number])[],
): QueryValue {
  return {
    kind: 'vector',
    timeMs,
    elements: elements.map(([labels, value]) => ({ labels: labelsFrom(labels), value })),
  };
}

export const INTERVAL_MS = 15_000;

/** One alerter on a simulated machine, with everything around it in a test's hands. */
export class Scene {
  platform: SimulatedPlatform;
  readonly querier = new ScriptedQuerier();
  readonly written: WrittenRow[] = [];
  write: (batch: SampleBatch) => Promise<{ readonly refused: readonly never[] } | void> =
    async () => {};
  readonly options: AlerterOptions;
  alerter!: Alerter;

  constructor(options: Partial<AlerterOptions> = {}, seed = 1) {
    this.platform = simulatedPlatform(seed, { directories: ['/data', '/rules'] });
    this.options = {
      ...DEFAULT_ALERTER_OPTIONS,
      ruleFiles: ['/rules/*.yml'],
      directory: '/data/alerter',
      evaluationIntervalMs: INTERVAL_MS,
      externalUrl: 'http://nephoscope.test/',
      mail: {
        ...DEFAULT_ALERT_MAIL_TIMES,
        server: { host: 'mail.test', port: 25, requireTls: false },
        from: 'nephoscope@example.org',
        to: ['noc@example.org'],
      },
      ...options,
    };
  }

  async file(name: string, text: string): Promise<void> {
    const path = `/rules/${name}`;
    await this.platform.files.remove(path);
    const file = await this.platform.files.open(path, 'create');
    await file.append(new TextEncoder().encode(text));
    await file.dataSync();
    await file.close();
    await this.platform.files.syncDirectory('/rules');
  }

  async start(): Promise<this> {
    const platform = this.platform;
    this.alerter = await startAlerter(
      this.options,
      {
        querier: this.querier,
        write: async (batch) => {
          batch.labels.forEach((labels, i) => {
            const value = batch.values[i]!;
            this.written.push({
              series: labelsToText(labels),
              name: metricName(labels),
              timeMs: batch.times[i]!,
              value: isStale(value) ? 'stale' : value,
            });
          });
          return this.write(batch);
        },
      },
      platform,
    );
    return this;
  }

  /** Ends the process without a word, waits, and starts the next one. */
  async crash(downMs = 0, kind: 'kill' | 'power-cut' = 'kill'): Promise<void> {
    this.platform = this.platform.restart(kind);
    await this.platform.clock.advance(downMs);
    await this.start();
  }

  async slots(count = 1): Promise<void> {
    await this.platform.clock.advance(count * INTERVAL_MS);
  }

  get subjects(): readonly string[] {
    return this.platform.mail.delivered.map(({ message }) => message.subject);
  }

  /** Rows of the last time at which anything was written. */
  get lastRows(): readonly string[] {
    const last = Math.max(...this.written.map(({ timeMs }) => timeMs));
    return this.written
      .filter(({ timeMs }) => timeMs === last)
      .map(({ series, value }) => `${series} ${value}`)
      .sort();
  }

  rule(name: string): AlertingRuleStatus {
    for (const group of this.alerter.groups()) {
      for (const rule of group.rules) {
        if (rule.kind === 'alerting' && rule.name === name) return rule;
      }
    }
    throw new Error(`no alerting rule ${name}`);
  }

  /** `name{labels}=state` of every alert. */
  get states(): readonly string[] {
    return this.alerter.alerts().map(({ labels, state }) => `${labelsToText(labels)} ${state}`);
  }
}

/** A rule file with one group `g`. */
export function ruleFile(rules: string, group = ''): string {
  const lines = rules
    .trim()
    .split('\n')
    .map((line) => `      ${line}`);
  return `groups:\n  - name: g\n${group}    rules:\n${lines.join('\n')}\n`;
}

export async function sceneWith(
  rules: string,
  options: Partial<AlerterOptions> = {},
): Promise<Scene> {
  const scene = new Scene(options);
  await scene.file('a.yml', ruleFile(rules));
  return scene.start();
}
