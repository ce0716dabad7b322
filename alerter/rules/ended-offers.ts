import { labelPairs, labelsFromPairs } from '../../model/labels.ts';
import { fingerprint } from '../fingerprint.ts';
import type { OfferedAlert } from '../notify/offer.ts';
import type { ActiveAlert } from './alert-state.ts';
import type { RuleEnvironment } from './environment.ts';

/** Alerts that no rule looks after any more, as ended now; those that never fired leave no trace. */
export function endedOffers(
  alerts: readonly ActiveAlert[],
  { externalLabels, externalUrl }: RuleEnvironment,
  nowMs: number,
): readonly OfferedAlert[] {
  return alerts.flatMap((alert) => {
    if (alert.state === 'pending') return [];
    const labels = labelsFromPairs([...labelPairs(externalLabels), ...labelPairs(alert.labels)]);
    return {
      fingerprint: fingerprint(labels),
      labels,
      annotations: alert.annotations,
      status: 'resolved',
      startsAtMs: alert.firedAtMs ?? alert.activeAtMs,
      endsAtMs: alert.resolvedAtMs ?? nowMs,
      value: alert.value,
      generatorUrl: `${externalUrl}/alerts`,
    } satisfies OfferedAlert;
  });
}
