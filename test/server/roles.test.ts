import { expect, test } from 'vitest';
import { ROLES, partsOf } from '../../server/roles.ts';

test('all roles bring all parts', () => {
  expect(Object.values(partsOf(ROLES)).every(Boolean)).toBe(true);
});

test('the store comes with ingest or query, others may write only with ingest', () => {
  expect(partsOf(['ingest'])).toMatchObject({ store: true, write: true, read: false });
  expect(partsOf(['query'])).toMatchObject({ store: true, read: true, write: false });
  expect(partsOf(['collector'])).toMatchObject({ ingest: true, write: false, read: false });
  expect(partsOf(['alerter'])).toMatchObject({ store: true, read: false, collector: false });
  expect(partsOf(['probes'])).toMatchObject({ store: false });
});
