import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { metric } from '../../model/labels.ts';
import { NO_TELEMETRY } from '../../platform/telemetry.ts';
import { DEFAULT_QUERIER_OPTIONS, openQuerier } from '../../query/open.ts';
import { QueryFailure } from '../../query/query.ts';
import { MemoryReader } from './memory-reader.ts';
import { casesOf } from './promtest.ts';
import { testClock } from './test-clock.ts';

const folder = new URL('./', import.meta.url);
const expressions = readdirSync(folder)
  .filter((name) => name.endsWith('.promtest'))
  .flatMap((name) => casesOf(readFileSync(new URL(name, folder), 'utf8')))
  .map((each) => each.expression);

const expression = fc.constantFrom(...expressions);
const tokensOf = (text: string): string[] => text.match(/"[^"]*"|[\w.:]+|\s+|\S/g) ?? [];

/** Our scripts' queries, joined, wrapped, or with a piece of another one in the place of their own. */
const mutated = fc.oneof(
  fc
    .tuple(
      expression,
      fc.constantFrom('+', 'or', 'unless on (host)', '== bool', '/ on () group_left'),
      expression,
    )
    .map(([a, operator, b]) => `(${a}) ${operator} (${b})`),
  fc
    .tuple(
      fc.constantFrom('sum', 'abs', 'absent', 'sort', 'scalar', '-', 'stddev by (host)'),
      expression,
    )
    .map(([name, text]) => `${name}(${text})`),
  fc.tuple(expression, expression, fc.nat(), fc.nat()).map(([a, b, to, from]) => {
    const pieces = tokensOf(a);
    const others = tokensOf(b);
    return pieces.with(to % pieces.length, others[from % others.length]!).join('');
  }),
);

test('whatever is asked, the answer is a value or a failure of its own kind', async () => {
  const reader = new MemoryReader();
  for (const name of ['up', 'temperature', 'load', 'requests', 'cpu', 'latency_bucket']) {
    for (const host of ['a', 'b']) {
      const labels = metric(name, { host, le: host === 'a' ? '1' : '+Inf' });
      for (let i = 0; i < 20; i++) reader.add(labels, i * 15_000, i % 7);
    }
  }
  const options = {
    ...DEFAULT_QUERIER_OPTIONS,
    limits: { ...DEFAULT_QUERIER_OPTIONS.limits, samplesMax: 100_000 },
  };
  const querier = openQuerier(options, reader, { clock: testClock(), telemetry: NO_TELEMETRY });
  await fc.assert(
    fc.asyncProperty(mutated, fc.integer({ min: 0, max: 600_000 }), async (text, timeMs) => {
      try {
        await querier.instant({ text, timeMs });
        await querier.range({ text, startMs: timeMs, endMs: timeMs + 90_000, stepMs: 30_000 });
      } catch (thrown) {
        expect(thrown, text).toBeInstanceOf(QueryFailure);
      }
    }),
    { numRuns: 1500 },
  );
});
