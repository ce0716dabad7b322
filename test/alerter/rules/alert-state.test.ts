import { describe, expect, test } from 'vitest';
import { labelsToText, labelValue } from '../../../model/labels.ts';
import { INTERVAL_MS, Scene, sceneWith, vectorOf } from '../scene.ts';

const DOWN = `
- alert: Down
  expr: up == 0
  for: 30s
`;
const A = [{ __name__: 'up', instance: 'a' }, 0] as const;
const B = [{ __name__: 'up', instance: 'b' }, 0] as const;

describe('what an alert is', () => {
  test('S1: result labels without the name, overlaid by rule labels, alertname always wins', async () => {
    const scene = await sceneWith(`
- alert: Down
  expr: up == 0
  labels: { severity: page, job: 'over {{ $labels.job }}', gone: '', alertname: not-me, instance: '' }
`);
    scene.querier.vector('up == 0', [
      { __name__: 'up', instance: 'a', job: 'n', alertname: 'x', gone: 'y' },
      0,
    ]);
    await scene.slots();
    expect(scene.states).toEqual(['{alertname="Down", job="over n", severity="page"} firing']);
  });

  test('S2: label templates see the original labels and value', async () => {
    const scene = await sceneWith(`
- alert: Down
  expr: up == 0
  labels: { all: '{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}{{ $value }}', job: x }
`);
    scene.querier.vector('up == 0', [{ __name__: 'up', job: 'n' }, 0.5]);
    await scene.slots();
    expect(scene.states).toEqual([
      '{alertname="Down", all="__name__=up;job=n;0.5", job="x"} firing',
    ]);
  });

  test('S2: two elements with the same final labels fail the rule and keep its state', async () => {
    const scene = await sceneWith(`
- alert: Down
  expr: up == 0
  labels: { instance: one }
`);
    scene.querier.vector('up == 0', A);
    await scene.slots();
    scene.querier.vector('up == 0', A, B);
    await scene.slots();
    expect(scene.rule('Down').health).toBe('err');
    expect(scene.rule('Down').lastError).toContain('same labelset');
    expect(scene.states).toEqual(['{alertname="Down", instance="one"} firing']);
  });

  test('S3: pending from its first slot, firing when `for` has passed; without `for` at once', async () => {
    const scene = await sceneWith(`${DOWN}
- alert: Now
  expr: up == 0
`);
    scene.querier.vector('up == 0', A);
    const seen: string[][] = [];
    for (let i = 0; i < 3; i++) {
      await scene.slots();
      seen.push(
        scene.alerter
          .alerts()
          .map(({ labels, state }) => `${labelValue(labels, 'alertname')} ${state}`),
      );
    }
    expect(seen).toEqual([
      ['Down pending', 'Now firing'],
      ['Down pending', 'Now firing'],
      ['Down firing', 'Now firing'],
    ]);
    const [alert] = scene.rule('Down').alerts;
    expect(scene.querier.asked[0]!.timeMs).toBe(alert!.activeAtMs);
  });

  test('S4: a pending alert that vanishes leaves no trace', async () => {
    const scene = await sceneWith(DOWN);
    scene.querier.vector('up == 0', A);
    await scene.slots(2);
    scene.querier.vector('up == 0');
    await scene.slots(20);
    expect(scene.states).toEqual([]);
    expect(scene.subjects).toEqual([]);
    scene.querier.vector('up == 0', A);
    await scene.slots(2);
    expect(scene.states).toEqual(['{alertname="Down", instance="a"} pending']);
  });

  test('S5, S6: kept firing while absent for less than keep_firing_for; the return ends the count', async () => {
    const scene = await sceneWith(`
- alert: Down
  expr: up == 0
  keep_firing_for: 30s
  annotations: { v: '{{ $value }}' }
`);
    scene.querier.vector('up == 0', [A[0], 7]);
    await scene.slots();
    scene.querier.vector('up == 0');
    await scene.slots(2);
    const [kept] = scene.alerter.alerts();
    expect(kept).toMatchObject({ state: 'firing', value: 7, annotations: { v: '7' } });
    expect(kept!.keepFiringSinceMs).toBe(kept!.activeAtMs + INTERVAL_MS);
    scene.querier.vector('up == 0', [A[0], 8]);
    await scene.slots();
    expect(scene.alerter.alerts()[0]).toMatchObject({ keepFiringSinceMs: undefined, value: 8 });
    scene.querier.vector('up == 0');
    await scene.slots(2);
    expect(scene.states).toHaveLength(1);
    await scene.slots();
    expect(scene.states).toEqual([]);
  });

  test('S7: value and annotations follow each slot; a label with the value makes new alerts', async () => {
    const scene = await sceneWith(`
- alert: Down
  expr: up == 0
  annotations: { v: '{{ $value }}' }
- alert: Moving
  expr: up == 0
  for: 15s
  labels: { v: '{{ $value }}' }
`);
    scene.querier.vector('up == 0', [A[0], 1]);
    await scene.slots(2);
    expect(scene.rule('Moving').alerts.map(({ state }) => state)).toEqual(['firing']);
    scene.querier.vector('up == 0', [A[0], 2]);
    await scene.slots();
    expect(scene.rule('Down').alerts).toMatchObject([
      { value: 2, annotations: { v: '2' }, state: 'firing' },
    ]);
    expect(
      scene.rule('Moving').alerts.map(({ labels, state }) => `${labelValue(labels, 'v')} ${state}`),
    ).toEqual(['2 pending']);
  });

  test('S8: a `for` that grew beyond the age of a firing alert makes it pending again', async () => {
    const scene = await sceneWith(DOWN);
    scene.querier.vector('up == 0', A);
    await scene.slots(3);
    expect(scene.rule('Down').state).toBe('firing');
    await scene.file(
      'a.yml',
      'groups: [{name: g, rules: [{alert: Down, expr: up == 0, for: 5m}]}]',
    );
    await scene.alerter.reload();
    await scene.slots();
    expect(scene.rule('Down').state).toBe('pending');
  });

  test('S9: an alert that returns after its end is a fresh one', async () => {
    const scene = await sceneWith(DOWN);
    scene.querier.vector('up == 0', A);
    await scene.slots(3);
    const before = scene.alerter.alerts()[0]!.activeAtMs;
    scene.querier.vector('up == 0');
    await scene.slots(2);
    scene.querier.vector('up == 0', A);
    await scene.slots();
    expect(scene.alerter.alerts()[0]).toMatchObject({
      state: 'pending',
      activeAtMs: before + 5 * INTERVAL_MS,
    });
  });

  test('S13: the expression browser is linked with the canonical print of the expression', async () => {
    const scene = await sceneWith(`
- alert: Down
  expr: "up   ==0 # note"
`);
    scene.querier.vector('up == 0', A);
    await scene.slots(2);
    expect(scene.rule('Down').query).toBe('up == 0');
    expect(scene.platform.mail.delivered[0]!.message.text).toContain(
      'http://nephoscope.test/graph?g0.expr=up+%3D%3D+0&g0.tab=1',
    );
  });

  test('S14: ALERTS and ALERTS_FOR_STATE follow the state and end with it', async () => {
    const scene = await sceneWith(DOWN);
    scene.querier.vector('up == 0', A);
    await scene.slots();
    const { activeAtMs } = scene.alerter.alerts()[0]!;
    const since = `ALERTS_FOR_STATE{alertname="Down", instance="a"} ${Math.floor(activeAtMs / 1000)}`;
    const pending = 'ALERTS{alertname="Down", alertstate="pending", instance="a"}';
    const firing = 'ALERTS{alertname="Down", alertstate="firing", instance="a"}';
    expect(scene.lastRows).toEqual([since, `${pending} 1`]);
    expect(scene.written.every(({ timeMs }) => timeMs === activeAtMs)).toBe(true);
    await scene.slots(2);
    expect(scene.lastRows).toEqual([since, `${firing} 1`, `${pending} stale`]);
    await scene.slots();
    expect(scene.lastRows).toEqual([since, `${firing} 1`]);
    scene.querier.vector('up == 0');
    await scene.slots();
    expect(scene.lastRows).toEqual([since.replace(/ \d+$/, ' stale'), `${firing} stale`]);
  });

  test('T2: a template that fails is told in the text; the alert fires and the rule is healthy', async () => {
    const scene = await sceneWith(`
- alert: Down
  expr: up == 0
  annotations: { a: '{{ gt $value 1 }}', b: '{{ query "up{" }}', c: fine }
`);
    scene.querier.vector('up == 0', A);
    scene.querier.fail('up{', 'parse error: unexpected end');
    await scene.slots();
    const { annotations, state } = scene.alerter.alerts()[0]!;
    expect(annotations['a']).toMatch(/^<error expanding template: .*incompatible types.*>$/);
    expect(annotations['b']).toMatch(/^<error expanding template: .*parse error.*>$/);
    expect(annotations['c']).toBe('fine');
    expect([state, scene.rule('Down').health]).toEqual(['firing', 'ok']);
  });

  test('T4: query in a template is asked at the slot and once for all alerts of the rule', async () => {
    const scene = await sceneWith(`
- alert: Down
  expr: up == 0
  annotations: { n: '{{ with query "count(up)" }}{{ . | first | value }}{{ end }}' }
`);
    scene.querier.vector('up == 0', A, B);
    scene.querier.vector('count(up)', [{}, 9]);
    await scene.slots();
    expect(scene.alerter.alerts().map(({ annotations }) => annotations['n'])).toEqual(['9', '9']);
    const times = scene.querier.asked.map(({ text, timeMs }) => `${text}@${timeMs}`);
    expect(times).toHaveLength(2);
    expect(new Set(scene.querier.asked.map(({ timeMs }) => timeMs)).size).toBe(1);
  });
});

describe('no data is not OK', () => {
  const failures: readonly (readonly [string, (scene: Scene) => void])[] = [
    ['an error', (scene) => scene.querier.fail('up == 0')],
    [
      'a query that never ends',
      (scene) => scene.querier.answer('up == 0', () => new Promise(() => {})),
    ],
    [
      'a partial answer',
      (scene) =>
        scene.querier.answer('up == 0', ({ timeMs }) => ({
          value: vectorOf(timeMs, [B]),
          warnings: ['shard 2 did not answer'],
          infos: [],
        })),
    ],
    [
      'a range vector',
      (scene) =>
        scene.querier.answer('up == 0', () => ({
          value: { kind: 'matrix', series: [] },
          warnings: [],
          infos: [],
        })),
    ],
  ];
  test.each(failures)(
    '%s never resolves an alert and never ends its series',
    async (_, breakIt) => {
      const scene = await sceneWith(DOWN);
      scene.querier.vector('up == 0', A);
      await scene.slots(3);
      scene.written.length = 0;
      breakIt(scene);
      await scene.slots(240);
      expect(scene.states).toContain('{alertname="Down", instance="a"} firing');
      expect(scene.rule('Down').health).toBe('err');
      expect(scene.written.filter(({ value }) => value === 'stale')).toEqual(
        scene.written.filter(
          ({ value, series }) => value === 'stale' && series.includes('instance="b"'),
        ),
      );
      expect(scene.subjects.filter((subject) => subject.includes('RESOLVED'))).toEqual([]);
      expect(
        scene.platform.telemetry.total('nephoscope_alerter_rule_evaluation_failures_total'),
      ).toBeGreaterThan(50);
      scene.querier.vector('up == 0');
      await scene.slots(5);
      expect(scene.states).toEqual([]);
      expect(scene.subjects.at(-1)).toContain('[RESOLVED] Down');
    },
  );

  test('a remark of the engine on the expression is no partial answer', async () => {
    const scene = await sceneWith(DOWN);
    scene.querier.vector('up == 0', A);
    await scene.slots(3);
    scene.querier.answer('up == 0', ({ timeMs }) => ({
      value: vectorOf(timeMs, []),
      warnings: ['PromQL warning: quantile value should be between 0 and 1'],
      infos: ['PromQL info: metric might not be a counter'],
    }));
    await scene.slots();
    expect(scene.states).toEqual([]);
  });

  test('a freeze of ten minutes ends nothing until the data had time to come back', async () => {
    const scene = await sceneWith(DOWN);
    scene.querier.vector('up == 0', A);
    await scene.slots(3);
    const frozenMs = scene.platform.clock.now() + INTERVAL_MS;
    scene.querier.answer('up == 0', ({ timeMs }) => ({
      value: vectorOf(timeMs, timeMs <= frozenMs ? [A] : []),
      warnings: [],
      infos: [],
    }));
    scene.platform.clock.jumpWallClock(600_000);
    await scene.slots(3);
    expect(scene.states).toEqual(['{alertname="Down", instance="a"} firing']);
    await scene.slots(20);
    expect(scene.states).toEqual([]);
  });

  test('a clock that is set back keeps the ages of alerts', async () => {
    const scene = await sceneWith(DOWN);
    scene.querier.vector('up == 0', A);
    await scene.slots(2);
    scene.platform.clock.jumpWallClock(-86_400_000);
    await scene.slots(2);
    expect(scene.states).toEqual(['{alertname="Down", instance="a"} firing']);
    expect(labelsToText(scene.alerter.alerts()[0]!.labels)).toContain('Down');
    await scene.slots(2);
    expect(scene.subjects).toHaveLength(1);
  });
});

describe('after a restart', () => {
  test.each([10_000, 300_000, 3_540_000, 3_660_000, 86_400_000])(
    'S15, S16: %d ms of down time do not count towards `for`, and what was seen is not lost',
    async (downMs) => {
      const scene = await sceneWith(DOWN.replace('30s', '60s'));
      scene.querier.vector('up == 0', A);
      await scene.slots(3);
      const before = scene.alerter.alerts()[0]!;
      expect(before.state).toBe('pending');
      const ageMs = scene.querier.asked.at(-1)!.timeMs - before.activeAtMs;
      await scene.crash(downMs);
      await scene.slots();
      const after = scene.alerter.alerts()[0]!;
      expect(after.state).toBe('pending');
      expect(scene.querier.asked.at(-1)!.timeMs - after.activeAtMs).toBe(ageMs);
      await scene.slots(2);
      expect(scene.states).toEqual(['{alertname="Down", instance="a"} firing']);
      await scene.slots(4);
      expect(scene.subjects).toEqual(['[FIRING:1] Down (a)']);
    },
  );

  test.each([10_000, 3_660_000, 86_400_000])(
    'S17: nothing is told again after %d ms, and absence is believed only after a while',
    async (downMs) => {
      const scene = await sceneWith(DOWN, {
        mail: { ...new Scene().options.mail!, repeatIntervalMs: 1e12 },
      });
      scene.querier.vector('up == 0', A);
      await scene.slots(5);
      expect(scene.subjects).toHaveLength(1);
      scene.querier.vector('up == 0');
      await scene.crash(downMs);
      await scene.slots(4);
      expect(scene.states).toEqual(['{alertname="Down", instance="a"} firing']);
      scene.querier.vector('up == 0', A);
      await scene.slots(30);
      expect(scene.states).toEqual(['{alertname="Down", instance="a"} firing']);
      expect(scene.subjects).toEqual(['[FIRING:1] Down (a)']);
    },
  );

  test('an alert that really ended while nobody looked is told as ended, and its series end', async () => {
    const scene = await sceneWith(DOWN);
    scene.querier.vector('up == 0', A);
    await scene.slots(5);
    scene.querier.vector('up == 0');
    await scene.crash(60_000);
    scene.written.length = 0;
    await scene.slots(20);
    expect(scene.states).toEqual([]);
    expect(scene.subjects).toEqual(['[FIRING:1] Down (a)', '[RESOLVED] Down (a)']);
    expect(
      scene.written
        .filter(({ value }) => value === 'stale')
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['ALERTS', 'ALERTS_FOR_STATE']);
  });

  test('S15, S16: without state of our own the ages come from the stored series', async () => {
    const scene = await sceneWith(DOWN.replace('30s', '20m'));
    const { clock } = scene.platform;
    const stored = { __name__: 'ALERTS_FOR_STATE', alertname: 'Down', instance: 'a' };
    const lastSeenMs = Math.floor(clock.now() / 1000) * 1000 - 120_000;
    const activeAtMs = lastSeenMs - 300_000;
    scene.querier.vector('ALERTS_FOR_STATE{alertname="Down"}', [stored, activeAtMs / 1000]);
    scene.querier.vector('timestamp(ALERTS_FOR_STATE{alertname="Down"})', [
      { alertname: 'Down', instance: 'a' },
      lastSeenMs / 1000,
    ]);
    scene.querier.vector('up == 0', A);
    await scene.slots(2);
    expect(scene.written).toEqual([]);
    const slotMs = scene.querier.asked.find(({ text }) => text.startsWith('ALERTS'))!.timeMs;
    expect(scene.querier.asked.find(({ text }) => text.startsWith('ALERTS'))!.lookbackMs).toBe(
      3_600_000,
    );
    expect(scene.alerter.alerts()[0]!.activeAtMs).toBe(activeAtMs + (slotMs - lastSeenMs));
    await scene.slots();
    expect(scene.lastRows).toHaveLength(2);
  });
});
