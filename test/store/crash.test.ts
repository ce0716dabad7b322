import { expect, test } from 'vitest';
import { simulatedPlatform } from '../simulation/simulated-platform.ts';
import { Ledger, batchOf, liveThrough, openSmall, outcomeOf, readAll, row } from './scenario.ts';

/** How many calls to the disk the whole scenario makes, when nothing goes wrong. */
async function callsOfScenario(): Promise<number> {
  const platform = simulatedPlatform(1);
  const ledger = new Ledger();
  const store = await liveThrough(platform, ledger);
  expect(store).toBeDefined();
  expect(ledger.breaches(await readAll(store!))).toEqual([]);
  // The sweep is worth something only if the scenario passes through flushes and merges.
  const blocks = platform.log.lines.map(({ message }) => message);
  expect(
    blocks.filter((message) => message.includes('from memory to blocks')).length,
  ).toBeGreaterThan(2);
  expect(blocks).toContain('blocks were merged');
  await store!.close();
  return platform.files.callCount();
}

for (const kind of ['kill', 'power-cut'] as const) {
  test(`a ${kind} at every call to the disk loses nothing that was acknowledged`, async () => {
    const calls = await callsOfScenario();
    for (let call = 1; call <= calls; call++) {
      const platform = simulatedPlatform(1000 + call);
      const ledger = new Ledger();
      platform.files.failCall(call, { kind: 'stop' });
      await liveThrough(platform, ledger);
      // The process after it dies while it recovers, and the one after that lives on.
      const second = platform.restart(kind);
      second.files.failCall(1 + (call % 23), { kind: 'stop' });
      await outcomeOf(openSmall(second), second);
      const third = second.restart(kind);
      const opening = await outcomeOf(openSmall(third), third);
      expect(opening, `call ${call}`).toMatchObject({ kind: 'done' });
      if (opening.kind !== 'done') continue;
      expect(ledger.breaches(await readAll(opening.value)), `call ${call}`).toEqual([]);
      await opening.value.close();
      const survivor = await liveThrough(third, ledger, { rounds: 8, seedValue: 0 });
      expect(ledger.breaches(await readAll(survivor!)), `call ${call}, afterwards`).toEqual([]);
      await survivor!.close();
    }
  }, 120_000);
}

test('what is acknowledged as a repetition outlives a power cut, too', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const platform = simulatedPlatform(seed);
    const rows = [row('a', platform.clock.now(), 1)];
    const first = await openSmall(platform);
    // The process is killed between its write and its sync: only the page cache has the sample.
    platform.files.failCall(1, { kind: 'stop' }, 'dataSync');
    await outcomeOf(first.append(batchOf(rows)), platform);
    const second = platform.restart('kill');
    const reopened = await openSmall(second);
    const ledger = new Ledger();
    ledger.sent(rows);
    ledger.stored(rows, await reopened.append(batchOf(rows)));
    const third = second.restart('power-cut');
    const store = await openSmall(third);
    expect(ledger.breaches(await readAll(store)), `seed ${seed}`).toEqual([]);
    await store.close();
  }
});
