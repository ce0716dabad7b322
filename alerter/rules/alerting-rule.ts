import {
  dropLabels,
  equalLabels,
  labelPairs,
  labelsFromMap,
  labelsFromPairs,
  labelsKey,
  METRIC_NAME,
  withLabels,
} from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { messageOf } from '../../model/failure.ts';
import type { AlertStatus, RuleStatus } from '../alerter.ts';
import { fingerprint } from '../fingerprint.ts';
import type { OfferedAlert } from '../notify/offer.ts';
import { graphLink } from '../templates/prometheus.ts';
import { advanceAlerts, countActive, isDue } from './alert-state.ts';
import type { ActiveAlert, ActiveAlerts, RaisedAlert } from './alert-state.ts';
import type { AlertingRule } from './definitions.ts';
import type { RuleEnvironment } from './environment.ts';
import { failedOutcome, queryElements } from './rule.ts';
import type {
  Elements,
  EvaluationContext,
  RuleOutcome,
  RuleProgress,
  RunningRule,
  SeriesByKey,
} from './rule.ts';
import { TextExpander } from './rule-text.ts';

const ALERT_NAME = 'alertname';
const WITHOUT_NAME: ReadonlySet<string> = new Set([METRIC_NAME]);

/** Turns the elements of an expression into alerts. */
export class RunningAlertingRule implements RunningRule {
  readonly definition: AlertingRule;
  readonly alerts: ActiveAlerts = new Map();
  readonly #limit: number;
  readonly #fingerprints = new WeakMap<Labels, { labels: Labels; fingerprint: string }>();
  #holdsSeries = false;

  constructor(definition: AlertingRule, limit: number) {
    this.definition = definition;
    this.#limit = limit;
  }

  async evaluate(context: EvaluationContext): Promise<RuleOutcome> {
    const { environment, slotMs, intervalMs } = context;
    try {
      const { elements, partial } = await queryElements(this.definition.query, context);
      const raised = await this.#raise(elements, context);
      const stateChanged = advanceAlerts(this.alerts, raised, {
        slotMs,
        forMs: this.definition.forMs,
        keepFiringForMs: this.definition.keepFiringForMs,
        isPartial: partial !== undefined,
        graceEndsMs: context.graceEndsMs,
      });
      this.#checkLimit();
      return {
        series: this.series(),
        offers: this.offers(environment, slotMs, intervalMs),
        stateChanged,
        problem: partial,
        isPartial: partial !== undefined,
        alertsDropped: false,
      };
    } catch (thrown) {
      // What fires goes on firing: offering it again keeps a receiver from concluding that it ended.
      const offers = this.offers(environment, slotMs, intervalMs);
      const alertsDropped = thrown instanceof LimitExceeded;
      return { ...failedOutcome(thrown, offers), stateChanged: alertsDropped, alertsDropped };
    }
  }

  #checkLimit(): void {
    const count = countActive(this.alerts);
    if (this.#limit === 0 || count <= this.#limit) return;
    this.alerts.clear();
    throw new LimitExceeded(`exceeded limit of ${this.#limit} with ${count} alerts`);
  }

  async #raise(
    elements: Elements,
    context: EvaluationContext,
  ): Promise<ReadonlyMap<string, RaisedAlert>> {
    const { environment, slotMs } = context;
    const expander = new TextExpander({
      externalUrl: environment.externalUrl,
      externalLabels: environment.externalLabels,
      timeMs: slotMs,
      query: async (text) =>
        (await queryElements(text, { ...context, queryTimeMs: slotMs })).elements,
    });
    const raised = new Map<string, RaisedAlert>();
    for (const { labels, value } of elements) {
      const byName = new Map(labelPairs(labels));
      byName.delete(METRIC_NAME);
      for (const [name, text] of this.definition.labels) {
        byName.set(name, await expander.expand(text, labels, value));
      }
      byName.set(ALERT_NAME, this.definition.name);
      const annotations: [string, string][] = [];
      for (const [name, text] of this.definition.annotations) {
        annotations.push([name, await expander.expand(text, labels, value)]);
      }
      const own = labelsFromMap(byName);
      const key = labelsKey(own);
      if (raised.has(key)) {
        throw new Error(
          'vector contains metrics with the same labelset after applying alert labels',
        );
      }
      raised.set(key, { labels: own, annotations: Object.fromEntries(annotations), value });
    }
    return raised;
  }

  offers(
    environment: RuleEnvironment,
    slotMs: number,
    intervalMs: number,
  ): readonly OfferedAlert[] {
    const { resendDelayMs, externalUrl } = environment;
    const offered: OfferedAlert[] = [];
    const generatorUrl = externalUrl + graphLink(this.definition.query, 1);
    for (const alert of this.alerts.values()) {
      if (!isDue(alert, slotMs, resendDelayMs)) continue;
      alert.lastSentMs = slotMs;
      const identity = this.#identity(alert.labels, environment.externalLabels);
      offered.push({
        ...identity,
        annotations: alert.annotations,
        status: alert.state === 'firing' ? 'firing' : 'resolved',
        startsAtMs: alert.firedAtMs ?? alert.activeAtMs,
        endsAtMs: alert.resolvedAtMs ?? slotMs + 4 * Math.max(intervalMs, resendDelayMs),
        value: alert.value,
        generatorUrl,
      });
    }
    return offered;
  }

  #identity(
    own: Labels,
    external: Labels,
  ): { readonly labels: Labels; readonly fingerprint: string } {
    let known = this.#fingerprints.get(own);
    if (!known) {
      const labels = labelsFromPairs([...labelPairs(external), ...labelPairs(own)]);
      known = { labels, fingerprint: fingerprint(labels) };
      this.#fingerprints.set(own, known);
    }
    return known;
  }

  series(): SeriesByKey {
    const series = new Map<string, { labels: Labels; value: number }>();
    if (this.#holdsSeries) return series;
    for (const alert of this.alerts.values()) {
      if (alert.state === 'inactive') continue;
      const state = withLabels(alert.labels, { [METRIC_NAME]: 'ALERTS', alertstate: alert.state });
      const since = withLabels(alert.labels, { [METRIC_NAME]: 'ALERTS_FOR_STATE' });
      series.set(labelsKey(state), { labels: state, value: 1 });
      series.set(labelsKey(since), {
        labels: since,
        value: Math.floor(alert.activeAtMs / 1000),
      });
    }
    return series;
  }

  holdSeries(held: boolean): void {
    this.#holdsSeries = held;
  }

  async restoreFromSeries(environment: RuleEnvironment, slotMs: number): Promise<boolean> {
    const { forMs } = this.definition;
    if (forMs < environment.forGracePeriodMs || countActive(this.alerts) === 0) return false;
    try {
      const stored = await this.#storedAges(environment, slotMs);
      let changed = false;
      for (const alert of this.alerts.values()) {
        const age = stored.find(({ labels }) => equalLabels(labels, alert.labels));
        if (!age || alert.state === 'inactive') continue;
        restoreAge(alert, age, { slotMs, forMs, graceMs: environment.forGracePeriodMs });
        changed = true;
      }
      return changed;
    } catch (thrown) {
      environment.log.warn('the ages of alerts could not be read back; they start anew', {
        rule: this.definition.name,
        error: messageOf(thrown),
      });
      return false;
    }
  }

  async #storedAges(environment: RuleEnvironment, slotMs: number): Promise<readonly StoredAge[]> {
    const selector = `ALERTS_FOR_STATE{alertname=${JSON.stringify(this.definition.name)}}`;
    const context = {
      querier: environment.querier,
      lookbackMs: environment.forOutageToleranceMs,
      timeMs: slotMs,
    };
    const [ages, times] = await Promise.all(
      [selector, `timestamp(${selector})`].map(async (text) => {
        const { querier, ...request } = context;
        const { value } = await querier.instant({ text, ...request });
        return value.kind === 'vector' ? value.elements : [];
      }),
    );
    return ages!.flatMap(({ labels, value }) => {
      const own = dropLabels(labels, WITHOUT_NAME);
      const time = times!.find((other) => equalLabels(dropLabels(other.labels, WITHOUT_NAME), own));
      return time ? [{ labels: own, activeAtMs: value * 1000, lastSeenMs: time.value * 1000 }] : [];
    });
  }

  status(progress: RuleProgress): RuleStatus {
    const { name, query, labels, forMs, keepFiringForMs, annotations } = this.definition;
    const alerts = [...this.alerts.values()].flatMap((alert) => alertStatus(alert) ?? []);
    const state = alerts.some((alert) => alert.state === 'firing')
      ? 'firing'
      : alerts.length > 0
        ? 'pending'
        : 'inactive';
    return {
      kind: 'alerting',
      name,
      query,
      labels: labelsFromPairs(labels),
      annotations: Object.fromEntries(annotations),
      state,
      forMs,
      keepFiringForMs,
      alerts,
      ...progress,
    };
  }
}

class LimitExceeded extends Error {}

interface StoredAge {
  readonly labels: Labels;
  readonly activeAtMs: number;
  readonly lastSeenMs: number;
}

/** Prometheus's arithmetic: the time without evaluation does not count, and what was nearly due gets a grace. */
function restoreAge(
  alert: ActiveAlert,
  stored: StoredAge,
  options: { readonly slotMs: number; readonly forMs: number; readonly graceMs: number },
): void {
  const { slotMs, forMs, graceMs } = options;
  const remaining = forMs - (stored.lastSeenMs - stored.activeAtMs);
  if (remaining <= 0) alert.activeAtMs = stored.activeAtMs;
  else if (remaining < graceMs) alert.activeAtMs = slotMs + graceMs - forMs;
  else alert.activeAtMs = stored.activeAtMs + (slotMs - stored.lastSeenMs);
}

function alertStatus(alert: ActiveAlert): AlertStatus | undefined {
  if (alert.state === 'inactive') return undefined;
  const { labels, annotations, state, activeAtMs, keepFiringSinceMs, value } = alert;
  return { labels, annotations, state, activeAtMs, keepFiringSinceMs, value };
}
