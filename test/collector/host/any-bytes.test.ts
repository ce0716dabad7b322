import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hostSources } from '../../../collector/sources.ts';
import { isSortedLabels, labelsToText, metricName } from '../../../model/labels.ts';
import { SimulatedClock } from '../../simulation/simulated-clock.ts';
import { SimulatedKernel } from '../../simulation/simulated-kernel.ts';
import { read } from '../exposition.ts';

/** Every file of the richest of the recorded machines. */
const root = new URL('../../golden/host/hypervisor', import.meta.url).pathname;
const recorded = new Map<string, string>();
const links = new Map<string, string>();

function filesOf(directory: string): readonly { readonly name: string; readonly text: string }[] {
  const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map(({ name }) => ({ name, text: readFileSync(`${directory}/${name}`, 'utf8') }));
}

/** Links lead back up, so they are followed one step only. */
function walk(directory: string): void {
  for (const entry of readdirSync(root + directory, { withFileTypes: true })) {
    const path = `${directory}/${entry.name}`;
    if (entry.isSymbolicLink()) {
      links.set(path, readlinkSync(root + path));
      for (const file of filesOf(root + path)) recorded.set(`${path}/${file.name}`, file.text);
    } else if (entry.isDirectory()) walk(path);
    else if (entry.isFile()) recorded.set(path, readFileSync(root + path, 'utf8'));
  }
}
walk('');
const paths = [...recorded.keys()].filter((path) => !path.endsWith('expected.txt'));

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
