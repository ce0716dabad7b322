import { expect, test } from 'vitest';
import { parseExpression } from '../../../query/syntax.ts';
import { instanceQueriesOf, FLEET_QUERIES } from '../../../dashboard/fleet/queries.ts';
import { feedQueries } from '../../../dashboard/panels/definition.ts';
import { hostPanels } from '../../../dashboard/panels/host.ts';
import { instancePanels } from '../../../dashboard/panels/instance.ts';

const NASTY = 'kvm "one"\\two';
const PAGES = {
  fleet: FLEET_QUERIES,
  host: [...feedQueries(hostPanels(NASTY, '5s')), ...instanceQueriesOf(NASTY)],
  instance: feedQueries(instancePanels('1a2b', '1m15s')),
};

test.each(Object.entries(PAGES))('the queries of the %s page can be read', (_page, queries) => {
  for (const { query } of queries) expect(() => parseExpression(query), query).not.toThrow();
});

test.each(Object.entries(PAGES))(
  'the queries of the %s page have names of their own',
  (_page, queries) => {
    expect(new Set(queries.map((query) => query.id)).size).toBe(queries.length);
  },
);
