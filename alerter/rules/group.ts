import { messageOf } from '../../model/failure.ts';
import { labelsKey } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { BatchBuilder } from '../../model/sample.ts';
import { STALE } from '../../model/staleness.ts';
import { everySlot, withDeadline } from '../../platform/clock.ts';
import type { GroupStatus, RuleHealth, RuleStatus } from '../alerter.ts';
import { Fnv64 } from '../fingerprint.ts';
import type { OfferedAlert } from '../notify/offer.ts';
import type { GroupSnapshot } from '../state/records.ts';
import { countActive, markUnseen, shiftAlerts } from './alert-state.ts';
import type { ActiveAlert } from './alert-state.ts';
import { createRule } from './create-rule.ts';
import { groupKey, ruleKey } from './definitions.ts';
import type { GroupDefinition } from './definitions.ts';
import type { RuleEnvironment } from './environment.ts';
import type { RuleOutcome, RunningRule, SeriesByKey } from './rule.ts';

/** For one query and one write; a store that does not answer must not stop a group for good. */
const CALL_DEADLINE_MS = 30_000;
/** While alerts are active, at least this often the disk learns that they were seen. */
const SLOT_RECORD_MS = 60_000;
/** A gap of so many intervals, and of so much time, is an outage and not a hiccup. */
const OUTAGE_INTERVALS = 10;
const OUTAGE_MS = 60_000;

interface RunningEntry {
  readonly rule: RunningRule;
  health: RuleHealth;
  lastError: string | undefined;
  lastEvaluationMs: number | undefined;
  evaluationSeconds: number;
  /** Series that the rule wrote and that have not been ended. */
  previous: ReadonlyMap<string, Labels>;
}

/** One group of rules: evaluates them in file order at each of its slots. */
export class RunningGroup {
  readonly definition: GroupDefinition;
  readonly key: string;
  readonly intervalMs: number;
  readonly #environment: RuleEnvironment;
  readonly #entries: readonly RunningEntry[];
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #lastEvaluationMs: number | undefined;
  #lastSlotMs: number | undefined;
  #evaluationSeconds = 0;
  #graceEndsMs = -Infinity;
  #recordedMs = -Infinity;
  #evaluations = 0;
  /** No earlier state of this group is known, so the stored series are the next best source. */
  #restoresFromSeries = false;

  constructor(definition: GroupDefinition, environment: RuleEnvironment) {
    this.definition = definition;
    this.key = groupKey(definition.file, definition.name);
    this.#environment = environment;
    this.intervalMs = definition.intervalMs ?? environment.evaluationIntervalMs;
    this.#entries = definition.rules.map((rule) => ({
      rule: createRule(rule, definition.limit),
      health: 'unknown',
      lastError: undefined,
      lastEvaluationMs: undefined,
      evaluationSeconds: 0,
      previous: new Map(),
    }));
  }

  /** Slots are spread over the interval by the group's identity, so that groups do not all run at once. */
  get offsetMs(): number {
    const { name, file } = this.definition;
    return new Fnv64().text(`${name}\0${file}`).modulo(this.intervalMs);
  }

  start(): void {
    const { clock, metrics, log } = this.#environment;
    const slots = {
      intervalMs: this.intervalMs,
      offsetMs: this.offsetMs,
      missed: (count: number) => metrics.missed.add(count),
    };
    this.#loop = everySlot(clock, slots, this.#stop.signal, async (slotMs) => {
      try {
        await this.evaluate(slotMs);
      } catch (thrown) {
        // A defect of ours; the next slot is another chance to find out what burns.
        log.error('the evaluation of a rule group broke off', {
          group: this.definition.name,
          file: this.definition.file,
          error: messageOf(thrown),
        });
      }
    });
  }

  /** Ends after the evaluation that is under way. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the rule group is stopped'));
    await this.#loop;
  }

  /** Evaluates all rules at one slot. Never rejects for what the world does. */
  async evaluate(slotMs: number): Promise<void> {
    const { clock, metrics } = this.#environment;
    const began = clock.monotonic();
    this.#noticeGap(slotMs);
    const offered: OfferedAlert[] = [];
    let changed = false;
    for (const entry of this.#entries) {
      if (this.#stop.signal.aborted) break;
      const { offers, stateChanged } = await this.#evaluateRule(entry, slotMs);
      offered.push(...offers);
      changed = changed || stateChanged;
    }
    this.#lastSlotMs = slotMs;
    this.#evaluations++;
    if (this.#evaluations === 2 && this.#restoresFromSeries) {
      changed = (await this.#restoreFromSeries(slotMs)) || changed;
    }
    await this.#record(slotMs, changed);
    // Durable first: a crash after this point finds these alerts on the disk and offers them again.
    this.#environment.sink.offer(offered);
    this.#lastEvaluationMs = clock.now();
    this.#evaluationSeconds = (clock.monotonic() - began) / 1000;
    metrics.duration.observe(this.#evaluationSeconds);
    this.#environment.evaluated();
  }

  async #evaluateRule(
    entry: RunningEntry,
    slotMs: number,
  ): Promise<{ readonly offers: readonly OfferedAlert[]; readonly stateChanged: boolean }> {
    const { clock, metrics } = this.#environment;
    const { rule } = entry;
    const labels = { kind: rule.definition.kind };
    const began = clock.monotonic();
    const queryTimeMs = slotMs - this.#queryOffsetMs;
    const outcome = await rule.evaluate({
      environment: this.#environment,
      slotMs,
      queryTimeMs,
      graceEndsMs: this.#graceEndsMs,
      intervalMs: this.intervalMs,
      deadlineMs: CALL_DEADLINE_MS,
      signal: this.#stop.signal,
    });
    let problem = outcome.problem;
    if (outcome.series) {
      const writeProblem = await this.#write(entry, outcome.series, queryTimeMs, outcome.isPartial);
      problem ??= writeProblem;
    }
    metrics.evaluations.add(1, labels);
    if (problem !== undefined) metrics.failures.add(1, labels);
    this.#note(entry, problem, outcome);
    entry.lastEvaluationMs = clock.now();
    entry.evaluationSeconds = (clock.monotonic() - began) / 1000;
    return { offers: outcome.offers, stateChanged: outcome.stateChanged };
  }

  /** Logs a rule's failure when it begins and when it ends, not at every slot. */
  #note(entry: RunningEntry, problem: string | undefined, outcome: RuleOutcome): void {
    const { log } = this.#environment;
    const { kind, name } = entry.rule.definition;
    const fields = { group: this.definition.name, rule: name };
    if (problem !== undefined && entry.lastError !== problem) {
      const failed = { ...fields, error: problem };
      if (outcome.alertsDropped) {
        log.error(
          'a rule is over its limit; all its alerts were dropped and nobody is told that they ended',
          failed,
        );
      } else if (kind === 'recording') {
        log.warn('a recording rule failed; its series may have a gap', failed);
      } else if (outcome.problem === undefined) {
        log.warn('the series of an alerting rule are not stored; its alerts go on', failed);
      } else log.warn('an alerting rule failed; its alerts keep their state', failed);
    } else if (problem === undefined && entry.health === 'err')
      log.info('a rule works again', fields);
    entry.health = problem === undefined ? 'ok' : 'err';
    entry.lastError = problem;
  }

  get #queryOffsetMs(): number {
    return this.definition.queryOffsetMs ?? this.#environment.queryOffsetMs;
  }

  async #write(
    entry: RunningEntry,
    series: SeriesByKey,
    timeMs: number,
    isPartial: boolean,
  ): Promise<string | undefined> {
    const { clock, write, metrics } = this.#environment;
    const builder = new BatchBuilder(series.size + 16);
    for (const { labels, value } of series.values()) builder.push(labels, timeMs, value);
    const ended: string[] = [];
    for (const [key, labels] of entry.previous) {
      if (series.has(key) || isPartial) continue;
      builder.push(labels, timeMs, STALE);
      ended.push(key);
    }
    const written = new Map(entry.previous);
    for (const [key, { labels }] of series) written.set(key, labels);
    entry.previous = written;
    if (builder.length === 0) return undefined;
    try {
      const answer = await withDeadline(
        clock,
        CALL_DEADLINE_MS,
        'writing the samples of a rule',
        () => write(builder.take()),
      );
      for (const key of ended) written.delete(key);
      if (!answer || answer.refused.length === 0) return undefined;
      metrics.samplesRefused.add(answer.refused.reduce((sum, { count }) => sum + count, 0));
      const [first] = answer.refused;
      return `the store refused ${first!.count} samples (${first!.reason}): ${first!.example}`;
    } catch (thrown) {
      // What was not ended stays on the list, so that a later slot ends it.
      return `the samples could not be written: ${messageOf(thrown)}`;
    }
  }

  /** Clock set back: alerts keep their ages. A long gap: nothing is known about the time since. */
  #noticeGap(slotMs: number): void {
    const last = this.#lastSlotMs;
    if (last === undefined) return;
    if (slotMs < last) {
      for (const { alerts } of this.#alerting())
        shiftAlerts(alerts, slotMs - last - this.intervalMs);
      return;
    }
    if (slotMs - last > Math.max(OUTAGE_MS, OUTAGE_INTERVALS * this.intervalMs)) {
      this.#beginGrace(last, slotMs);
    }
  }

  #beginGrace(lastSlotMs: number, slotMs: number): void {
    for (const { alerts } of this.#alerting()) markUnseen(alerts, lastSlotMs);
    const { resendDelayMs } = this.#environment;
    this.#graceEndsMs = slotMs + 4 * Math.max(this.intervalMs, resendDelayMs);
  }

  #alerting(): { readonly key: string; readonly alerts: Map<string, ActiveAlert> }[] {
    return this.#entries.flatMap(({ rule }) =>
      rule.alerts ? [{ key: ruleKey(rule.definition), alerts: rule.alerts }] : [],
    );
  }

  async #record(slotMs: number, changed: boolean): Promise<void> {
    const { journal } = this.#environment;
    const all = this.#alerting().flatMap(({ alerts }) => [...alerts.values()]);
    // The age of a pending alert is all that a crash would lose, so it is written at every slot.
    const isPending = all.some(({ state }) => state === 'pending');
    const isOld = all.length > 0 && slotMs - this.#recordedMs >= SLOT_RECORD_MS;
    if (changed || !journal.state.groups.has(this.key)) {
      await journal.commit([{ kind: 'group', key: this.key, group: this.snapshot(slotMs) }]);
    } else if (isPending || isOld) {
      await journal.commit([{ kind: 'slot', key: this.key, slotMs }]);
    } else return;
    this.#recordedMs = slotMs;
  }

  snapshot(slotMs: number): GroupSnapshot {
    const { file, name } = this.definition;
    return {
      file,
      name,
      slotMs,
      rules: this.#alerting()
        .filter(({ alerts }) => alerts.size > 0)
        .map(({ key, alerts }) => ({
          key,
          alerts: [...alerts.values()].map((alert) => ({ ...alert })),
        })),
    };
  }

  /** For a group that this program has never run: ages may be in the stored series of another one. */
  restoreFromSeriesLater(): void {
    this.#restoresFromSeries = true;
    for (const { rule } of this.#entries) {
      const { definition } = rule;
      rule.holdSeries(
        definition.kind === 'alerting' && definition.forMs >= this.#environment.forGracePeriodMs,
      );
    }
  }

  /** Takes over the alerts of the group's last life. Returns what the pipeline should hear at once. */
  restore(snapshot: GroupSnapshot, nowMs: number): readonly OfferedAlert[] {
    this.#adoptAlerts(snapshot);
    for (const { alerts } of this.#alerting())
      if (nowMs < snapshot.slotMs) shiftAlerts(alerts, nowMs - snapshot.slotMs);
    this.#beginGrace(Math.min(snapshot.slotMs, nowMs), nowMs + this.intervalMs);
    for (const { alerts } of this.#alerting()) {
      // Whether people were told is the announcer's knowledge: offer it all again, at once.
      for (const alert of alerts.values()) alert.lastSentMs = undefined;
    }
    for (const entry of this.#entries) {
      const series = [...entry.rule.series()];
      entry.previous = new Map(series.map(([key, { labels }]) => [key, labels]));
    }
    return this.#entries.flatMap(({ rule }) =>
      rule.offers(this.#environment, nowMs, this.intervalMs),
    );
  }

  /** Takes over from the group that an edited file replaces. Returns what no rule looks after any more. */
  takeOver(former: RunningGroup): {
    readonly orphans: readonly Labels[];
    readonly ended: readonly ActiveAlert[];
  } {
    if (former.#restoresFromSeries && former.#evaluations < 2) this.restoreFromSeriesLater();
    this.#evaluations = former.#evaluations;
    this.#lastSlotMs = former.#lastSlotMs;
    this.#lastEvaluationMs = former.#lastEvaluationMs;
    this.#graceEndsMs = former.#graceEndsMs;
    this.#adoptAlerts(former.snapshot(former.#lastSlotMs ?? 0));
    const unclaimed = new Map<string, RunningEntry[]>();
    for (const entry of former.#entries) {
      const key = ruleKey(entry.rule.definition);
      unclaimed.set(key, [...(unclaimed.get(key) ?? []), entry]);
    }
    for (const entry of this.#entries) {
      const match = unclaimed.get(ruleKey(entry.rule.definition))?.shift();
      if (match) entry.previous = match.previous;
    }
    const left = [...unclaimed.values()].flat();
    return {
      orphans: left.flatMap(({ previous }) => [...previous.values()]),
      ended: left.flatMap(({ rule }) => [...(rule.alerts?.values() ?? [])]),
    };
  }

  /** The nth rule of a key takes the alerts of the nth one of that key. */
  #adoptAlerts(snapshot: GroupSnapshot): void {
    const byKey = new Map<string, (readonly ActiveAlert[])[]>();
    for (const { key, alerts } of snapshot.rules) {
      byKey.set(key, [...(byKey.get(key) ?? []), alerts]);
    }
    for (const { key, alerts } of this.#alerting()) {
      for (const alert of byKey.get(key)?.shift() ?? []) {
        alerts.set(labelsKey(alert.labels), { ...alert });
      }
    }
  }

  /** Every series that rules of this group wrote and nobody has ended. */
  openSeries(): readonly Labels[] {
    return this.#entries.flatMap(({ previous }) => [...previous.values()]);
  }

  /** Keys of the label sets of pending and firing alerts. */
  alertKeys(): readonly string[] {
    return this.#alerting().flatMap(({ alerts }) =>
      [...alerts].flatMap(([key, { state }]) => (state === 'inactive' ? [] : [key])),
    );
  }

  async #restoreFromSeries(slotMs: number): Promise<boolean> {
    let changed = false;
    for (const { rule } of this.#entries) {
      changed = (await rule.restoreFromSeries(this.#environment, slotMs)) || changed;
      rule.holdSeries(false);
    }
    return changed;
  }

  alertCounts(): { readonly pending: number; readonly firing: number } {
    const all = this.#alerting().flatMap(({ alerts }) => [...alerts.values()]);
    const firing = all.filter(({ state }) => state === 'firing').length;
    const active = this.#alerting().reduce((sum, { alerts }) => sum + countActive(alerts), 0);
    return { pending: active - firing, firing };
  }

  status(): GroupStatus {
    return {
      name: this.definition.name,
      file: this.definition.file,
      intervalMs: this.intervalMs,
      limit: this.definition.limit,
      lastEvaluationMs: this.#lastEvaluationMs,
      evaluationSeconds: this.#evaluationSeconds,
      rules: this.#entries.map((entry): RuleStatus => {
        const { health, lastError, lastEvaluationMs, evaluationSeconds } = entry;
        return entry.rule.status({ health, lastError, lastEvaluationMs, evaluationSeconds });
      }),
    };
  }
}
