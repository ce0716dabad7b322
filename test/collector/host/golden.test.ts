import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { labelsToText } from '../../../model/labels.ts';
import { hostSources } from '../../../collector/sources.ts';
import { SimulatedClock } from '../../simulation/simulated-clock.ts';
import { readAll } from '../exposition.ts';
import { recordedTree } from '../recorded-tree.ts';

const directory = new URL('../../golden/host/', import.meta.url).pathname;

const machines = readdirSync(directory);

const sourcesOf = (machine: string) =>
  hostSources(recordedTree(`${directory}${machine}`), new SimulatedClock(), 1000).map(
    ({ source }) => source,
  );

test.each(machines)('the machine %s reads as recorded', async (machine) => {
  const { lines } = await readAll(sourcesOf(machine));
  const text = `${lines.join('\n')}\n`;
  const path = `${directory}${machine}/expected.txt`;
  if (process.env['GOLDEN'] === 'write') writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, 'utf8'));
});

test.each(machines)('no series of the machine %s is read twice', async (machine) => {
  const { pushed } = await readAll(sourcesOf(machine));
  const texts = pushed.map(({ labels }) => labelsToText(labels));
  expect(texts.filter((text, i) => texts.indexOf(text) !== i)).toEqual([]);
});

test.each(machines)('the machine %s gives the same label objects each time', async (machine) => {
  const sources = sourcesOf(machine);
  const first = new Set((await readAll(sources)).pushed.map(({ labels }) => labels));
  const second = await readAll(sources);
  expect(second.pushed).toHaveLength(first.size);
  const others = second.pushed.filter(({ labels }) => !first.has(labels));
  expect(others.map(({ labels }) => labelsToText(labels))).toEqual([]);
  for (const source of sources) await source.close?.();
});
