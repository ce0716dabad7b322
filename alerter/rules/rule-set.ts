import { messageOf } from '../../model/failure.ts';
import { labelsKey } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { BatchBuilder } from '../../model/sample.ts';
import { STALE } from '../../model/staleness.ts';
import type { AlertStatus, GroupStatus } from '../alerter.ts';
import type { GroupSnapshot } from '../state/records.ts';
import { groupKey, groupSignature } from './definitions.ts';
import type { GroupDefinition } from './definitions.ts';
import { endedOffers } from './ended-offers.ts';
import type { RuleEnvironment } from './environment.ts';
import { RunningGroup } from './group.ts';

/** All groups that run, and what happens to them when the files change. */
export class RuleSet {
  readonly #environment: RuleEnvironment;
  #groups = new Map<string, RunningGroup>();
  /** Timers that end the series of removed groups. */
  readonly #pendingEnds = new Set<() => void>();
  #change: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(environment: Omit<RuleEnvironment, 'evaluated'>) {
    this.#environment = { ...environment, evaluated: () => this.#report() };
  }

  async start(definitions: readonly GroupDefinition[]): Promise<void> {
    const { clock, journal, sink } = this.#environment;
    const nowMs = clock.now();
    for (const definition of definitions) {
      const group = new RunningGroup(definition, this.#environment);
      const snapshot = journal.state.groups.get(group.key);
      if (snapshot) sink.offer(group.restore(snapshot, nowMs));
      else group.restoreFromSeriesLater();
      this.#groups.set(group.key, group);
    }
    for (const [key, snapshot] of journal.state.groups) {
      if (!this.#groups.has(key)) await this.#abandon(key, snapshot);
    }
    for (const group of this.#groups.values()) group.start();
    this.#report();
  }

  /** Groups that did not change go on untouched; the others take over what their predecessors knew. */
  replace(definitions: readonly GroupDefinition[]): Promise<void> {
    const change = this.#change.then(() => this.#replace(definitions));
    this.#change = change.catch(() => undefined);
    return change;
  }

  async #replace(definitions: readonly GroupDefinition[]): Promise<void> {
    if (this.#isStopped) return;
    const next = new Map<string, RunningGroup>();
    const fresh: RunningGroup[] = [];
    for (const definition of definitions) {
      const key = groupKey(definition.file, definition.name);
      const former = this.#groups.get(key);
      if (former && groupSignature(former.definition) === groupSignature(definition)) {
        next.set(key, former);
        continue;
      }
      const group = new RunningGroup(definition, this.#environment);
      if (former) {
        await former.stop();
        await this.#takeOver(group, former);
      }
      next.set(key, group);
      fresh.push(group);
    }
    const removed = [...this.#groups.values()].filter(({ key }) => !next.has(key));
    this.#groups = next;
    for (const group of fresh) group.start();
    for (const group of removed) await this.#remove(group);
    this.#report();
  }

  async #takeOver(group: RunningGroup, former: RunningGroup): Promise<void> {
    const { clock, journal } = this.#environment;
    const { orphans, ended } = group.takeOver(former);
    await this.#endSeries(orphans);
    const slotMs = clock.now();
    this.#environment.sink.offer(endedOffers(ended, this.#environment, slotMs));
    await journal.commit([{ kind: 'group', key: group.key, group: group.snapshot(slotMs) }]);
  }

  async #remove(group: RunningGroup): Promise<void> {
    const { clock } = this.#environment;
    await group.stop();
    // A group that was only renamed has the same series and alerts under its new name by then.
    const cancel = clock.after(2 * group.intervalMs, () => {
      this.#pendingEnds.delete(cancel);
      const groups = [...this.#groups.values()];
      const written = new Set(groups.flatMap((other) => other.openSeries()).map(labelsKey));
      const ended = group.openSeries().filter((labels) => !written.has(labelsKey(labels)));
      const isBack = groups.some(({ key }) => key === group.key);
      void this.#endSeries(ended);
      if (!isBack) void this.#abandon(group.key, group.snapshot(clock.now()));
    });
    this.#pendingEnds.add(cancel);
  }

  /** Nobody evaluates these alerts any more: people who were told of them are told that they ended. */
  async #abandon(key: string, snapshot: GroupSnapshot): Promise<void> {
    const { sink, clock, journal } = this.#environment;
    const active = new Set([...this.#groups.values()].flatMap((group) => group.alertKeys()));
    const alerts = snapshot.rules
      .flatMap((rule) => rule.alerts)
      .filter((alert) => !active.has(labelsKey(alert.labels)));
    sink.offer(endedOffers(alerts, this.#environment, clock.now()));
    await journal.commit([{ kind: 'group-gone', key }]);
  }

  async #endSeries(series: readonly Labels[]): Promise<void> {
    if (series.length === 0) return;
    const { clock, write, log } = this.#environment;
    const builder = new BatchBuilder(series.length);
    const timeMs = Math.floor(clock.now());
    for (const labels of series) builder.push(labels, timeMs, STALE);
    try {
      await write(builder.take());
    } catch (thrown) {
      log.warn('series of removed rules could not be ended', { error: messageOf(thrown) });
    }
  }

  #report(): void {
    const { metrics } = this.#environment;
    let pending = 0;
    let firing = 0;
    const rules = { alerting: 0, recording: 0 };
    for (const group of this.#groups.values()) {
      const counts = group.alertCounts();
      pending += counts.pending;
      firing += counts.firing;
      for (const { kind } of group.definition.rules) rules[kind]++;
    }
    metrics.alerts.set(pending, { state: 'pending' });
    metrics.alerts.set(firing, { state: 'firing' });
    metrics.rules.set(rules.alerting, { kind: 'alerting' });
    metrics.rules.set(rules.recording, { kind: 'recording' });
  }

  /** By file, then name. */
  groups(): readonly GroupStatus[] {
    const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
    return [...this.#groups.values()]
      .map((group) => group.status())
      .sort((a, b) => order(a.file, b.file) || order(a.name, b.name));
  }

  alerts(): readonly AlertStatus[] {
    return this.groups().flatMap((group) =>
      group.rules.flatMap((rule) => (rule.kind === 'alerting' ? rule.alerts : [])),
    );
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#change;
    for (const cancel of this.#pendingEnds) cancel();
    await Promise.all([...this.#groups.values()].map((group) => group.stop()));
  }
}
