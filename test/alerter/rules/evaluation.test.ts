import { describe, expect, test } from 'vitest';
import { labelsFrom } from '../../../model/labels.ts';
import { INTERVAL_MS, ruleFile, Scene, sceneWith } from '../scene.ts';

const UP = [{ __name__: 'up', instance: 'a' }, 1] as const;

function fileOf(...groups: readonly string[]): string {
  return `groups: [${groups.join(', ')}]`;
}

async function sceneOf(...groups: readonly string[]): Promise<Scene> {
  const scene = new Scene();
  await scene.file('a.yml', fileOf(...groups));
  return scene.start();
}

describe('slots', () => {
  test('E1, E2: each group has its interval and a phase of its own; samples carry the slot time', async () => {
    const scene = await sceneOf(
      '{name: fast, interval: 5s, rules: [{record: a, expr: up}]}',
      '{name: slow, rules: [{record: b, expr: vector(1)}]}',
    );
    scene.querier.vector('up', UP);
    await scene.slots(4);
    const times = (text: string): readonly number[] =>
      scene.querier.asked.filter((request) => request.text === text).map(({ timeMs }) => timeMs);
    expect(times('up')).toHaveLength(12);
    expect(new Set(times('up').map((timeMs) => timeMs % 5000)).size).toBe(1);
    expect(times('vector(1)')).toHaveLength(4);
    expect(new Set(times('vector(1)').map((timeMs) => timeMs % INTERVAL_MS)).size).toBe(1);
    expect(scene.written.map(({ timeMs }) => timeMs)).toEqual(times('up'));
    const phases = new Set<number>();
    for (let i = 0; i < 10; i++) {
      const other = await sceneOf(`{name: g${i}, rules: [{record: a, expr: up}]}`);
      await other.slots();
      phases.add(other.querier.asked[0]!.timeMs % INTERVAL_MS);
    }
    expect(phases.size).toBeGreaterThan(5);
  });

  test('E3: slots that pass during a long evaluation are skipped and counted', async () => {
    const scene = await sceneOf('{name: g, rules: [{record: a, expr: up}]}');
    const { clock, telemetry } = scene.platform;
    scene.querier.answer('up', async ({ timeMs }) => {
      await new Promise<void>((resolve) => clock.after(INTERVAL_MS * 1.5, resolve));
      return { value: { kind: 'scalar', timeMs, value: 1 }, warnings: [], infos: [] };
    });
    await scene.slots(7);
    const times = scene.querier.asked.map(({ timeMs }) => timeMs);
    expect(times.slice(1).map((timeMs, i) => timeMs - times[i]!)).toEqual(
      [2, 2, 2].map((n) => n * INTERVAL_MS),
    );
    expect(telemetry.total('nephoscope_alerter_group_iterations_missed_total')).toBe(3);
  });

  test('E4: rules run in file order, each result written before the next rule begins', async () => {
    const scene = await sceneOf('{name: g, rules: [{record: a, expr: up}, {record: b, expr: a}]}');
    const order: string[] = [];
    scene.write = async () => {
      order.push('write');
    };
    for (const text of ['up', 'a']) {
      scene.querier.answer(text, ({ timeMs }) => {
        order.push(`ask ${text}`);
        return { value: { kind: 'scalar', timeMs, value: 1 }, warnings: [], infos: [] };
      });
    }
    await scene.slots();
    expect(order).toEqual(['ask up', 'write', 'ask a', 'write']);
  });

  test('E4: a group that hangs delays no other', async () => {
    const scene = await sceneOf(
      '{name: hangs, rules: [{record: a, expr: up}]}',
      '{name: works, rules: [{record: b, expr: vector(1)}]}',
    );
    scene.querier.answer('up', () => new Promise(() => {}));
    scene.querier.vector('vector(1)', [{}, 1]);
    await scene.slots(10);
    expect(scene.written.filter(({ name }) => name === 'b')).toHaveLength(10);
    expect(scene.alerter.groups()[0]!.rules[0]).toMatchObject({ health: 'err' });
    expect(scene.alerter.groups()[0]!.rules[0]!.lastError).toContain('took longer than');
  });

  test('E5: a failing rule does not stop its group', async () => {
    const scene = await sceneOf(
      '{name: g, rules: [{record: a, expr: up}, {record: b, expr: vector(1)}]}',
    );
    scene.querier.fail('up', 'too many samples');
    scene.querier.vector('vector(1)', [{}, 1]);
    await scene.slots();
    const [group] = scene.alerter.groups();
    expect(group!.rules.map(({ health, lastError }) => [health, lastError])).toEqual([
      ['err', 'too many samples'],
      ['ok', undefined],
    ]);
    expect(scene.lastRows).toEqual(['b 1']);
  });

  test('E6: with an offset the query and all that is written are that much earlier', async () => {
    const scene = await sceneOf(
      '{name: g, query_offset: 1m, rules: [{record: a, expr: up}, {alert: A, expr: up}]}',
    );
    scene.querier.vector('up', UP);
    await scene.slots();
    const now = scene.alerter.alerts()[0]!.activeAtMs;
    expect(new Set(scene.querier.asked.map(({ timeMs }) => now - timeMs))).toEqual(
      new Set([60_000]),
    );
    expect(new Set(scene.written.map(({ timeMs }) => now - timeMs))).toEqual(new Set([60_000]));
  });
});

describe('recording rules', () => {
  test('E7: a scalar is one sample without labels; strings and ranges are errors', async () => {
    const scene = await sceneOf(
      '{name: g, rules: [{record: a, expr: time()}, {record: b, expr: up}]}',
    );
    scene.querier.answer('time()', ({ timeMs }) => ({
      value: { kind: 'scalar', timeMs, value: 7 },
      warnings: [],
      infos: [],
    }));
    scene.querier.answer('up', ({ timeMs }) => ({
      value: { kind: 'string', timeMs, value: 'x' },
      warnings: [],
      infos: [],
    }));
    await scene.slots();
    expect(scene.lastRows).toEqual(['a 7']);
    expect(scene.alerter.groups()[0]!.rules[1]!.lastError).toContain('gives a string');
  });

  test('E8: name replaced, labels overlaid, empty ones removed; equal sets write nothing', async () => {
    const scene = await sceneOf(
      '{name: g, rules: [{record: "a:b", expr: up, labels: {job: "{{x}}", instance: ""}}]}',
    );
    scene.querier.vector('up', [{ __name__: 'up', instance: 'a', job: 'old', zone: 'z' }, 1]);
    await scene.slots();
    expect(scene.lastRows).toEqual(['a:b{job="{{x}}", zone="z"} 1']);
    scene.written.length = 0;
    scene.querier.vector('up', [{ instance: 'a' }, 1], [{ instance: 'b' }, 2]);
    await scene.slots();
    expect(scene.written).toEqual([]);
    expect(scene.alerter.groups()[0]!.rules[0]!.lastError).toContain('same labelset');
  });

  test('E9: over the limit a recording rule writes nothing', async () => {
    const scene = await sceneOf(
      '{name: g, limit: 1, rules: [{record: a, expr: up}, {record: b, expr: vector(1)}]}',
    );
    scene.querier.vector('up', [{ i: '1' }, 1], [{ i: '2' }, 1]);
    scene.querier.vector('vector(1)', [{}, 1]);
    await scene.slots();
    expect(scene.lastRows).toEqual(['b 1']);
    expect(scene.alerter.groups()[0]!.rules[0]).toMatchObject({
      health: 'err',
      lastError: 'exceeded limit of 1 with 2 series',
    });
  });

  test('E10: what a rule wrote and writes no more is ended; a failing evaluation ends nothing', async () => {
    const scene = await sceneOf('{name: g, rules: [{record: a, expr: up}]}');
    scene.querier.vector('up', [{ i: '1' }, 1], [{ i: '2' }, 2]);
    await scene.slots();
    scene.querier.fail('up');
    await scene.slots();
    expect(scene.written).toHaveLength(2);
    scene.querier.vector('up', [{ i: '2' }, 3]);
    await scene.slots();
    expect(scene.lastRows).toEqual(['a{i="1"} stale', 'a{i="2"} 3']);
    await scene.slots();
    expect(scene.lastRows).toEqual(['a{i="2"} 3']);
  });

  test('E10: an end that could not be written is written later', async () => {
    const scene = await sceneOf('{name: g, rules: [{record: a, expr: up}]}');
    scene.querier.vector('up', [{ i: '1' }, 1]);
    await scene.slots();
    scene.querier.vector('up');
    scene.write = async () => {
      throw new Error('disk full');
    };
    await scene.slots();
    expect(scene.alerter.groups()[0]!.rules[0]).toMatchObject({
      health: 'err',
      lastError: 'the samples could not be written: disk full',
    });
    scene.write = async () => {};
    scene.written.length = 0;
    await scene.slots();
    expect(scene.lastRows).toEqual(['a{i="1"} stale']);
    await scene.slots(2);
    expect(scene.written).toHaveLength(1);
  });

  test('E12: what the store refuses is counted and makes the rule unhealthy, and nothing more', async () => {
    const scene = await sceneOf('{name: g, rules: [{record: a, expr: up}]}');
    scene.querier.vector('up', UP);
    scene.write = async () =>
      ({ refused: [{ reason: 'timestamp-conflict', count: 2, example: 'a at 7' }] }) as never;
    await scene.slots();
    expect(scene.alerter.groups()[0]!.rules[0]!.lastError).toContain('timestamp-conflict');
    expect(scene.platform.telemetry.total('nephoscope_alerter_samples_refused_total')).toBe(2);
  });
});

test('E9: over the limit the alerts of a rule are dropped, nobody is told, and another rule keeps its own', async () => {
  const scene = await sceneOf(
    '{name: g, limit: 1, rules: [{alert: A, expr: up}, {alert: B, expr: vector(1)}]}',
  );
  scene.querier.vector('up', [{ i: '1' }, 1]);
  scene.querier.vector('vector(1)', [{}, 1]);
  await scene.slots();
  scene.querier.vector('up', [{ i: '1' }, 1], [{ i: '2' }, 1]);
  scene.written.length = 0;
  await scene.slots(4);
  expect(scene.states).toEqual(['{alertname="B"} firing']);
  expect(scene.rule('A')).toMatchObject({
    health: 'err',
    lastError: 'exceeded limit of 1 with 2 alerts',
  });
  expect(scene.written.filter(({ series }) => series.includes('alertname="A"'))).toEqual([]);
  expect(scene.subjects.filter((subject) => subject.includes('RESOLVED'))).toEqual([]);
  const { log } = scene.platform;
  expect(log.find('keep their state')).toEqual([]);
  expect(log.find('all its alerts were dropped')).toMatchObject([
    {
      level: 'error',
      fields: { group: 'g', rule: 'A', error: 'exceeded limit of 1 with 2 alerts' },
    },
  ]);
});

test('a rule that fails says what becomes of its alerts or its series', async () => {
  const scene = await sceneOf('{name: g, rules: [{alert: A, expr: up}, {record: r, expr: up}]}');
  scene.querier.fail('up', 'too many samples');
  await scene.slots(3);
  const { log } = scene.platform;
  expect(log.find('warn').map(({ message, fields }) => [fields['rule'], message])).toEqual([
    ['A', 'an alerting rule failed; its alerts keep their state'],
    ['r', 'a recording rule failed; its series may have a gap'],
  ]);
  scene.querier.vector('up', UP);
  scene.write = () => Promise.reject(new Error('the disk is full'));
  await scene.slots();
  expect(log.find('the series of an alerting rule are not stored')).toHaveLength(1);
  expect(scene.states).toEqual(['{alertname="A", instance="a"} firing']);
});

describe('reload', () => {
  const RULES = '{alert: A, expr: up, for: 1m}';

  test('E11: an unchanged group goes on; a changed one keeps alerts and series of rules it still has', async () => {
    const scene = await sceneOf(
      `{name: g, rules: [${RULES}, {record: r, expr: up}, {record: old, expr: up}]}`,
    );
    scene.querier.vector('up', UP);
    scene.querier.vector('up > 0', UP);
    await scene.slots(3);
    const [before] = scene.alerter.alerts();
    await scene.alerter.reload();
    expect(scene.alerter.alerts()).toEqual([before]);
    scene.written.length = 0;
    await scene.file(
      'a.yml',
      fileOf(
        '{name: g, rules: [{alert: A, expr: up > 0, for: 1m, annotations: {a: b}}, {record: r, expr: up > 0}]}',
      ),
    );
    await scene.alerter.reload();
    expect(scene.lastRows).toEqual(['old{instance="a"} stale']);
    expect(scene.alerter.alerts()).toEqual([before]);
    await scene.slots(2);
    expect(scene.alerter.alerts()[0]).toMatchObject({
      state: 'firing',
      activeAtMs: before!.activeAtMs,
      annotations: { a: 'b' },
    });
    expect(scene.written.filter(({ name, value }) => name === 'r' && value === 'stale')).toEqual(
      [],
    );
  });

  test('E10: the series of a removed group end after two intervals; a renamed group is not cut', async () => {
    const scene = await sceneOf('{name: g, rules: [{record: r, expr: up}, {record: s, expr: up}]}');
    scene.querier.vector('up', UP);
    await scene.slots(2);
    await scene.file('a.yml', fileOf('{name: renamed, rules: [{record: r, expr: up}]}'));
    await scene.alerter.reload();
    scene.written.length = 0;
    await scene.slots(4);
    const ended = scene.written.filter(({ value }) => value === 'stale');
    expect(ended.map(({ series }) => series)).toEqual(['s{instance="a"}']);
  });

  test('a firing alert whose rule is removed is told as ended, once', async () => {
    const scene = await sceneOf(
      '{name: g, rules: [{alert: A, expr: up}]}',
      '{name: h, rules: [{alert: B, expr: up}]}',
    );
    scene.querier.vector('up', UP);
    await scene.slots(3);
    await scene.file('a.yml', fileOf('{name: h, rules: [{alert: B, expr: up}]}'));
    await scene.alerter.reload();
    await scene.slots(10);
    expect(scene.subjects.filter((subject) => subject.startsWith('[RESOLVED]'))).toEqual([
      '[RESOLVED] A (a)',
    ]);
    expect(scene.states).toEqual(['{alertname="B", instance="a"} firing']);
    await scene.crash();
    await scene.slots(10);
    expect(scene.subjects.filter((subject) => subject.startsWith('[RESOLVED]'))).toHaveLength(1);
  });

  test('R8: one bad file leaves everything as it was; at the start it prevents starting', async () => {
    const scene = await sceneOf('{name: g, rules: [{alert: A, expr: up}]}');
    scene.querier.vector('up', UP);
    await scene.slots();
    await scene.file('a.yml', fileOf('{name: new, rules: [{alert: N, expr: up}]}'));
    await scene.file(
      'b.yml',
      'groups:\n  - name: g\n    rules:\n      - alert: B\n        expr: up{\n',
    );
    await expect(scene.alerter.reload()).rejects.toMatchObject({ code: 'bad-rule-file' });
    await expect(scene.alerter.reload()).rejects.toThrow(
      /^\/rules\/b\.yml:5: group "g", rule 1, "B": /,
    );
    await scene.slots();
    expect(scene.alerter.groups().map(({ name }) => name)).toEqual(['g']);
    expect(scene.states).toEqual(['{alertname="A", instance="a"} firing']);
    await expect(scene.crash()).rejects.toThrow('/rules/b.yml:5');
  });

  test('R9: patterns are expanded anew at each reload; one without a match is no error', async () => {
    const scene = new Scene({
      ruleFiles: ['/rules/*.yml', '/none/*.yml', '/rules/sub/[ab]?.yaml'],
    });
    await scene.start();
    expect(scene.alerter.groups()).toEqual([]);
    await scene.file('.hidden.yml', ruleFile('- {record: r, expr: up}'));
    await scene.file('x.yml', ruleFile('- {record: r, expr: up}'));
    await scene.platform.files.makeDirectory('/rules/sub');
    for (const name of ['sub/a1.yaml', 'sub/c1.yaml'])
      await scene.file(name, ruleFile('- {record: r, expr: up}'));
    await scene.alerter.reload();
    expect(scene.alerter.groups().map(({ file }) => file)).toEqual([
      '/rules/sub/a1.yaml',
      '/rules/x.yml',
    ]);
  });
});

test('at each start and reload the log says how much was loaded and which pattern names no file', async () => {
  const scene = new Scene({
    ruleFiles: ['/rules/*.yml', '/rules/*.yaml', '/rulez/*', '/rules/a.yml'],
  });
  await scene.file(
    'a.yml',
    fileOf('{name: g, rules: [{alert: A, expr: up}, {record: r, expr: up}]}'),
  );
  await scene.file('b.yml', fileOf('{name: g, rules: []}', '{name: h, rules: []}'));
  await scene.start();
  const { log } = scene.platform;
  expect(log.find('warn').map(({ message, fields }) => [message, fields['pattern']])).toEqual([
    ['no rule file has this name', '/rules/*.yaml'],
    ['no rule file has this name', '/rulez/*'],
  ]);
  const loaded = { level: 'info', fields: { files: 2, groups: 3, rules: 2 } };
  expect(log.find('rules are loaded')).toMatchObject([loaded]);
  await scene.file('c.yaml', fileOf('{name: i, rules: [{alert: A, expr: up}]}'));
  await scene.alerter.reload();
  expect(
    log
      .find('no rule file')
      .slice(2)
      .map(({ fields }) => fields['pattern']),
  ).toEqual(['/rulez/*']);
  expect(log.find('rules are loaded')[1]!.fields).toEqual({ files: 3, groups: 4, rules: 3 });
  await scene.file('c.yaml', 'groups: 7');
  await expect(scene.alerter.reload()).rejects.toThrow('/rules/c.yaml:1');
  expect(log.find('rules are loaded')).toHaveLength(2);
});

test('S12: external labels reach people but neither the API nor the series', async () => {
  const scene = await sceneWith(
    `
- alert: A
  expr: up
  annotations: { a: '{{ $externalLabels.dc }} {{ $externalURL }}' }
`,
    { externalLabels: labelsFrom({ dc: 'x1', instance: 'loses' }) },
  );
  scene.querier.vector('up', UP);
  await scene.slots(2);
  expect(scene.alerter.alerts()[0]!.labels).toEqual(labelsFrom({ alertname: 'A', instance: 'a' }));
  expect(scene.alerter.alerts()[0]!.annotations['a']).toBe('x1 http://nephoscope.test');
  expect(scene.written.every(({ series }) => !series.includes('x1'))).toBe(true);
  const { text } = scene.platform.mail.delivered[0]!.message;
  expect(text).toContain('dc: x1');
  expect(text).toContain('instance: a');
});
