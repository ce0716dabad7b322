import {
  labelPairs,
  labelsFromMap,
  labelsFromPairs,
  labelsKey,
  METRIC_NAME,
} from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { RuleStatus } from '../alerter.ts';
import type { OfferedAlert } from '../notify/offer.ts';
import type { RecordingRule } from './definitions.ts';
import { failedOutcome, queryElements } from './rule.ts';
import type {
  EvaluationContext,
  RuleOutcome,
  RuleProgress,
  RunningRule,
  SeriesByKey,
} from './rule.ts';

/** Writes the result of an expression as a series of its own. */
export class RunningRecordingRule implements RunningRule {
  readonly definition: RecordingRule;
  readonly alerts = undefined;
  readonly #limit: number;

  constructor(definition: RecordingRule, limit: number) {
    this.definition = definition;
    this.#limit = limit;
  }

  async evaluate(context: EvaluationContext): Promise<RuleOutcome> {
    try {
      const { elements, partial } = await queryElements(this.definition.query, context);
      const series = new Map<string, { labels: Labels; value: number }>();
      for (const { labels, value } of elements) {
        const recorded = this.#relabelled(labels);
        const key = labelsKey(recorded);
        if (series.has(key)) {
          throw new Error(
            'vector contains metrics with the same labelset after applying rule labels',
          );
        }
        series.set(key, { labels: recorded, value });
      }
      if (this.#limit > 0 && series.size > this.#limit) {
        throw new Error(`exceeded limit of ${this.#limit} with ${series.size} series`);
      }
      return {
        series,
        offers: [],
        stateChanged: false,
        problem: partial,
        isPartial: partial !== undefined,
        alertsDropped: false,
      };
    } catch (thrown) {
      return failedOutcome(thrown, []);
    }
  }

  #relabelled(labels: Labels): Labels {
    const byName = new Map(labelPairs(labels));
    byName.set(METRIC_NAME, this.definition.name);
    // An empty value removes a label of the result.
    for (const [name, value] of this.definition.labels) byName.set(name, value);
    return labelsFromMap(byName);
  }

  offers(): readonly OfferedAlert[] {
    return [];
  }

  series(): SeriesByKey {
    return new Map();
  }

  holdSeries(): void {}

  async restoreFromSeries(): Promise<boolean> {
    return false;
  }

  status(progress: RuleProgress): RuleStatus {
    const { name, query, labels } = this.definition;
    return { kind: 'recording', name, query, labels: labelsFromPairs(labels), ...progress };
  }
}
