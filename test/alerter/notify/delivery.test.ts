import { afterEach, describe, expect, test, vi } from 'vitest';
import { REFUSED_AGAIN_MS } from '../../../alerter/notify/announcer.ts';
import { Delivery } from '../../../alerter/notify/delivery.ts';
import { Journal } from '../../../alerter/state/journal.ts';
import type { AlerterRecord } from '../../../alerter/state/records.ts';
import { simulatedPlatform } from '../../simulation/simulated-platform.ts';
import { Scene, sceneWith } from '../scene.ts';

const SIMPLE = `
- alert: A
  expr: up
`;
const HOST = (name: string) => [{ __name__: 'up', instance: name }, 1] as const;

afterEach(() => vi.restoreAllMocks());

describe('the loop that sends', () => {
  test('its pauses leave nothing behind at the signal that ends it', async () => {
    // On Node 20 what AbortSignal.any registers at a long-lived signal stays there for good.
    const any = vi.spyOn(AbortSignal, 'any');
    const added = vi.spyOn(AbortSignal.prototype, 'addEventListener');
    const removed = vi.spyOn(AbortSignal.prototype, 'removeEventListener');
    const scene = await sceneWith(SIMPLE);
    scene.platform.mail.otherwise = { kind: 'refuse', code: 'unreachable' };
    scene.querier.vector('up', HOST('a'));
    await scene.slots(40);
    expect(scene.platform.mail.attempts).toBeGreaterThan(10);
    expect(any.mock.calls).toHaveLength(0);
    const held = new Map<unknown, number>();
    for (const signal of added.mock.contexts) held.set(signal, (held.get(signal) ?? 0) + 1);
    for (const signal of removed.mock.contexts) held.set(signal, (held.get(signal) ?? 0) - 1);
    expect(Math.max(...held.values())).toBeLessThan(10);
    scene.platform.mail.otherwise = { kind: 'never-answer' };
    await scene.slots(4);
    await scene.platform.clock.complete(scene.alerter.stop());
    expect(scene.platform.clock.pendingWakes).toBe(0);
  });
});

describe('a message is on the disk before it is sent', () => {
  const message = (id: string): AlerterRecord => ({
    kind: 'message',
    message: { id, createdMs: 1_700_000_000_000, subject: id, text: '', html: '' },
    announced: [],
  });

  /** Delivery over a disk whose next syncs take as long as `slow.ms` says. */
  async function overSlowDisk(slow: { ms: number }) {
    const platform = simulatedPlatform(1, {
      diskLatencyMs: (operation) => (operation === 'dataSync' ? slow.ms : 0),
    });
    const { clock, mail, random, log, telemetry } = platform;
    const journal = await clock.complete(Journal.open('/data/alerter', platform));
    const options = new Scene().options.mail!;
    const delivery = new Delivery(options, { journal, mail, clock, random, log, telemetry });
    delivery.start();
    return { platform, journal, delivery };
  }

  test('even when something else wakes the loop while the disk is slow', async () => {
    const slow = { ms: 0 };
    const { platform, journal, delivery } = await overSlowDisk(slow);
    const { clock, mail } = platform;
    slow.ms = 3000;
    void journal.commit([message('<a@b>')]);
    delivery.wake();
    await clock.advance(2900);
    expect(mail.attempts).toBe(0);
    await clock.advance(200);
    delivery.wake();
    await clock.advance(0);
    expect(mail.delivered.map(({ message: { subject } }) => subject)).toEqual(['<a@b>']);
    const after = platform.restart('power-cut');
    const { outbox } = (await clock.complete(Journal.open('/data/alerter', after))).state;
    expect([...outbox.keys()]).toEqual(['<a@b>']);
  });

  test.each([
    ['does not answer', 5000],
    ['fails', 0],
  ])('a disk that %s holds it up for %i ms and no longer', async (kind, waitMs) => {
    const slow = { ms: 0 };
    const { platform, journal, delivery } = await overSlowDisk(slow);
    const { clock, mail, files } = platform;
    if (kind === 'fails') files.failEvery('append', 'io-error');
    else slow.ms = 3_600_000;
    const commit = journal.commit([message('<a@b>')]);
    delivery.wake();
    await clock.advance(Math.max(waitMs - 1, 0));
    if (waitMs > 0) expect(mail.attempts).toBe(0);
    await clock.advance(2);
    expect(await commit).toBe(false);
    delivery.wake();
    await clock.advance(0);
    expect(mail.attempts).toBe(1);
  });

  test('what the last process left is sent without waiting for anything', async () => {
    const { platform, journal } = await overSlowDisk({ ms: 0 });
    const { clock } = platform;
    expect(await clock.complete(journal.commit([message('<a@b>')]))).toBe(true);
    const after = platform.restart('power-cut');
    const next = await clock.complete(Journal.open('/data/alerter', after));
    expect([...next.sendable()].map(({ id }) => id)).toEqual(['<a@b>']);
  });
});

const FAILED = 'nephoscope_alerter_notifications_failed_total';

describe('a server that will not have us', () => {
  test('is tried again until it does, loudly, and no page is lost', async () => {
    const scene = await sceneWith(SIMPLE);
    const { mail, log, telemetry } = scene.platform;
    mail.otherwise = { kind: 'refuse', code: 'session-refused' };
    scene.querier.vector('up', HOST('a'));
    await scene.slots(240);
    // At most one attempt for each three quarters of a minute's backoff, less its jitter.
    expect(mail.attempts).toBeGreaterThan(40);
    expect(mail.attempts).toBeLessThan(200);
    expect(log.find('error').length).toBe(mail.attempts);
    expect(log.find('does not let us send')[0]).toMatchObject({ level: 'error' });
    expect(telemetry.value(FAILED, { receiver: 'mail', reason: 'session' })).toBe(mail.attempts);
    mail.otherwise = { kind: 'accept' };
    await scene.platform.clock.advance(60_000);
    expect(scene.subjects).toEqual(['[FIRING:1] A (a)']);
  });

  test('is given up after a day, and then the alert counts as not told', async () => {
    const mail = { ...new Scene().options.mail!, repeatIntervalMs: 1e12 };
    const scene = await sceneWith(SIMPLE, { mail });
    scene.platform.mail.otherwise = { kind: 'refuse', code: 'session-refused' };
    scene.querier.vector('up', HOST('a'));
    await scene.platform.clock.advance(86_400_000 + 120_000);
    expect(scene.platform.log.find('is given up').length).toBe(1);
    scene.platform.mail.otherwise = { kind: 'accept' };
    await scene.platform.clock.advance(600_000);
    expect(scene.subjects).toEqual(['[FIRING:1] A (a)']);
    expect(scene.platform.mail.delivered[0]!.message.text).not.toContain('Late:');
  });
});

describe('a message that is refused for good', () => {
  test('is logged as an error, counted, holds nothing up, and its alerts are told anew', async () => {
    const scene = await sceneWith(SIMPLE);
    const { mail, log, telemetry, clock } = scene.platform;
    mail.script({ kind: 'refuse', code: 'permanent' });
    scene.querier.vector('up', HOST('a'));
    await scene.slots(3);
    expect([mail.attempts, scene.subjects]).toEqual([1, []]);
    expect(log.find('refused for good')).toMatchObject([{ level: 'error', component: 'alerter' }]);
    expect(telemetry.value(FAILED, { receiver: 'mail', reason: 'permanent' })).toBe(1);
    expect(telemetry.value('nephoscope_alerter_notifications_queued')).toBe(0);
    scene.querier.vector('up', HOST('a'), HOST('b'));
    await scene.slots(3);
    expect(scene.subjects).toEqual(['[FIRING:1] A (b)']);
    await clock.advance(REFUSED_AGAIN_MS + 120_000);
    expect(scene.subjects).toEqual(['[FIRING:1] A (b)', '[FIRING:1] A (a)']);
    // From then on the usual interval counts.
    await scene.slots(100);
    expect(scene.subjects).toHaveLength(2);
  });

  test('again and again makes a new message now and then, across crashes, each under its own identity', async () => {
    const scene = await sceneWith(SIMPLE);
    const ids: string[] = [];
    const { mail } = scene.platform;
    const send = mail.send.bind(mail);
    vi.spyOn(mail, 'send').mockImplementation((message, ...more) => {
      ids.push(message.headers['Message-ID']!);
      return send(message, ...more);
    });
    mail.otherwise = { kind: 'refuse', code: 'permanent' };
    scene.querier.vector('up', HOST('a'));
    for (let i = 0; i < 12; i++) {
      await scene.platform.clock.advance(300_000);
      await scene.crash(1000, i % 2 ? 'kill' : 'power-cut');
    }
    expect(mail.attempts).toBeGreaterThan(7);
    expect(mail.attempts).toBeLessThanOrEqual(13);
    expect(new Set(ids).size).toBe(ids.length);
    mail.otherwise = { kind: 'accept' };
    await scene.platform.clock.advance(REFUSED_AGAIN_MS + 120_000);
    expect(scene.subjects).toEqual(['[FIRING:1] A (a)']);
  });

  test('about an end tells the end again', async () => {
    const scene = await sceneWith(SIMPLE);
    const { mail, clock } = scene.platform;
    scene.querier.vector('up', HOST('a'));
    await scene.slots(3);
    mail.script({ kind: 'refuse', code: 'permanent' });
    scene.querier.vector('up');
    await scene.slots(3);
    expect(scene.subjects).toEqual(['[FIRING:1] A (a)']);
    await clock.advance(REFUSED_AGAIN_MS + 120_000);
    expect(scene.subjects).toEqual(['[FIRING:1] A (a)', '[RESOLVED] A (a)']);
    await clock.advance(3_600_000);
    expect(scene.subjects).toHaveLength(2);
  });

  test('about an alert that ended meanwhile tells that it did fire', async () => {
    const mail = { ...new Scene().options.mail!, sendResolved: false };
    const scene = await sceneWith(SIMPLE, { mail });
    scene.platform.mail.script({ kind: 'refuse', code: 'permanent' });
    scene.querier.vector('up', HOST('a'));
    await scene.slots(3);
    scene.querier.vector('up');
    await scene.platform.clock.advance(1_800_000);
    expect(scene.subjects).toEqual(['[RESOLVED] A (a)']);
  });

  test('takes back what it told and nothing that a later message told', async () => {
    const mail = { ...new Scene().options.mail!, repeatIntervalMs: 600_000 };
    const scene = await sceneWith(SIMPLE, { mail });
    const transport = scene.platform.mail;
    const send = transport.send.bind(transport);
    const ids = new Set<string>();
    let isBack = false;
    vi.spyOn(transport, 'send').mockImplementation((message, ...more) => {
      ids.add(message.headers['Message-ID']!);
      const isFirst = message.headers['Message-ID'] === [...ids][0];
      if (!isBack) transport.script({ kind: 'refuse', code: 'temporary' });
      else if (isFirst) transport.script({ kind: 'refuse', code: 'permanent' });
      return send(message, ...more);
    });
    scene.querier.vector('up', HOST('a'));
    await scene.platform.clock.advance(780_000);
    expect(ids.size).toBe(2);
    isBack = true;
    await scene.platform.clock.advance(REFUSED_AGAIN_MS + 120_000);
    expect(scene.subjects).toEqual(['[FIRING:1] A (a)']);
    expect(transport.delivered[0]!.message.headers['Message-ID']).toBe([...ids][1]);
  });
});

describe('recipients of one message', () => {
  const [ANN, BOB, EVE] = ['ann@x.org', 'bob@x.org', 'eve@x.org'] as const;
  const REFUSED = 'nephoscope_alerter_recipients_refused_total';
  const told = (scene: Scene) =>
    scene.platform.mail.delivered.map(({ message }) => (message.recipients ?? message.to).join());
  const idsOf = (scene: Scene) =>
    new Set(scene.platform.mail.delivered.map(({ message }) => message.headers['Message-ID']));

  async function sceneTo(...to: readonly string[]): Promise<Scene> {
    const scene = await sceneWith(SIMPLE, { mail: { ...new Scene().options.mail!, to } });
    scene.querier.vector('up', HOST('a'));
    return scene;
  }

  test('one who is deferred gets the same message later, alone, and the others get it once', async () => {
    const scene = await sceneTo(ANN, BOB);
    const { mail, telemetry, log } = scene.platform;
    const later = { kind: 'choose', deferred: [BOB] } as const;
    mail.script(later, later, later);
    await scene.slots(8);
    expect(told(scene)).toEqual([`${ANN},${BOB}`, BOB]);
    expect(mail.delivered[1]!.message.to).toEqual([ANN, BOB]);
    expect([mail.attempts, idsOf(scene).size]).toEqual([4, 1]);
    expect(telemetry.total('nephoscope_alerter_notifications_sent_total')).toBe(1);
    expect(telemetry.value(FAILED, { receiver: 'mail', reason: 'temporary' })).toBe(3);
    expect(telemetry.value('nephoscope_alerter_notifications_queued')).toBe(0);
    expect(log.find('will be tried again')[0]!.fields['error']).toBe(`${BOB}: 450 not ${BOB}`);
  });

  test.each(['kill', 'power-cut'] as const)('a crash (%s) remembers who has it', async (kind) => {
    const scene = await sceneTo(ANN, BOB, EVE);
    const { mail } = scene.platform;
    mail.script({ kind: 'choose', deferred: [BOB, EVE] });
    mail.otherwise = { kind: 'refuse', code: 'unreachable' };
    await scene.slots(4);
    // Twice, because a start writes the file anew.
    await scene.crash(1000, kind);
    await scene.slots();
    await scene.crash(1000, kind);
    mail.otherwise = { kind: 'accept' };
    await scene.platform.clock.advance(60_000);
    expect(told(scene)).toEqual([`${ANN},${BOB},${EVE}`, `${BOB},${EVE}`]);
    expect(idsOf(scene).size).toBe(1);
  });

  test('one who is no longer configured is not waited for', async () => {
    const scene = await sceneTo(ANN, BOB);
    const { mail } = scene.platform;
    mail.otherwise = { kind: 'choose', deferred: [BOB] };
    await scene.slots(4);
    const without = new Scene({ ...scene.options, mail: { ...scene.options.mail!, to: [ANN] } });
    without.platform = scene.platform.restart('kill');
    without.querier.vector('up', HOST('a'));
    const before = mail.attempts;
    await without.start();
    await without.slots(4);
    expect(mail.attempts).toBe(before);
    expect(without.platform.telemetry.value('nephoscope_alerter_notifications_queued')).toBe(0);
  });

  test('one who is refused is said and counted; the alert counts as told by the others', async () => {
    const scene = await sceneTo(ANN, BOB);
    const { mail, telemetry, log, clock } = scene.platform;
    mail.otherwise = { kind: 'choose', refused: [BOB] };
    await clock.advance(1_800_000);
    expect([mail.attempts, told(scene)]).toEqual([1, [`${ANN},${BOB}`]]);
    expect(telemetry.value(REFUSED, { receiver: 'mail' })).toBe(1);
    expect(log.find('does not take mail for')).toMatchObject([
      { level: 'error', fields: { error: `${BOB}: 550 not ${BOB}` } },
    ]);
  });

  test('when all are refused, one after the other, the alert counts as not told', async () => {
    const scene = await sceneTo(ANN, BOB);
    const { mail, log, telemetry } = scene.platform;
    mail.script(
      { kind: 'choose', refused: [ANN], deferred: [BOB] },
      { kind: 'choose', refused: [BOB] },
    );
    await scene.slots(6);
    expect([mail.attempts, told(scene)]).toEqual([2, []]);
    expect(telemetry.value(REFUSED, { receiver: 'mail' })).toBe(2);
    expect(telemetry.value(FAILED, { receiver: 'mail', reason: 'permanent' })).toBe(1);
    expect(log.find('refused for good')).toHaveLength(1);
    await scene.platform.clock.advance(REFUSED_AGAIN_MS + 120_000);
    expect(told(scene)).toEqual([`${ANN},${BOB}`]);
  });

  test('one who is deferred for a day is given up, and those who have it are not told again', async () => {
    const scene = await sceneTo(ANN, BOB);
    const { mail, log } = scene.platform;
    mail.otherwise = { kind: 'choose', deferred: [BOB] };
    await scene.slots(3);
    scene.querier.vector('up');
    await scene.slots(80);
    await scene.platform.clock.advance(86_400_000);
    expect(log.find('is given up').map(({ level }) => level)).toEqual(['error', 'error']);
    const had = told(scene).filter((names) => names.includes(ANN));
    expect(had).toHaveLength(2);
    expect(scene.platform.telemetry.value('nephoscope_alerter_notifications_queued')).toBe(0);
  });
});
