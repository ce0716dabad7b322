import { readdirSync, readFileSync, statSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hostSources } from '../../../collector/sources.ts';
import { isSortedLabels, labelsToText, metricName } from '../../../model/labels.ts';
import { SimulatedClock } from '../../simulation/simulated-clock.ts';
import { SimulatedKernel } from '../../simulation/simulated-kernel.ts';
import { read } from '../exposition.ts';

/** Every file of the richest of the recorded machines. */
const root = new URL('../../golden/host/hypervisor/', import.meta.url).pathname;
const recorded = new Map<string, string>();
for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
  if (statSync(root + name).isFile()) recorded.set(`/${name}`, readFileSync(root + name, 'utf8'));
}
const links = recorded
  .get('/links.txt')!
  .trimEnd()
  .split('\n')
  .map((line) => line.split(' ') as [string, string]);
const paths = [...recorded.keys()].filter((path) => !path.endsWith('.txt'));

async function readWith(changes: ReadonlyMap<string, string>): Promise<void> {
  const kernel = new SimulatedKernel();
  for (const path of paths) kernel.set(path, recorded.get(path)!);
  for (const [path, target] of links) kernel.link(path, target);
  const sources = hostSources(kernel, new SimulatedClock(), 1000).map(({ source }) => source);
  const readEach = async (): Promise<void> => {
    for (const source of sources) {
      const sink = await read(source);
      const wrong = sink.pushed.filter(
        ({ labels, value }) =>
          value !== value || !metricName(labels).startsWith('node_') || !isSortedLabels(labels),
      );
      expect(wrong.map(({ labels, value }) => `${labelsToText(labels)} ${value}`)).toEqual([]);
    }
  };
  // First as recorded, so that the change meets sources that already know their rows.
  await readEach();
  for (const [path, text] of changes) kernel.set(path, text);
  await readEach();
  await readEach();
}

const line = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.stringMatching(/^[a-z0-9:. \t()=[\]/_-]{0,40}$/),
  fc.constantFrom(
    'cpu0',
    'cpu999999999999 1',
    'md0 : active',
    'some total=',
    'TCP:',
    'eth0:',
    '\0\0',
  ),
);
const text = fc.array(line, { maxLength: 8 }).map((lines) => lines.join('\n'));

test('whatever stands in a file, every source goes on and gives numbers', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...paths), text), { minLength: 1, maxLength: 20 }),
      (changes) => readWith(new Map(changes)),
    ),
    { numRuns: 40 },
  );
});

test('a file that is cut anywhere is read up to there', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), fc.nat(2000), async (path, length) => {
      await readWith(new Map([[path, recorded.get(path)!.slice(0, length)]]));
    }),
    { numRuns: 40 },
  );
});
