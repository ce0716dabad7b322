import { describe, expect, test } from 'vitest';
import { metric } from '../../model/labels.ts';
import { simulatedPlatform } from '../simulation/simulated-platform.ts';
import type { SimulatedPlatform } from '../simulation/simulated-platform.ts';
import {
  DIRECTORY,
  Ledger,
  batchOf,
  liveThrough,
  openSmall,
  outcomeOf,
  readAll,
  row,
} from './scenario.ts';
import type { FileFault } from '../simulation/simulated-files.ts';

async function reopened(platform: SimulatedPlatform, ledger: Ledger, what: string): Promise<void> {
  const next = platform.restart('power-cut');
  const opening = await outcomeOf(openSmall(next), next);
  expect(opening, what).toMatchObject({ kind: 'done' });
  if (opening.kind !== 'done') return;
  expect(ledger.breaches(await readAll(opening.value)), what).toEqual([]);
  await opening.value.close();
}

describe('a disk that fails once', () => {
  const faults: readonly FileFault[] = [
    { kind: 'fail', code: 'io-error' },
    { kind: 'fail', code: 'no-space' },
    { kind: 'short-write', code: 'no-space' },
  ];
  test.each(faults)(
    'at any call ($kind, $code) costs no acknowledged sample',
    async (fault) => {
      const quiet = simulatedPlatform(1);
      await (await liveThrough(quiet, new Ledger()))!.close();
      const calls = quiet.files.callCount();
      for (let call = 1; call <= calls; call++) {
        const platform = simulatedPlatform(5000 + call);
        const ledger = new Ledger();
        platform.files.failCall(call, fault);
        const store = await liveThrough(platform, ledger);
        // A fault that is still ahead would meet the checks below.
        platform.files.heal();
        if (store) {
          expect(ledger.breaches(await readAll(store)), `call ${call}`).toEqual([]);
          // It has recovered by itself.
          await platform.clock.advance(5000);
          const rows = [row('afterwards', platform.clock.now(), 1)];
          ledger.sent(rows);
          const outcome = await outcomeOf(store.append(batchOf(rows)), platform);
          expect(outcome, `call ${call}`).toMatchObject({ kind: 'done' });
          if (outcome.kind === 'done') ledger.stored(rows, outcome.value);
          expect(ledger.acknowledged).toBeGreaterThan(100);
        }
        await reopened(platform, ledger, `call ${call}, after a power cut`);
      }
    },
    120_000,
  );
});

describe('a sync that fails', () => {
  test('fails the appends that wait for it, and the samples are in no copy later', async () => {
    const platform = simulatedPlatform(7);
    const store = await openSmall(platform);
    const at = platform.clock.now();
    await store.append(batchOf([row('a', at, 1)]));
    platform.files.failCall(1, { kind: 'fail', code: 'io-error' }, 'dataSync');
    const failing = store.append(batchOf([row('a', at + 1, 2), row('b', at, 3)]));
    await expect(failing).rejects.toMatchObject({ name: 'StoreFailure', code: 'disk-failed' });
    expect(await readAll(store)).toHaveLength(1);
    // Another value for the same time is the first one that counts.
    expect((await store.append(batchOf([row('a', at + 1, 22)]))).stored).toBe(1);
    const ledger = new Ledger();
    ledger.sent([row('a', at, 1), row('a', at + 1, 22)]);
    expect(ledger.breaches(await readAll(store))).toEqual([]);
    for (let times = 0; times < 3; times++) {
      const next = platform.restart(times === 0 ? 'kill' : 'power-cut');
      const again = await openSmall(next);
      expect(ledger.breaches(await readAll(again))).toEqual([]);
      await again.close();
    }
  });

  test('is never asked of the same file again', async () => {
    const platform = simulatedPlatform(8);
    const store = await openSmall(platform);
    const at = platform.clock.now();
    await store.append(batchOf([row('a', at, 1)]));
    const before = (await platform.files.list(DIRECTORY)).filter((name) =>
      name.startsWith('journal'),
    );
    platform.files.failCall(1, { kind: 'fail', code: 'io-error' }, 'dataSync');
    await expect(store.append(batchOf([row('a', at + 1, 2)]))).rejects.toMatchObject({
      code: 'disk-failed',
    });
    await store.append(batchOf([row('a', at + 1, 2)]));
    const after = (await platform.files.list(DIRECTORY)).filter((name) =>
      name.startsWith('journal'),
    );
    expect(after).toHaveLength(before.length + 1);
    await store.close();
  });
});

describe('a disk that is full', () => {
  test('fails appends clearly, and they resume when there is room', async () => {
    const platform = simulatedPlatform(9);
    const store = await openSmall(platform);
    const ledger = new Ledger();
    const append = async (i: number): Promise<unknown> => {
      const rows = [row('a', platform.clock.now() + i, i), row('b', platform.clock.now() + i, i)];
      ledger.sent(rows);
      const outcome = await outcomeOf(store.append(batchOf(rows)), platform);
      if (outcome.kind === 'done') ledger.stored(rows, outcome.value);
      return outcome.kind === 'failed' ? outcome.error : outcome.kind;
    };
    expect(await append(1)).toBe('done');
    platform.files.disk.capacityBytes = platform.files.disk.usedBytes + 20;
    for (let i = 2; i < 20; i++) {
      expect(await append(i)).toMatchObject({ code: 'disk-full' });
      // What is readable is what was acknowledged.
      expect(ledger.breaches(await readAll(store))).toEqual([]);
    }
    platform.files.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
    await platform.clock.advance(2000);
    expect(await append(30)).toBe('done');
    expect(ledger.acknowledged).toBe(4);
    await reopened(platform, ledger, 'afterwards');
  });

  test('stops a flush without loss; memory stays bounded', async () => {
    const platform = simulatedPlatform(10);
    const store = await openSmall(platform);
    const ledger = new Ledger();
    platform.files.failEvery('rename', 'no-space');
    const errors = new Set<unknown>();
    for (let i = 0; i < 300; i++) {
      const rows = [row('a', platform.clock.now() + i, i)];
      ledger.sent(rows);
      const outcome = await outcomeOf(store.append(batchOf(rows)), platform);
      if (outcome.kind === 'done') ledger.stored(rows, outcome.value);
      if (outcome.kind === 'failed') errors.add((outcome.error as { code: string }).code);
    }
    expect(errors).toEqual(new Set(['disk-full']));
    // A frozen head of 40, and a new one of twice that.
    expect(ledger.acknowledged).toBe(120);
    expect(store.stats().blocks).toBe(0);
    platform.files.heal();
    await platform.clock.advance(120_000);
    expect((await store.append(batchOf([row('b', platform.clock.now(), 1)]))).stored).toBe(1);
    ledger.sent([row('b', platform.clock.now(), 1)]);
    expect(store.stats().blocks).toBeGreaterThan(0);
    expect(ledger.breaches(await readAll(store))).toEqual([]);
    await reopened(platform, ledger, 'afterwards');
  });
});

describe('a start on a full disk', () => {
  test('reads everything back, more than one head of it, and writes it later', async () => {
    const platform = simulatedPlatform(15);
    const first = await openSmall(platform, { tuning: { headSamplesMax: 1000 } });
    const ledger = new Ledger();
    for (let i = 0; i < 20; i++) {
      const rows = [0, 1, 2, 3, 4].map((n) => row(`s${n}`, platform.clock.now() + i, i));
      ledger.sent(rows);
      ledger.stored(rows, await first.append(batchOf(rows)));
    }
    await first.close();
    platform.files.failEvery('append', 'no-space');
    const second = await openSmall(platform);
    expect(ledger.breaches(await readAll(second))).toEqual([]);
    expect(second.stats().blocks).toBe(0);
    const refused = second.append(batchOf([row('s0', platform.clock.now() + 50, 1)]));
    await expect(refused).rejects.toMatchObject({ code: 'disk-full' });
    platform.files.heal();
    await platform.clock.advance(60_000);
    expect(second.stats().blocks).toBeGreaterThan(0);
    expect(ledger.breaches(await readAll(second))).toEqual([]);
    await reopened(platform, ledger, 'afterwards');
  });
});

describe('limits', () => {
  test('a second process is told who has the directory', async () => {
    const platform = simulatedPlatform(11);
    const store = await openSmall(platform);
    await expect(openSmall(platform.beside())).rejects.toMatchObject({ code: 'in-use' });
    await store.close();
    await (await openSmall(platform.beside())).close();
  });

  test('appends beyond the queue are refused at once', async () => {
    const platform = simulatedPlatform(12, { diskLatencyMs: () => 10 });
    const store = await platform.clock.complete(
      openSmall(platform, { tuning: { queueRowsMax: 10 } }),
    );
    const rows = Array.from({ length: 6 }, (_, i) => row(`a${i}`, platform.clock.now(), i));
    const appends = [1, 2, 3].map((plus) =>
      outcomeOf(
        store.append(batchOf(rows.map((one) => ({ ...one, timeMs: one.timeMs + plus })))),
        platform,
      ),
    );
    expect(await appends[1]).toMatchObject({ kind: 'failed', error: { code: 'overloaded' } });
    expect(await appends[2]).toMatchObject({ kind: 'failed', error: { code: 'overloaded' } });
    await platform.clock.advance(1000);
    expect((await readAll(store)).length).toBe(6);
    await platform.clock.complete(store.close());
  });

  test('one sync serves all appends that waited for it', async () => {
    const platform = simulatedPlatform(13, { diskLatencyMs: () => 5 });
    const store = await platform.clock.complete(openSmall(platform));
    const append = (i: number): Promise<unknown> =>
      store.append(batchOf([row('a', platform.clock.now() - 100 + i, i)]));
    const first = append(0);
    await platform.clock.advance(1);
    const others = Array.from({ length: 20 }, (_, i) => append(i + 1));
    const before = platform.files.callCount('dataSync');
    await platform.clock.complete(Promise.all([first, ...others]));
    expect(platform.files.callCount('dataSync') - before).toBeLessThanOrEqual(2);
    await platform.clock.complete(store.close());
  });

  test('labels that no file could keep are refused', async () => {
    const platform = simulatedPlatform(14);
    const store = await openSmall(platform);
    const at = platform.clock.now();
    const outcome = await store.append(
      batchOf([
        { labels: metric('a', { b: '\ud800' }), timeMs: at, value: 1 },
        { labels: metric('a', { b: 'x'.repeat(600_000) }), timeMs: at, value: 1 },
        { labels: metric('a', { b: 'c' }), timeMs: at, value: 1 },
      ]),
    );
    expect(outcome.stored).toBe(1);
    expect(outcome.refused.map(({ reason }) => reason).sort()).toEqual([
      'bad-label-value',
      'label-value-too-long',
    ]);
    await store.close();
  });
});
