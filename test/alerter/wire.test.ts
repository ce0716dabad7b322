import { expect, test } from 'vitest';
import { encodeAlerts, encodeRules, exponentText } from '../../alerter/wire.ts';
import { Scene } from './scene.ts';

test('P1, P3: rules and alerts as the Prometheus API shows them', async () => {
  const scene = new Scene();
  await scene.file(
    'a.yml',
    `groups:
- name: g
  limit: 5
  rules:
  - alert: A
    expr: up == 0
    keep_firing_for: 1m
    labels: {severity: page}
    annotations: {a: "{{ $value }}"}
  - record: r
    expr: broken
`,
  );
  await scene.start();
  expect(encodeRules(scene.alerter.groups()).groups[0]!.lastEvaluation).toBe(
    '0001-01-01T00:00:00Z',
  );
  scene.querier.vector('up == 0', [{ __name__: 'up', instance: 'a' }, 3]);
  scene.querier.fail('broken', 'no such thing');
  await scene.slots();
  scene.querier.vector('up == 0');
  await scene.slots();
  const alert = {
    labels: { alertname: 'A', instance: 'a', severity: 'page' },
    annotations: { a: '3' },
    state: 'firing',
    activeAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
    keepFiringSince: expect.stringMatching(/Z$/),
    value: '3e+00',
  };
  const times = {
    evaluationTime: expect.any(Number),
    lastEvaluation: expect.stringMatching(/^20/),
  };
  expect(JSON.parse(JSON.stringify(encodeRules(scene.alerter.groups())))).toEqual({
    groups: [
      {
        name: 'g',
        file: '/rules/a.yml',
        interval: 15,
        limit: 5,
        ...times,
        rules: [
          {
            type: 'alerting',
            state: 'firing',
            name: 'A',
            query: 'up == 0',
            duration: 0,
            keepFiringFor: 60,
            labels: { severity: 'page' },
            annotations: { a: '{{ $value }}' },
            alerts: [alert],
            health: 'ok',
            ...times,
          },
          {
            type: 'recording',
            name: 'r',
            query: 'broken',
            health: 'err',
            lastError: 'no such thing',
            ...times,
          },
        ],
      },
    ],
  });
  expect(encodeAlerts(scene.alerter.alerts())).toEqual({ alerts: [alert] });
});

test.each([
  [3, '3e+00'],
  [0, '0e+00'],
  [-0, '-0e+00'],
  [1234567.891, '1.234567891e+06'],
  [1e-7, '1e-07'],
  [1e300, '1e+300'],
  [-2.5, '-2.5e+00'],
  [Infinity, '+Inf'],
  [-Infinity, '-Inf'],
  [NaN, 'NaN'],
])('P3: the value %d', (value, text) => {
  expect(exponentText(value)).toBe(text);
});
