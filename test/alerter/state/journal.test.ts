import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fingerprint, Fnv64 } from '../../../alerter/fingerprint.ts';
import { crc32 } from '../../../alerter/state/crc32.ts';
import { Journal } from '../../../alerter/state/journal.ts';
import type { AlerterRecord } from '../../../alerter/state/records.ts';
import { labelsFrom, NO_LABELS } from '../../../model/labels.ts';
import { simulatedPlatform } from '../../simulation/simulated-platform.ts';
import type { SimulatedPlatform } from '../../simulation/simulated-platform.ts';

const DIRECTORY = '/data/alerter';
const PATH = `${DIRECTORY}/alerts.journal`;

function message(id: string, text = ''): AlerterRecord {
  return {
    kind: 'message',
    message: { id, createdMs: 1, subject: 's', text, html: '' },
    announced: [{ fingerprint: `f${id}`, status: 'firing', startsAtMs: 1, atMs: 2 }],
  };
}

async function replaceWith(platform: SimulatedPlatform, bytes: Uint8Array): Promise<void> {
  await platform.files.remove(PATH);
  const file = await platform.files.open(PATH, 'create');
  await file.append(bytes);
  await file.close();
}

describe('the journal', () => {
  test('gives back what was committed, infinities included', async () => {
    const platform = simulatedPlatform(1);
    const journal = await Journal.open(DIRECTORY, platform);
    const alert = {
      labels: labelsFrom({ alertname: 'A', __proto__x: 'y' }),
      state: 'firing',
      annotations: { ['__proto__']: 'text', value: 'NaN', activeAtMs: '5' },
      value: -Infinity,
      activeAtMs: 5,
      firedAtMs: 6,
      keepFiringSinceMs: undefined,
      resolvedAtMs: undefined,
      lastSentMs: 7,
      unseenSinceMs: undefined,
    } as const;
    const group = {
      file: 'f',
      name: 'g',
      slotMs: 7,
      rules: [{ key: 'k', alerts: [alert, { ...alert, value: NaN }] }],
    };
    expect(
      await journal.commit([
        { kind: 'group', key: 'one', group },
        { kind: 'group', key: 'gone', group },
        message('a'),
        message('b'),
        { kind: 'slot', key: 'one', slotMs: 9 },
        { kind: 'group-gone', key: 'gone' },
        { kind: 'message-done', id: 'a' },
        { kind: 'forget', fingerprints: ['fb'] },
      ]),
    ).toBe(true);
    const next = platform.restart('power-cut');
    for (const reopened of [
      await Journal.open(DIRECTORY, next),
      await Journal.open(DIRECTORY, next),
    ]) {
      const { groups, outbox, announced } = reopened.state;
      expect([...groups.keys(), ...outbox.keys(), ...announced.keys()]).toEqual(['one', 'b', 'fa']);
      expect(groups.get('one')!.slotMs).toBe(9);
      expect(groups.get('one')!.rules[0]!.alerts).toEqual([alert, { ...alert, value: NaN }]);
    }
  });

  test('a file cut anywhere gives back a beginning of what was committed', async () => {
    const platform = simulatedPlatform(1);
    const journal = await Journal.open(DIRECTORY, platform);
    for (const id of ['a', 'b', 'c']) await journal.commit([message(id)]);
    const bytes = (await platform.files.readAll(PATH, 1e6)).slice();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 12, max: bytes.length }), async (length) => {
        await replaceWith(platform, bytes.slice(0, length));
        const { outbox } = (await Journal.open(DIRECTORY, platform)).state;
        expect(['', 'a', 'ab', 'abc']).toContain([...outbox.keys()].join(''));
        if (length === bytes.length) expect(outbox.size).toBe(3);
      }),
    );
  });

  test('zeros at the end, as a power cut may leave them, are no record', async () => {
    const platform = simulatedPlatform(1);
    const journal = await Journal.open(DIRECTORY, platform);
    await journal.commit([message('a')]);
    const bytes = (await platform.files.readAll(PATH, 1e6)).slice();
    for (const zeros of [1, 7, 8, 9, 16, 512, 4096]) {
      const padded = new Uint8Array(bytes.length + zeros);
      padded.set(bytes);
      await replaceWith(platform, padded);
      const { outbox } = (await Journal.open(DIRECTORY, platform)).state;
      expect([...outbox.keys()]).toEqual(['a']);
    }
  });

  test('a flipped bit is noticed, said, and the damaged file is kept', async () => {
    const platform = simulatedPlatform(1);
    const journal = await Journal.open(DIRECTORY, platform);
    for (const id of ['a', 'b', 'c']) await journal.commit([message(id)]);
    const bytes = (await platform.files.readAll(PATH, 1e6)).slice();
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 12, max: bytes.length - 1 }),
        fc.integer({ min: 0, max: 7 }),
        async (at, bit) => {
          const damaged = bytes.slice();
          damaged[at]! ^= 1 << bit;
          await replaceWith(platform, damaged);
          platform.log.lines.length = 0;
          const { outbox } = (await Journal.open(DIRECTORY, platform)).state;
          expect(['', 'a', 'ab']).toContain([...outbox.keys()].join(''));
          expect(platform.log.find('unreadable')).toHaveLength(1);
          expect(await platform.files.readAll(`${PATH}.damaged`, 1e6)).toEqual(damaged);
        },
      ),
    );
  });

  test('another format and another kind of file are refused, and left alone', async () => {
    const platform = simulatedPlatform(1);
    await Journal.open(DIRECTORY, platform);
    const header = new TextEncoder().encode('NEPHALRT\x02\0\0\0');
    await replaceWith(platform, header);
    await expect(Journal.open(DIRECTORY, platform)).rejects.toMatchObject({ code: 'newer-format' });
    await replaceWith(platform, new TextEncoder().encode('something else'));
    await expect(Journal.open(DIRECTORY, platform)).rejects.toThrow(
      /is no alert journal: move it away/,
    );
    expect(await platform.files.readAll(PATH, 100)).toHaveLength(14);
  });

  test('the file does not grow without end', async () => {
    const platform = simulatedPlatform(1);
    const journal = await Journal.open(DIRECTORY, platform);
    for (let i = 0; i < 200; i++) {
      await journal.commit([message('x', 'y'.repeat(100_000)), { kind: 'message-done', id: 'x' }]);
    }
    expect((await platform.files.readAll(PATH, 1e9)).length).toBeLessThan(5_000_000);
  });

  test('commits at once share a sync; one after a failed sync makes a new file', async () => {
    const platform = simulatedPlatform(1);
    const journal = await Journal.open(DIRECTORY, platform);
    const before = platform.files.callCount('dataSync');
    await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((id) => journal.commit([message(id)])));
    expect(platform.files.callCount('dataSync') - before).toBeLessThanOrEqual(2);
    platform.files.failCall(1, { kind: 'fail', code: 'io-error' }, 'dataSync');
    expect(await journal.commit([message('g')])).toBe(false);
    expect(await journal.commit([message('h')])).toBe(true);
    const { outbox } = (await Journal.open(DIRECTORY, platform.restart('power-cut'))).state;
    expect([...outbox.keys()].join('')).toBe('abcdefgh');
  });
});

test('checksums and fingerprints are the well-known ones', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  expect(new Fnv64().hex()).toBe('cbf29ce484222325');
  expect(new Fnv64().text('a').hex()).toBe('af63dc4c8601ec8c');
  expect(new Fnv64().text('foobar').hex()).toBe('85944171f73967e8');
  expect(fingerprint(NO_LABELS)).toBe('cbf29ce484222325');
  expect(fingerprint(labelsFrom({ a: 'bc' }))).not.toBe(fingerprint(labelsFrom({ ab: 'c' })));
});
