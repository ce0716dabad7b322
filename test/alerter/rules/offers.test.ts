import { expect, test } from 'vitest';
import type { OfferedAlert } from '../../../alerter/notify/offer.ts';
import type { AlertingRule } from '../../../alerter/rules/definitions.ts';
import { ruleMetrics } from '../../../alerter/rules/environment.ts';
import { RunningGroup } from '../../../alerter/rules/group.ts';
import { Journal } from '../../../alerter/state/journal.ts';
import { NO_LABELS } from '../../../model/labels.ts';
import { simulatedPlatform } from '../../simulation/simulated-platform.ts';
import { ScriptedQuerier } from '../scene.ts';

const RULE: AlertingRule = {
  kind: 'alerting',
  name: 'A',
  query: 'up',
  labels: new Map(),
  annotations: new Map(),
  line: 1,
  forMs: 10_000,
  keepFiringForMs: 0,
};

test('S10, S11: when alerts are offered, and until when each offer holds', async () => {
  const platform = simulatedPlatform(1);
  const querier = new ScriptedQuerier();
  const offered: OfferedAlert[] = [];
  const group = new RunningGroup(
    { name: 'g', file: 'f', intervalMs: 10_000, limit: 0, queryOffsetMs: undefined, rules: [RULE] },
    {
      querier,
      write: async () => {},
      sink: { offer: (alerts) => void offered.push(...alerts) },
      journal: await Journal.open('/data/alerter', platform),
      clock: platform.clock,
      log: platform.log,
      metrics: ruleMetrics(platform.telemetry),
      evaluationIntervalMs: 60_000,
      queryOffsetMs: 0,
      resendDelayMs: 25_000,
      forGracePeriodMs: 600_000,
      forOutageToleranceMs: 3_600_000,
      externalUrl: 'http://x',
      externalLabels: NO_LABELS,
      evaluated: () => {},
    },
  );
  const offersAt = async (slotMs: number): Promise<readonly unknown[]> => {
    offered.length = 0;
    await group.evaluate(slotMs);
    return offered.map(({ status, startsAtMs, endsAtMs }) => [status, startsAtMs, endsAtMs]);
  };
  querier.vector('up', [{ __name__: 'up' }, 1]);
  expect(await offersAt(100_000)).toEqual([]);
  expect(await offersAt(110_000)).toEqual([['firing', 110_000, 210_000]]);
  expect(await offersAt(120_000)).toEqual([]);
  expect(await offersAt(130_000)).toEqual([]);
  expect(await offersAt(140_000)).toEqual([['firing', 110_000, 240_000]]);
  // A rule that fails goes on offering what fires, so that no receiver takes silence for the end.
  querier.fail('up');
  expect(await offersAt(150_000)).toEqual([]);
  expect(await offersAt(170_000)).toEqual([['firing', 110_000, 270_000]]);
  querier.vector('up');
  expect(await offersAt(180_000)).toEqual([['resolved', 110_000, 180_000]]);
  expect(await offersAt(190_000)).toEqual([]);
  expect(await offersAt(210_000)).toEqual([['resolved', 110_000, 180_000]]);
  let last = 0;
  for (let slotMs = 220_000; slotMs < 1_300_000; slotMs += 10_000) {
    if ((await offersAt(slotMs)).length > 0) last = slotMs;
  }
  expect(last).toBeGreaterThan(1_040_000);
  expect(last).toBeLessThanOrEqual(1_090_000);
});
