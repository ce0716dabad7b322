import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { replaceFile } from '../../platform/files.ts';
import { seededRandom } from '../../platform/random.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SECTOR_BYTES, SimulatedDisk } from './simulated-disk.ts';
import { SimulatedFiles } from './simulated-files.ts';
import type { SimulatedFilesOptions } from './simulated-files.ts';

function machine(seed: number, options: Partial<SimulatedFilesOptions> = {}) {
  const disk = new SimulatedDisk(seededRandom(seed));
  disk.makeDirectory('/data');
  disk.syncEverything();
  const clock = new SimulatedClock();
  const process = (owner: string): SimulatedFiles =>
    new SimulatedFiles(disk, { clock, owner, ...options });
  return { disk, clock, process, files: process('process 1') };
}

/** Ends the process, cuts the power and lets the next process look. */
function cutPower(seen: ReturnType<typeof machine>, files = seen.files): SimulatedFiles {
  files.end();
  seen.disk.losePower();
  return seen.process('process 2');
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (written: string): Uint8Array => new TextEncoder().encode(written);
const filled = (value: number, count: number): Uint8Array => new Uint8Array(count).fill(value);

/** What is left of a file over many seeds, as text; `missing` when its name is gone. */
async function outcomes(
  write: (files: SimulatedFiles) => Promise<void>,
  path: string,
): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const before = machine(seed);
    await write(before.files);
    const files = cutPower(before);
    seen.add(await files.readAll(path, 1e6).then(text, (thrown: { code: string }) => thrown.code));
  }
  return seen;
}

describe('the page cache', () => {
  test('reads see un-synced bytes, and a killed process leaves them', async () => {
    const before = machine(1);
    const file = await before.files.open('/data/a', 'create');
    await file.append(bytes('seen at once'));
    expect(text(await before.files.readAll('/data/a', 100))).toBe('seen at once');
    before.files.end();
    expect(text(await before.process('process 2').readAll('/data/a', 100))).toBe('seen at once');
  });

  test('what was synced, with its name, survives every power cut', async () => {
    const seen = await outcomes(async (files) => {
      const file = await files.open('/data/a', 'create');
      await file.append(bytes('kept'));
      await file.dataSync();
      await files.syncDirectory('/data');
    }, '/data/a');
    expect(seen).toEqual(new Set(['kept']));
  });

  test('a synced file without a synced name may be gone', async () => {
    const seen = await outcomes(async (files) => {
      const file = await files.open('/data/a', 'create');
      await file.append(bytes('kept'));
      await file.dataSync();
    }, '/data/a');
    expect(seen).toEqual(new Set(['kept', 'not-found']));
  });

  test('un-synced sectors are kept, lost and torn, while synced ones never change', async () => {
    const seen = { kept: 0, lost: 0, torn: 0, shorter: 0 };
    for (let seed = 0; seed < 300; seed++) {
      const before = machine(seed);
      const file = await before.files.open('/data/a', 'create');
      await file.append(filled(1, SECTOR_BYTES));
      await file.dataSync();
      await before.files.syncDirectory('/data');
      await file.append(filled(2, 2 * SECTOR_BYTES));
      const left = await cutPower(before).readAll('/data/a', 1e6);
      expect(left.subarray(0, SECTOR_BYTES)).toEqual(filled(1, SECTOR_BYTES));
      if (left.length < 3 * SECTOR_BYTES) seen.shorter++;
      for (let start = SECTOR_BYTES; start + SECTOR_BYTES <= left.length; start += SECTOR_BYTES) {
        const twos = left.subarray(start, start + SECTOR_BYTES).filter((byte) => byte === 2).length;
        seen[twos === SECTOR_BYTES ? 'kept' : twos === 0 ? 'lost' : 'torn']++;
      }
    }
    expect(Object.entries(seen).filter(([, count]) => count < 10)).toEqual([]);
  });

  test('a power cut never invents a byte', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(fc.oneof(fc.integer({ min: 1, max: 1500 }), fc.constant('sync' as const)), {
          maxLength: 12,
        }),
        async (seed, steps) => {
          const before = machine(seed);
          const file = await before.files.open('/data/a', 'create');
          await before.files.syncDirectory('/data');
          let written = 0;
          let synced = 0;
          for (const step of steps) {
            if (step === 'sync') {
              await file.dataSync();
              synced = written;
            } else {
              await file.append(
                Uint8Array.from({ length: step }, (_, i) => 1 + ((written + i) % 250)),
              );
              written += step;
            }
          }
          const left = await cutPower(before).readAll('/data/a', 1e6);
          expect(left.length).toBeGreaterThanOrEqual(synced);
          expect(left.length).toBeLessThanOrEqual(written);
          left.forEach((byte, i) => {
            const wrote = 1 + (i % 250);
            if (i < synced || byte !== 0) expect(byte).toBe(wrote);
          });
        },
      ),
      { numRuns: 100 },
    );
  });

  test('a sync covers what was written before it began, and nothing until it returns', async () => {
    const seen = { later: 0, earlier: 0 };
    for (let seed = 0; seed < 100; seed++) {
      const before = machine(seed, {
        latencyMs: (operation) => (operation === 'dataSync' ? 5 : 0),
      });
      const { clock, files } = before;
      const file = await clock.complete(files.open('/data/a', 'create'));
      await clock.complete(files.syncDirectory('/data'));
      await clock.complete(file.append(filled(1, SECTOR_BYTES)));
      const sync = file.dataSync();
      await clock.complete(file.append(filled(2, SECTOR_BYTES)));
      await clock.complete(sync);
      const after = cutPower(before);
      const left = await clock.complete(after.readAll('/data/a', 1e6));
      expect(left.subarray(0, SECTOR_BYTES)).toEqual(filled(1, SECTOR_BYTES));
      if (left.length < 2 * SECTOR_BYTES) seen.later++;

      const early = machine(seed, { latencyMs: (operation) => (operation === 'dataSync' ? 5 : 0) });
      const other = await early.clock.complete(early.files.open('/data/a', 'create'));
      await early.clock.complete(early.files.syncDirectory('/data'));
      await early.clock.complete(other.append(filled(1, SECTOR_BYTES)));
      void other.dataSync();
      await early.clock.advance(4);
      const rest = await early.clock.complete(cutPower(early).readAll('/data/a', 1e6));
      if (rest.length < SECTOR_BYTES) seen.earlier++;
    }
    expect(seen.later).toBeGreaterThan(10);
    expect(seen.earlier).toBeGreaterThan(10);
  });

  test('after a sync that failed, a second one succeeds and the bytes may still be lost', async () => {
    let lost = 0;
    for (let seed = 0; seed < 60; seed++) {
      const before = machine(seed);
      const file = await before.files.open('/data/a', 'create');
      await before.files.syncDirectory('/data');
      await file.append(filled(1, SECTOR_BYTES));
      before.files.failCall(1, { kind: 'fail', code: 'io-error' }, 'dataSync');
      await expect(file.dataSync()).rejects.toMatchObject({ code: 'io-error' });
      await file.dataSync();
      expect(await before.files.readAll('/data/a', 1e6)).toEqual(filled(1, SECTOR_BYTES));
      const left = await cutPower(before).readAll('/data/a', 1e6);
      if (left.length < SECTOR_BYTES || left.some((byte) => byte === 0)) lost++;
    }
    expect(lost).toBeGreaterThan(10);
  });

  test('replacing a file leaves the old or the new content, never a mixture', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      for (let call = 1; call <= 8; call++) {
        const before = machine(seed);
        await replaceFile(before.files, '/data', 'state', bytes('old'));
        before.files.failCall(call, { kind: 'stop' });
        void replaceFile(before.files, '/data', 'state', bytes('new content'));
        await before.clock.advance(1);
        seen.add(text(await cutPower(before).readAll('/data/state', 100)));
      }
    }
    expect(seen).toEqual(new Set(['old', 'new content']));
  });

  test('a removed name may come back, a rename happens wholly or not at all', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 50; seed++) {
      const before = machine(seed);
      for (const name of ['gone', 'from']) {
        const file = await before.files.open(`/data/${name}`, 'create');
        await file.close();
      }
      await before.files.syncDirectory('/data');
      await before.files.remove('/data/gone');
      await before.files.rename('/data/from', '/data/to');
      seen.add((await cutPower(before).list('/data')).join(' '));
    }
    expect(seen).toEqual(new Set(['from', 'from gone', 'gone to', 'to']));
  });

  test('truncation is not durable until synced', async () => {
    const sizes = new Set<number>();
    for (let seed = 0; seed < 100; seed++) {
      const before = machine(seed);
      const file = await before.files.open('/data/a', 'create');
      await file.append(filled(1, 10));
      await file.dataSync();
      await before.files.syncDirectory('/data');
      await file.truncate(4);
      expect(await file.size()).toBe(4);
      if (seed % 2 === 0) await file.dataSync();
      const left = await cutPower(before).readAll('/data/a', 100);
      if (seed % 2 === 0) expect(left).toEqual(filled(1, 4));
      sizes.add(left.length);
    }
    expect(Math.max(...sizes)).toBe(10);
    expect(Math.min(...sizes)).toBe(4);
  });
});

describe('faults and limits of the simulated disk', () => {
  test('the n-th call fails, of all or of one kind, and calls are counted', async () => {
    const { files } = machine(1);
    const file = await files.open('/data/a', 'create');
    files.failCall(2, { kind: 'fail', code: 'io-error' }, 'append');
    await file.append(bytes('1'));
    await expect(file.append(bytes('2'))).rejects.toMatchObject({ code: 'io-error' });
    await file.append(bytes('3'));
    expect(text(await files.readAll('/data/a', 10))).toBe('13');
    expect([files.callCount('append'), files.callCount()]).toEqual([3, 5]);
    files.failEvery('dataSync', 'io-error');
    await expect(file.dataSync()).rejects.toMatchObject({ code: 'io-error' });
    await expect(file.dataSync()).rejects.toMatchObject({ code: 'io-error' });
    files.heal();
    await file.dataSync();
  });

  test('a short write leaves a part of the bytes', async () => {
    const sizes = new Set<number>();
    for (let seed = 0; seed < 40; seed++) {
      const { files } = machine(seed);
      const file = await files.open('/data/a', 'create');
      files.failCall(1, { kind: 'short-write', code: 'io-error' });
      await expect(file.append(bytes('abcdef'))).rejects.toMatchObject({ code: 'io-error' });
      sizes.add(await file.size());
    }
    expect(sizes).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  });

  test('a full disk takes what fits, says so, and recovers when space returns', async () => {
    const { disk, files } = machine(1);
    disk.capacityBytes = 5;
    const file = await files.open('/data/a', 'create');
    await expect(file.append(bytes('abcdef'))).rejects.toMatchObject({ code: 'no-space' });
    expect([await file.size(), await files.freeBytes('/data')]).toEqual([5, 0]);
    disk.capacityBytes = 10;
    await file.append(bytes('g'));
    expect(await files.freeBytes('/data')).toBe(4);
  });

  test('a process that stopped hears nothing more, and its lock is free', async () => {
    const { files, process, clock } = machine(1);
    await files.lock('/data');
    await expect(process('process 2').lock('/data')).rejects.toMatchObject({
      code: 'in-use',
      message: expect.stringContaining('process 1') as string,
    });
    files.failCall(1, { kind: 'stop' });
    let heard = false;
    files.list('/data').then(
      () => (heard = true),
      () => (heard = true),
    );
    await clock.advance(1000);
    expect([heard, files.hasEnded]).toEqual([false, true]);
    const lock = await process('process 2').lock('/data');
    await lock.release();
    await process('process 3').lock('/data');
  });

  test('names: what must exist, what must not, and what is no failure', async () => {
    const { files } = machine(1);
    await expect(files.open('/data/a', 'read')).rejects.toMatchObject({ code: 'not-found' });
    const file = await files.open('/data/a', 'append');
    await expect(files.open('/data/a', 'create')).rejects.toMatchObject({ code: 'exists' });
    await file.append(bytes('x'));
    await file.close();
    const again = await files.open('/data/a', 'append');
    await again.append(bytes('y'));
    const target = new Uint8Array(10);
    expect(await again.readAt(1, target)).toBe(1);
    expect(target[0]).toBe('y'.charCodeAt(0));
    expect(files.openFiles).toBe(1);
    await expect(files.readAll('/data/a', 1)).rejects.toMatchObject({ code: 'too-large' });
    await files.remove('/data/none');
    await files.makeDirectory('/data/b/c');
    await files.makeDirectory('/data/b/c');
    await expect(files.remove('/data/b')).rejects.toMatchObject({ code: 'io-error' });
    expect(await files.list('/data')).toEqual(['a', 'b']);
    await expect(files.list('/none')).rejects.toMatchObject({ code: 'not-found' });
    await again.close();
    await expect(again.append(bytes('z'))).rejects.toThrow('closed');
  });
});
