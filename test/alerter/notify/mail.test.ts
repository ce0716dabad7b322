import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkAddresses } from '../../../alerter/notify/addresses.ts';
import { mailText } from '../../../alerter/notify/mail-text.ts';
import type { OfferedAlert } from '../../../alerter/notify/offer.ts';
import { labelsFrom } from '../../../model/labels.ts';
import { simulatedPlatform } from '../../simulation/simulated-platform.ts';
import { Scene, sceneWith } from '../scene.ts';

const STEAL = `
- alert: HostCpuSteal
  expr: steal > 10
  labels: { severity: warning }
  annotations:
    summary: '{{ $labels.instance }} steals {{ $value | printf "%.1f" }}'
`;

describe('from a rule to a mail', () => {
  test('an alert that fires is told once, and its end is told once', async () => {
    const scene = await sceneWith(STEAL);
    scene.querier.vector('steal > 10', [{ __name__: 'steal', instance: 'host1' }, 12.345]);
    await scene.slots(8);
    expect(scene.subjects).toEqual(['[FIRING:1] HostCpuSteal (host1 warning)']);
    const { message, server } = scene.platform.mail.delivered[0]!;
    expect(server.host).toBe('mail.test');
    expect(message.to).toEqual(['noc@example.org']);
    expect(message.text).toContain('summary: host1 steals 12.3');
    expect(message.text).toContain('Value: 12.345');
    expect(message.text).toContain(
      'Graph: http://nephoscope.test/graph?g0.expr=steal+%3E+10&g0.tab=1',
    );
    expect(message.html).toContain('<td');
    expect(message.headers['Message-ID']).toMatch(/^<[0-9a-f]{32}@example\.org>$/);
    scene.querier.vector('steal > 10');
    await scene.slots(80);
    expect(scene.subjects).toEqual([
      '[FIRING:1] HostCpuSteal (host1 warning)',
      '[RESOLVED] HostCpuSteal (host1 warning)',
    ]);
    await scene.alerter.stop();
    expect(scene.platform.clock.pendingWakes).toBe(0);
  });
});

const SIMPLE = `
- alert: A
  expr: up
`;
const HOST = (name: string) => [{ __name__: 'up', instance: name }, 1] as const;

function idsOf(scene: Scene): readonly (string | undefined)[] {
  return scene.platform.mail.delivered.map(({ message }) => message.headers['Message-ID']);
}

describe('what is told when', () => {
  test('what happens within the group wait is one message, what comes later is another', async () => {
    const scene = await sceneWith(SIMPLE);
    scene.querier.vector('up', HOST('a'), HOST('b'));
    await scene.slots(2);
    scene.querier.vector('up', HOST('a'), HOST('b'), HOST('c'));
    await scene.slots(2);
    expect(scene.subjects).toEqual(['[FIRING:2] A', '[FIRING:1] A (c)']);
  });

  test('S10: never when pending', async () => {
    const scene = await sceneWith(`${SIMPLE}  for: 1h`);
    scene.querier.vector('up', HOST('a'));
    await scene.slots(100);
    expect(scene.platform.mail.attempts).toBe(0);
  });

  test('a firing alert is told again after the repeat interval, under another identity', async () => {
    const mail = { ...new Scene().options.mail!, repeatIntervalMs: 600_000 };
    const scene = await sceneWith(SIMPLE, { mail });
    scene.querier.vector('up', HOST('a'));
    await scene.slots(100);
    expect(scene.subjects).toHaveLength(3);
    expect(new Set(idsOf(scene)).size).toBe(3);
    await scene.crash(60_000);
    await scene.slots(4);
    expect(scene.subjects).toHaveLength(3);
  });

  test('S9: an alert that ends before its first message is still told of, once', async () => {
    const scene = await sceneWith(SIMPLE, { evaluationIntervalMs: 1000 });
    scene.querier.vector('up', HOST('a'));
    await scene.platform.clock.advance(1500);
    scene.querier.vector('up');
    await scene.slots(90);
    expect(scene.subjects).toEqual(['[RESOLVED] A (a)']);
  });

  test('without sendResolved the end is not told', async () => {
    const mail = { ...new Scene().options.mail!, sendResolved: false };
    const scene = await sceneWith(SIMPLE, { mail });
    scene.querier.vector('up', HOST('a'));
    await scene.slots(3);
    scene.querier.vector('up');
    await scene.slots(80);
    expect(scene.subjects).toEqual(['[FIRING:1] A (a)']);
  });

  test('500 alerts that come and go each slot make few messages', async () => {
    const scene = await sceneWith(SIMPLE);
    for (let i = 0; i < 20; i++) {
      scene.querier.vector(
        'up',
        ...Array.from({ length: i % 2 ? 0 : 500 }, (_, n) => HOST(`h${n}`)),
      );
      await scene.slots();
    }
    expect(scene.subjects.length).toBeGreaterThan(5);
    expect(scene.subjects.length).toBeLessThanOrEqual(21);
    const { text } = scene.platform.mail.delivered[0]!.message;
    expect(text).toContain('400 more alerts are not described here');
    expect(text.length).toBeLessThan(200_000);
  });
});

describe('at least once', () => {
  test('451 twice, then 250: one message, sent three times under one identity', async () => {
    const scene = await sceneWith(SIMPLE);
    const { mail, telemetry } = scene.platform;
    mail.script({ kind: 'refuse', code: 'temporary' }, { kind: 'refuse', code: 'temporary' });
    scene.querier.vector('up', HOST('a'));
    await scene.slots(4);
    expect([mail.attempts, scene.subjects]).toEqual([3, ['[FIRING:1] A (a)']]);
    expect(telemetry.total('nephoscope_alerter_notifications_failed_total')).toBe(2);
    expect(telemetry.total('nephoscope_alerter_notifications_sent_total')).toBe(1);
    expect(telemetry.value('nephoscope_alerter_notifications_queued')).toBe(0);
  });

  test.each(['kill', 'power-cut'] as const)(
    'a crash (%s) at any moment loses no message, and those sent twice have one identity',
    async (kind) => {
      let twice = 0;
      for (let moment = 0; moment < 40; moment++) {
        const scene = new Scene({}, moment + 1);
        await scene.file('a.yml', `groups: [{name: g, rules: [{alert: A, expr: up}]}]`);
        await scene.start();
        scene.platform.mail.script({ kind: 'accept', delayMs: 700 });
        scene.querier.vector('up', HOST('a'));
        await scene.platform.clock.advance(moment * 700);
        await scene.crash(1000, kind);
        await scene.slots(12);
        expect(scene.subjects.length, `moment ${moment}`).toBeGreaterThanOrEqual(1);
        expect(scene.subjects.length, `moment ${moment}`).toBeLessThanOrEqual(2);
        expect(new Set(idsOf(scene)).size, `moment ${moment}`).toBe(1);
        if (scene.subjects.length === 2) twice++;
      }
      expect(twice).toBeLessThanOrEqual(2);
    },
  );

  test('crashes at any time on a slow disk, with the mail server coming and going', async () => {
    const moment = fc.integer({ min: 1, max: 40_000 });
    const events = fc.array(
      fc.tuple(moment, fc.constantFrom('kill', 'power-cut', 'mail-off', 'mail-on')),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.integer(), events, async (seed, steps) => {
        const scene = new Scene({}, seed);
        scene.platform = simulatedPlatform(seed, {
          directories: ['/data', '/rules'],
          diskLatencyMs: (_, random) => random.next() * 40,
        });
        const { clock } = scene.platform;
        await clock.complete(
          scene.file('a.yml', 'groups: [{name: g, rules: [{alert: A, expr: up}]}]'),
        );
        await clock.complete(scene.start());
        scene.querier.vector('up', HOST('a'));
        let crashes = 0;
        for (const [waitMs, event] of steps) {
          await clock.advance(waitMs);
          if (event === 'mail-off')
            scene.platform.mail.otherwise = { kind: 'refuse', code: 'unreachable' };
          else if (event === 'mail-on')
            scene.platform.mail.otherwise = { kind: 'accept', delayMs: 50 };
          else {
            crashes++;
            scene.platform = scene.platform.restart(event);
            await clock.complete(scene.start());
          }
        }
        scene.platform.mail.otherwise = { kind: 'accept' };
        await scene.slots(10);
        expect(scene.subjects.length).toBeGreaterThanOrEqual(1);
        expect(scene.subjects.length).toBeLessThanOrEqual(1 + crashes);
        expect(new Set(idsOf(scene)).size).toBe(1);
        expect(scene.states).toEqual(['{alertname="A", instance="a"} firing']);
      }),
      { numRuns: 100 },
    );
  });

  test('a server that takes the message and whose answer is lost gets it again, as the same one', async () => {
    const scene = await sceneWith(SIMPLE);
    scene.platform.mail.script({ kind: 'accept-silently' });
    scene.querier.vector('up', HOST('a'));
    await scene.slots(8);
    expect(scene.subjects).toHaveLength(2);
    expect(new Set(idsOf(scene)).size).toBe(1);
  });

  test('a message that was durable and not sent is sent after the restart', async () => {
    const scene = await sceneWith(SIMPLE);
    scene.platform.mail.otherwise = { kind: 'never-answer' };
    scene.querier.vector('up', HOST('a'));
    await scene.slots(4);
    scene.querier.vector('up');
    scene.platform.mail.otherwise = { kind: 'accept' };
    await scene.crash(400_000, 'power-cut');
    await scene.platform.clock.advance(5000);
    expect(scene.subjects).toEqual(['[FIRING:1] A (a)']);
    const { text, html } = scene.platform.mail.delivered[0]!.message;
    expect(text).toMatch(/^Late: made 20\d\d-.*, sent 20\d\d-/);
    expect(html).toContain('Late: made');
  });

  test('a silent server stops neither evaluation nor other rules, and each attempt ends', async () => {
    const scene = await sceneWith(`${SIMPLE}- record: r\n  expr: up\n`);
    scene.platform.mail.otherwise = { kind: 'never-answer' };
    scene.querier.vector('up', HOST('a'));
    await scene.slots(240);
    expect(scene.written.filter(({ name }) => name === 'r')).toHaveLength(240);
    expect(scene.platform.mail.attempts).toBeGreaterThan(40);
    scene.platform.mail.otherwise = { kind: 'accept' };
    await scene.platform.clock.advance(90_000);
    expect(scene.subjects).toEqual(['[FIRING:1] A (a)']);
  });

  test('six hours without a server: everything is there within a minute of its return', async () => {
    const scene = await sceneWith(SIMPLE);
    scene.platform.mail.otherwise = { kind: 'refuse', code: 'unreachable' };
    scene.querier.vector('up', HOST('a'));
    await scene.slots(4);
    scene.querier.vector('up', HOST('a'), HOST('b'));
    await scene.slots(6 * 240);
    scene.platform.mail.otherwise = { kind: 'accept' };
    await scene.platform.clock.advance(60_000);
    expect(scene.subjects.slice(0, 2)).toEqual(['[FIRING:1] A (a)', '[FIRING:1] A (b)']);
  });

  test('a message of more than a day is given up, loudly', async () => {
    const scene = await sceneWith(SIMPLE);
    scene.platform.mail.otherwise = { kind: 'refuse', code: 'temporary' };
    scene.querier.vector('up', HOST('a'));
    await scene.slots(2);
    scene.querier.vector('up');
    await scene.platform.clock.advance(86_400_000 + 120_000);
    expect(scene.platform.log.find('is given up').length).toBeGreaterThanOrEqual(1);
  });

  test('a disk that fails keeps nobody from being told, and says so', async () => {
    const scene = await sceneWith(SIMPLE);
    scene.platform.files.failEvery('append', 'no-space');
    scene.querier.vector('up', HOST('a'));
    await scene.slots(3);
    expect(scene.subjects).toEqual(['[FIRING:1] A (a)']);
    expect(scene.platform.log.find('alert state cannot be written')).toHaveLength(1);
    expect(
      scene.platform.telemetry.total('nephoscope_alerter_journal_failures_total'),
    ).toBeGreaterThan(0);
    scene.platform.files.heal();
    scene.querier.vector('up', HOST('a'), HOST('b'));
    await scene.slots(3);
    expect(scene.platform.log.find('reaches the disk again')).toHaveLength(1);
    await scene.crash(1000, 'power-cut');
    await scene.slots(5);
    expect(scene.subjects).toEqual(['[FIRING:1] A (a)', '[FIRING:1] A (b)']);
  });

  test('a message that had to be sent without the disk is, after a crash, sent again as the same one', async () => {
    const scene = await sceneWith(SIMPLE);
    scene.querier.vector('up', HOST('a'));
    await scene.platform.clock.advanceUntil(() => scene.states.length === 1, 60_000);
    await scene.platform.clock.advance(10);
    scene.platform.files.failEvery('append', 'io-error');
    await scene.slots(2);
    expect(scene.subjects).toHaveLength(1);
    expect(scene.platform.log.find('sent without being on the disk')).toHaveLength(1);
    await scene.crash(1000, 'power-cut');
    await scene.slots(3);
    expect(scene.subjects).toHaveLength(2);
    expect(new Set(idsOf(scene)).size).toBe(1);
  });
});

describe('what a mail says', () => {
  const alert: OfferedAlert = {
    fingerprint: '0',
    labels: labelsFrom({ alertname: 'A' }),
    annotations: {},
    status: 'firing',
    startsAtMs: 1_700_000_000_000,
    endsAtMs: 1_700_000_060_000,
    value: 1,
    generatorUrl: 'http://x/graph',
  };

  test('several alerts: names, and what all have in common', () => {
    const of = (
      alertname: string,
      labels: Record<string, string>,
      status: 'firing' | 'resolved' = 'firing',
    ) => ({
      ...alert,
      status,
      labels: labelsFrom({ alertname, ...labels }),
    });
    const subject = (...alerts: readonly OfferedAlert[]) => mailText(alerts, 'http://x').subject;
    expect(subject(of('A', { host: 'h', n: '1' }), of('B', { host: 'h', n: '2' }))).toBe(
      '[FIRING:2] A, B (h)',
    );
    expect(subject(of('A', { n: '1' }), of('A', { n: '2' }, 'resolved'))).toBe('[FIRING:1] A');
    expect(subject(of('A', {}, 'resolved'))).toBe('[RESOLVED] A');
    expect(subject(...['A', 'B', 'C', 'D', 'E'].map((name) => of(name, {})))).toBe(
      '[FIRING:5] A, B, C and 2 more',
    );
  });

  test('no value ends a header, opens a tag or makes the message endless', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom('a', 'b', 'c'),
          fc.string({ unit: 'binary', maxLength: 300 }),
        ),
        fc.string({ unit: 'binary' }),
        (values, name) => {
          const hostile = {
            ...alert,
            labels: labelsFrom({ alertname: `${name}\r\nBcc: evil@example.org`, ...values }),
            annotations: { ...values, big: '<script>'.repeat(5000) },
          };
          const { subject, text, html } = mailText([hostile], 'http://x');
          expect(subject).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
          expect(subject.length).toBeLessThanOrEqual(200);
          expect(html).not.toContain('<script');
          expect(text.length + html.length).toBeLessThan(100_000);
        },
      ),
    );
  });

  test.each([
    'a@b.c\r\nBcc: x@y.z',
    'a@b.c, x@y.z',
    'A <a@b.c>',
    '',
    'a',
    '@b',
    'a@',
    'a b@c.d',
    'a@b..c',
    '"a"@b.c',
    'a@b.c;x',
    `${'a'.repeat(300)}@b.c`,
  ])('the address %j is refused', (address) => {
    expect(() => checkAddresses('a@b.c', [address])).toThrow(/not a plain mail address/);
    expect(() => checkAddresses(address, ['a@b.c'])).toThrow(/the sender/);
  });

  test('plain addresses are taken', () => {
    checkAddresses('root@localhost', [
      'a.b+c@example.org',
      "o'neil@mail-1.example",
      'x@[127.0.0.1]',
    ]);
    expect(() => checkAddresses('a@b.c', [])).toThrow('give 1 to');
  });
});
