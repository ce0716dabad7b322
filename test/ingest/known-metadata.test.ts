import { expect, test } from 'vitest';
import { KnownMetadata } from '../../ingest/known-metadata.ts';

const about = (help: string) => ({ type: 'gauge', help, unit: '' }) as const;

test('the newest word about a metric counts', () => {
  const known = new KnownMetadata();
  known.learn([{ name: 'up', metadata: about('old') }]);
  known.learn([
    { name: 'up', metadata: about('new') },
    { name: '', metadata: about('nothing') },
  ]);
  expect([...known.all()]).toEqual([['up', about('new')]]);
});

test('it does not grow for ever', () => {
  const known = new KnownMetadata();
  for (let i = 0; i < 20_005; i++) known.learn([{ name: `m${i}`, metadata: about('') }]);
  expect(known.all().size).toBe(20_000);
  expect(known.get('m0')).toBeUndefined();
  expect(known.get('m20004')).toBeDefined();
});
