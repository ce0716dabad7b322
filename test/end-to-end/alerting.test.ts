import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../real/until.ts';
import { startMailSink } from './mail-sink.ts';
import type { MailSink } from './mail-sink.ts';
import { startNephoscope, temporaryDirectory } from './process.ts';
import type { RunningNephoscope } from './process.ts';
import { alerts } from './prometheus-api.ts';
import type { ApiAlert } from './prometheus-api.ts';
import { remoteWrite } from './remote-write.ts';

// Rules that fire, mail that arrives, and what a crash leaves of both.

const RULES = `
groups:
  - name: guests
    interval: 1s
    rules:
      - alert: GuestBusy
        expr: test_load > 5
        for: 2s
        labels:
          severity: page
        annotations:
          summary: 'guest {{ $labels.guest }} is at {{ $value | humanize }}'
      - alert: GuestSlow
        expr: test_latency > 5
        for: 15s
`;

const directory = temporaryDirectory();
let sink: MailSink;
let nephoscope: RunningNephoscope;

const start = (): Promise<RunningNephoscope> =>
  startNephoscope({
    data: join(directory.path, 'data'),
    args: [
      '--roles',
      'ingest,query,alerter',
      '--rules',
      join(directory.path, '*.yml'),
      '--set',
      `alerting.mail.smarthost=127.0.0.1:${sink.port}`,
      '--set',
      'alerting.mail.from=nephoscope@example.org',
      '--set',
      'alerting.mail.to=oncall@example.org',
      '--set',
      'alerting.mail.require_tls=false',
      '--set',
      'alerting.mail.group_wait=0s',
      '--set',
      'alerting.for_grace_period=1s',
    ],
  });

const write = async (name: string, value: number): Promise<void> => {
  const labels = { __name__: name, guest: 'g1' };
  const answer = await remoteWrite(nephoscope.url, [
    { labels, samples: [{ timeMs: Date.now(), value }] },
  ]);
  expect(answer.status, await answer.text()).toBeLessThan(300);
};

async function alert(
  name: string,
  state: 'pending' | 'firing',
  limitMs: number,
): Promise<ApiAlert> {
  return until(`${name} to be ${state}`, limitMs, async () =>
    (await alerts(nephoscope.url)).find(
      (candidate) => candidate.labels['alertname'] === name && candidate.state === state,
    ),
  );
}

beforeAll(async () => {
  writeFileSync(join(directory.path, 'guests.yml'), RULES);
  sink = await startMailSink();
  nephoscope = await start();
});

afterAll(async () => {
  await nephoscope?.stop();
  await sink?.close();
  directory.remove();
});

test('a rule fires after its time, and its mail arrives; a refusal for now is tried again', async () => {
  sink.refuseNext(451);
  await write('test_load', 9.5);
  const firing = await alert('GuestBusy', 'firing', 15_000);
  expect(firing).toMatchObject({
    labels: { alertname: 'GuestBusy', guest: 'g1', severity: 'page' },
    annotations: { summary: 'guest g1 is at 9.5' },
  });
  const mail = await until('the mail', 60_000, () => sink.mails[0]);
  expect(mail).toMatchObject({ from: 'nephoscope@example.org', to: ['oncall@example.org'] });
  expect(mail.subject).toContain('GuestBusy');
  expect(mail.source).toContain('g1 is at 9.5');
});

test('after kill -9 the alert goes on firing, and no second mail is sent', async () => {
  const before = await alert('GuestBusy', 'firing', 1_000);
  await nephoscope.kill();
  nephoscope = await start();
  const after = await alert('GuestBusy', 'firing', 5_000);
  expect(after.activeAt).toBe(before.activeAt);
  // An alert that fires later proves that evaluation and mail have gone on meanwhile.
  await write('test_load', 8);
  await write('test_latency', 6);
  await alert('GuestSlow', 'firing', 40_000);
  await until('the mail of the other alert', 30_000, () =>
    sink.mails.find((mail) => mail.source.includes('GuestSlow')),
  );
  const [first, ...others] = sink.mails.filter((mail) => mail.subject.includes('GuestBusy'));
  expect(first).toBeDefined();
  expect(others.map((mail) => mail.subject)).toEqual([]);
});

test('an alert that was waiting when the process was killed goes on waiting from where it was', async () => {
  // Below the threshold the alert ends; then it begins anew.
  await write('test_latency', 1);
  await until('GuestSlow to have ended', 15_000, async () =>
    (await alerts(nephoscope.url)).every(({ labels }) => labels['alertname'] !== 'GuestSlow'),
  );
  await write('test_latency', 7);
  const waiting = await alert('GuestSlow', 'pending', 10_000);
  await until(
    'a part of the time to pass',
    15_000,
    () => Date.now() - Date.parse(waiting.activeAt) > 6_000,
  );
  await nephoscope.kill();
  nephoscope = await start();
  const restartedMs = Date.now();
  const restored = await alert('GuestSlow', 'pending', 5_000);
  expect(restored.activeAt).toBe(waiting.activeAt);
  await alert('GuestSlow', 'firing', 20_000);
  const firedMs = Date.now();
  expect(firedMs - Date.parse(waiting.activeAt)).toBeGreaterThanOrEqual(15_000);
  expect(firedMs - restartedMs).toBeLessThan(14_000);
});
