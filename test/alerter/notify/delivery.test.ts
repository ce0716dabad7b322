import { afterEach, describe, expect, test, vi } from 'vitest';
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
