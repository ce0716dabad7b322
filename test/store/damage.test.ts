import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../platform/random.ts';
import { formatBytes } from '../../store/embedded/format-file.ts';
import { simulatedPlatform } from '../simulation/simulated-platform.ts';
import type { SimulatedPlatform } from '../simulation/simulated-platform.ts';
import { DIRECTORY, Ledger, batchOf, liveThrough, openSmall, readAll, row } from './scenario.ts';

type Content = ReadonlyMap<string, Uint8Array>;

async function contentOf({ files }: SimulatedPlatform): Promise<Content> {
  const content = new Map<string, Uint8Array>();
  for (const name of await files.list(DIRECTORY)) {
    content.set(name, await files.readAll(`${DIRECTORY}/${name}`, 1e9));
  }
  return content;
}

/** A new machine with these files in its store. */
async function machineWith(content: Content): Promise<SimulatedPlatform> {
  const platform = simulatedPlatform(1);
  await platform.files.makeDirectory(DIRECTORY);
  for (const [name, bytes] of content) {
    const file = await platform.files.open(`${DIRECTORY}/${name}`, 'create');
    await file.append(bytes);
    await file.close();
  }
  await platform.clock.advance(100_000);
  return platform;
}

/** Only the journal: three appends, each a record of samples. */
async function journalOf(): Promise<{ content: Content; name: string; ledger: Ledger }> {
  const platform = simulatedPlatform(1);
  const store = await openSmall(platform, { tuning: { segmentBytesMax: 1e6 } });
  const ledger = new Ledger();
  for (let i = 0; i < 5; i++) {
    const rows = [0, 1, 2].map((n) => row(`s${n}`, platform.clock.now() + i, i * 10 + n));
    ledger.sent(rows);
    await store.append(batchOf(rows));
  }
  await store.close();
  const content = await contentOf(platform);
  return { content, name: [...content.keys()].find((name) => name.startsWith('journal'))!, ledger };
}

/** Blocks and a journal behind them. */
async function livedIn(): Promise<{ content: Content; ledger: Ledger }> {
  const platform = simulatedPlatform(3);
  const ledger = new Ledger();
  const store = await liveThrough(platform, ledger);
  await store!.close();
  return { content: await contentOf(platform), ledger };
}

async function samplesIn(platform: SimulatedPlatform): Promise<number> {
  const store = await openSmall(platform);
  const answer = await readAll(store);
  await store.close();
  return answer.reduce((sum, { times }) => sum + times.length, 0);
}

describe('the journal, cut at any byte', () => {
  const tails: readonly (readonly [string, (rest: Uint8Array) => Uint8Array])[] = [
    ['nothing', () => new Uint8Array(0)],
    ['zeros', (rest) => new Uint8Array(rest.length)],
    ['garbage', (rest) => seededRandom(rest.length).bytes(rest.length)],
  ];
  test.each(tails)(
    'with %s after it keeps all whole records',
    async (_, tail) => {
      const { content, name, ledger } = await journalOf();
      const bytes = content.get(name)!;
      let most = 0;
      for (let cut = 0; cut <= bytes.length; cut++) {
        const torn = new Uint8Array([...bytes.subarray(0, cut), ...tail(bytes.subarray(cut))]);
        const platform = await machineWith(new Map([...content, [name, torn]]));
        const store = await openSmall(platform);
        const answer = await readAll(store);
        expect(ledger.breaches(answer), `cut at ${cut}`).toEqual([]);
        const count = answer.reduce((sum, { times }) => sum + times.length, 0);
        // Records come back whole, and a longer prefix never gives less.
        expect(count % 3).toBe(0);
        expect(count).toBeGreaterThanOrEqual(most);
        most = count;
        // Life goes on behind the tear, and it does not come back.
        const at = platform.clock.now();
        expect((await store.append(batchOf([row('new', at, 1)]))).stored).toBe(1);
        await store.close();
        expect(await samplesIn(platform)).toBe(count + 1);
      }
      expect(most).toBe(15);
    },
    60_000,
  );

  test('says so in the log, once', async () => {
    const { content, name } = await journalOf();
    const torn = content.get(name)!.subarray(0, -1);
    const platform = await machineWith(new Map([...content, [name, torn]]));
    await (await openSmall(platform)).close();
    await (await openSmall(platform)).close();
    const warnings = platform.log.lines.filter(({ level }) => level === 'warn');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]!.message).toContain('ends in the middle of a record');
  });

  test('with a stale record of another segment behind it does not take that for its own', async () => {
    const { content, name } = await journalOf();
    const bytes = content.get(name)!;
    const doubled = new Uint8Array([...bytes, ...bytes.subarray(16)]);
    const platform = await machineWith(new Map([...content, [name, doubled]]));
    expect(await samplesIn(platform)).toBe(15);
  });
});

describe('a flipped bit', () => {
  test('anywhere in the journal is found, costs one record, and never the start', async () => {
    const { content, name, ledger } = await journalOf();
    const bytes = content.get(name)!;
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1 << (at % 8);
      const platform = await machineWith(new Map([...content, [name, damaged]]));
      const store = await openSmall(platform);
      const answer = await readAll(store);
      const wrong = ledger.breaches(answer).filter((breach) => !breach.startsWith('lost'));
      expect(wrong, `byte ${at}`).toEqual([]);
      const count = answer.reduce((sum, { times }) => sum + times.length, 0);
      const told = platform.log.lines.filter(({ level }) => level === 'error' || level === 'warn');
      expect(told.length, `byte ${at}`).toBeGreaterThan(0);
      // The definitions of all three series stand in one record: without it, nothing has a name.
      if (count > 0) expect(count, `byte ${at}`).toBeGreaterThanOrEqual(12);
      await store.close();
    }
  }, 60_000);

  test('anywhere in a block is found and gives no wrong value', async () => {
    const { content, ledger } = await livedIn();
    const blocks = [...content].filter(([name]) => name.startsWith('block'));
    let bytesTried = 0;
    for (const [name, bytes] of blocks) {
      for (let at = 0; at < bytes.length; at++) {
        const damaged = bytes.slice();
        damaged[at]! ^= 1 << (at % 8);
        const platform = await machineWith(new Map([...content, [name, damaged]]));
        const store = await openSmall(platform);
        const breaches = ledger.breaches(await readAll(store));
        expect(breaches.length, `${name}, byte ${at}`).toBeGreaterThan(0);
        expect(breaches.filter((breach) => !breach.startsWith('lost'))).toEqual([]);
        expect(platform.log.lines.some(({ level }) => level === 'error')).toBe(true);
        await store.close();
        bytesTried++;
      }
    }
    expect(bytesTried).toBeGreaterThan(500);
  }, 60_000);

  test('anywhere in any file gives no wrong value and no failed start', async () => {
    const { content, ledger } = await livedIn();
    const files = [...content.keys()];
    expect(files.filter((name) => name.startsWith('block')).length).toBeGreaterThan(0);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.constantFrom<'flip' | 'zero-sector' | 'empty'>('flip', 'zero-sector', 'empty'),
        async (name, place, kind) => {
          const damaged = content.get(name)!.slice();
          const at = Math.floor(place * damaged.length);
          if (kind === 'flip') damaged[at]! ^= 1 << (at % 8);
          else damaged.fill(0, at - (at % 512), at - (at % 512) + 512);
          const bytes = kind === 'empty' ? new Uint8Array(0) : damaged;
          const platform = await machineWith(new Map([...content, [name, bytes]]));
          const store = await openSmall(platform);
          const breaches = ledger.breaches(await readAll(store));
          expect(breaches.filter((breach) => !breach.startsWith('lost'))).toEqual([]);
          if (breaches.length > 0 && !(kind === 'empty' && name.startsWith('journal'))) {
            const told = platform.log.lines.some(
              ({ level }) => level === 'error' || level === 'warn',
            );
            expect(told).toBe(true);
          }
          const at2 = platform.clock.now();
          expect((await store.append(batchOf([row('new', at2, 1)]))).stored).toBe(1);
          await store.close();
        },
      ),
      { numRuns: 300 },
    );
  }, 60_000);
});

describe('files of other versions', () => {
  test('a newer format of the directory is refused with what to do', async () => {
    const { content } = await journalOf();
    const platform = await machineWith(new Map([...content, ['FORMAT', formatBytes(2)]]));
    await expect(openSmall(platform)).rejects.toMatchObject({ code: 'newer-format' });
    // The lock is free again.
    await platform.files.remove(`${DIRECTORY}/FORMAT`);
    await (await openSmall(platform)).close();
  });

  test('a damaged block is set aside, and what it is called stays taken', async () => {
    const { content } = await livedIn();
    const name = [...content.keys()].find((one) => one.startsWith('block'))!;
    const platform = await machineWith(new Map([...content, [name, new Uint8Array(100)]]));
    const store = await openSmall(platform);
    expect(await platform.files.list(DIRECTORY)).toContain(`${name}.damaged`);
    expect(platform.log.lines.some(({ message }) => message.includes('set aside'))).toBe(true);
    await store.close();
  });
});
