import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { simulatedPlatform } from '../simulation/simulated-platform.ts';
import { appendBody, batchOf, bodyOf, openSmall, readAll, requestOf, row } from './scenario.ts';

const step = fc.array(
  fc.record({
    series: fc.nat(5),
    offsetMs: fc.oneof(fc.nat(40), fc.constantFrom(-90_000_000, 5)),
    value: fc.constantFrom(0, -0, 1, 2.5, Infinity, Number.NaN),
  }),
  { maxLength: 12 },
);

describe('a body of remote write', () => {
  test('stores and answers what the same rows as a batch do', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const [first, second] = [simulatedPlatform(1), simulatedPlatform(1)];
        let bodies = await openSmall(first, { seriesMax: 5 });
        const batches = await openSmall(second, { seriesMax: 5 });
        for (const [i, rows] of steps.entries()) {
          const sent = rows
            .map(({ series, offsetMs, value }) =>
              row(`series_${series}`, first.clock.now() - 20 + offsetMs, value),
            )
            // Senders group by series; then late samples come after the newer ones of their series alike.
            .sort((a, b) => (a.labels[1]! < b.labels[1]! ? -1 : 1));
          const told = await appendBody(bodies, sent);
          const wanted = await batches.append(batchOf(sent));
          expect([told.stored, told.repeated]).toEqual([wanted.stored, wanted.repeated]);
          const counts = (refused: typeof told.refused): string[] =>
            refused.map(({ reason, count }) => `${reason} ${count}`).sort();
          expect(counts(told.refused)).toEqual(counts(wanted.refused));
          if (i % 4 === 3) {
            await bodies.close();
            bodies = await openSmall(first, { seriesMax: 5 });
          }
          await first.clock.advance(500);
          await second.clock.advance(500);
        }
        expect(await readAll(bodies)).toEqual(await readAll(batches));
        await bodies.close();
        await batches.close();
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  test('that is damaged is taken not at all, and those beside it are', async () => {
    const platform = simulatedPlatform(2);
    const store = await openSmall(platform);
    const at = platform.clock.now();
    const rows = (plus: number) => ['a', 'b', 'c'].map((name) => row(name, at + plus, plus));
    await appendBody(store, rows(0));
    const before = await readAll(store);
    const whole = bodyOf(rows(1));
    for (let cut = 0; cut < whole.length; cut++) {
      expect(await store.appendWriteRequest!(requestOf(whole.slice(0, cut)))).toBeUndefined();
    }
    expect(await store.appendWriteRequest!({ ...requestOf(whole), decodedBytesMax: 20 })).toBe(
      undefined,
    );
    expect(await readAll(store)).toEqual(before);
    const [damaged, good] = await Promise.all([
      store.appendWriteRequest!(requestOf(whole.slice(0, -1))),
      store.appendWriteRequest!(requestOf(whole)),
    ]);
    expect(damaged).toBeUndefined();
    expect(good).toEqual({ stored: 3, repeated: 0, refused: [] });
    await store.close();
  });

  test('asks about each series once for each admission', async () => {
    const platform = simulatedPlatform(3);
    const store = await openSmall(platform, { tuning: { headSamplesMax: 1000 } });
    let asked = 0;
    const send = async (plus: number, admission: number): Promise<number> => {
      const rows = ['a', 'b'].map((name) => row(name, platform.clock.now() + plus, plus));
      const request = requestOf(bodyOf(rows), admission);
      asked = 0;
      const outcome = await store.appendWriteRequest!({
        ...request,
        admit: (part) => {
          asked++;
          return request.admit(part);
        },
      });
      expect(outcome).toMatchObject({ stored: 2 });
      return asked;
    };
    expect([await send(1, 1), await send(2, 1), await send(3, 2), await send(4, 2)]).toEqual([
      2, 0, 2, 0,
    ]);
    // What it asked about and could not store is forgotten with the rest of the group.
    platform.files.failCall(1, { kind: 'fail', code: 'io-error' }, 'dataSync');
    await expect(appendBody(store, [row('new', platform.clock.now(), 1)])).rejects.toMatchObject({
      code: 'disk-failed',
    });
    expect((await readAll(store)).map(({ times }) => times.length)).toEqual([4, 4]);
    expect((await appendBody(store, [row('new', platform.clock.now(), 2)])).stored).toBe(1);
    expect(store.stats().liveSeries).toBe(3);
    await store.close();
  });

  test('that cannot be judged fails alone', async () => {
    const platform = simulatedPlatform(4);
    const store = await openSmall(platform);
    const at = platform.clock.now();
    const request = requestOf(bodyOf([row('a', at, 1)]));
    const failing = store.appendWriteRequest!({
      ...request,
      admit: () => {
        throw new Error('no');
      },
    });
    const other = appendBody(store, [row('b', at, 1)]);
    await expect(failing).rejects.toThrow('no');
    expect((await other).stored).toBe(1);
    expect((await readAll(store)).length).toBe(1);
    await store.close();
  });
});
