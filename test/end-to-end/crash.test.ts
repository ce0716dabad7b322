import { afterAll, expect, test } from 'vitest';
import { seededRandom } from '../../platform/random.ts';
import { startNephoscope, temporaryDirectory } from './process.ts';
import type { RunningNephoscope } from './process.ts';
import { query } from './prometheus-api.ts';
import { remoteWrite } from './remote-write.ts';
import type { WrittenSeries } from './remote-write.ts';

// Acknowledged means durable: a sender is cut off by kill -9, again and again, and loses nothing.

const WRITERS = 4;
const SERIES = 25;
const KILLS = 3;

const directory = temporaryDirectory();
let nephoscope: RunningNephoscope | undefined;

afterAll(async () => {
  await nephoscope?.stop();
  directory.remove();
});

interface Batch {
  readonly number: number;
  readonly series: readonly WrittenSeries[];
}

/** Each batch has times of its own, and values that name batch and series. */
function makeBatch(number: number, baseMs: number): Batch {
  return {
    number,
    series: Array.from({ length: SERIES }, (_, i) => ({
      labels: { __name__: 'test_crash', series: String(i) },
      samples: [0, 1].map((k) => ({
        timeMs: baseMs + number * 2 + k,
        value: number * 1000 + i + k / 2,
      })),
    })),
  };
}

/** Every stored sample as `series time value`. */
async function stored(url: string): Promise<string[]> {
  const found = await query(url, 'test_crash[1h]');
  return found.flatMap(({ metric, values }) =>
    values!.map(
      ([time, value]) => `${metric['series']} ${Math.round(time * 1000)} ${Number(value)}`,
    ),
  );
}

function rows(batches: Iterable<Batch>): string[] {
  return [...batches].flatMap(({ series }) =>
    series.flatMap(({ labels, samples }) =>
      samples.map(({ timeMs, value }) => `${labels['series']} ${timeMs} ${value}`),
    ),
  );
}

test('every acknowledged sample is there exactly once after kill -9 in the middle of writes', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  const random = seededRandom(seed);
  const baseMs = Date.now() - 600_000;
  const acknowledged = new Map<number, Batch>();
  const unanswered = new Map<number, Batch>();
  let next = 0;

  for (let kill = 0; kill < KILLS; kill++) {
    nephoscope = await startNephoscope({
      data: directory.path,
      args: ['--roles', 'ingest,query'],
    });
    const { url } = nephoscope;
    // What was not answered before is sent again, as every sender does.
    const resend = [...unanswered.values()];
    const killAfter = acknowledged.size + resend.length + 5 + Math.floor(random.next() * 60);
    let killing: Promise<unknown> | undefined;
    const write = async (): Promise<void> => {
      while (!killing) {
        const batch = resend.shift() ?? makeBatch(next++, baseMs);
        unanswered.set(batch.number, batch);
        try {
          const response = await remoteWrite(url, batch.series);
          if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
        } catch (thrown) {
          if (!killing) throw thrown;
          return;
        }
        acknowledged.set(batch.number, batch);
        unanswered.delete(batch.number);
        if (acknowledged.size >= killAfter) killing ??= nephoscope!.kill();
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, write));
    await killing;
  }

  nephoscope = await startNephoscope({ data: directory.path, args: ['--roles', 'ingest,query'] });
  const afterCrash = await stored(nephoscope.url);
  const present = new Set(afterCrash);
  const message = `replay with SEED=${seed}`;
  expect(afterCrash.length, message).toBe(present.size);
  expect(
    rows(acknowledged.values()).filter((row) => !present.has(row)),
    message,
  ).toEqual([]);
  const sent = new Set([...rows(acknowledged.values()), ...rows(unanswered.values())]);
  expect(
    afterCrash.filter((row) => !sent.has(row)),
    message,
  ).toEqual([]);

  for (const batch of unanswered.values()) {
    expect((await remoteWrite(nephoscope.url, batch.series)).ok).toBe(true);
  }
  expect((await stored(nephoscope.url)).sort(), message).toEqual([...sent].sort());
});
