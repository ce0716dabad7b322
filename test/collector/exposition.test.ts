import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Exposition } from '../../collector/exposition.ts';
import type { ShownSeries, ShownSet } from '../../collector/exposition.ts';
import { hostFamily } from '../../collector/sources/host/families.ts';
import { hostSources } from '../../collector/sources.ts';
import { labelsToRecord, metric, metricName } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { parseExposition } from '../real/exposition.ts';
import { SimulatedClock } from '../simulation/simulated-clock.ts';
import { readAll } from './exposition.ts';
import { recordedTree } from './recorded-tree.ts';

/** A set that a test changes. */
class Shelf implements ShownSet {
  changes = 0;
  readonly #series = new Map<Labels, { readonly labels: Labels; value: number }>();

  put(labels: Labels, value: number): this {
    const known = this.#series.get(labels);
    if (known) known.value = value;
    else {
      this.changes++;
      this.#series.set(labels, { labels, value });
    }
    return this;
  }

  drop(labels: Labels): void {
    this.changes++;
    this.#series.delete(labels);
  }

  series(): Iterable<ShownSeries> {
    return this.#series.values();
  }
}

const load = metric('node_load1');
const idle = metric('node_cpu_seconds_total', { cpu: '0', mode: 'idle' });
const user = metric('node_cpu_seconds_total', { cpu: '0', mode: 'user' });

describe('the text', () => {
  test('has families in order, each with its help and type, each series under its family', () => {
    const exposition = new Exposition(hostFamily);
    const sets = [new Shelf().put(load, 0.5).put(user, 2), new Shelf().put(idle, 1)];
    expect(exposition.text(sets)).toBe(
      [
        '# HELP node_cpu_seconds_total Seconds that each CPU spent in each mode.',
        '# TYPE node_cpu_seconds_total counter',
        'node_cpu_seconds_total{cpu="0",mode="idle"} 1',
        'node_cpu_seconds_total{cpu="0",mode="user"} 2',
        '# HELP node_load1 Load average over 1 minute.',
        '# TYPE node_load1 gauge',
        'node_load1 0.5',
        '',
      ].join('\n'),
    );
  });

  test('follows values, and series that come and go', () => {
    const exposition = new Exposition(hostFamily);
    const shelf = new Shelf().put(load, 1);
    const valuesNow = (): unknown =>
      parseExposition(exposition.text([shelf])).series.map(({ name, value }) => [name, value]);
    expect(valuesNow()).toEqual([['node_load1', 1]]);
    shelf.put(load, 2);
    expect(valuesNow()).toEqual([['node_load1', 2]]);
    shelf.put(idle, 3);
    expect(valuesNow()).toEqual([
      ['node_cpu_seconds_total', 3],
      ['node_load1', 2],
    ]);
    shelf.drop(load);
    expect(valuesNow()).toEqual([['node_cpu_seconds_total', 3]]);
  });

  test('is empty where there is nothing', () => {
    expect(new Exposition(hostFamily).text([new Shelf()])).toBe('');
  });

  test('gives numbers as Prometheus reads them', () => {
    const values = [Number.NaN, Infinity, -Infinity, 1e300, -0.1, 5e-324, 2 ** 53];
    const shelf = new Shelf();
    values.forEach((value, i) => shelf.put(metric('m', { i: String(i) }), value));
    const text = new Exposition(() => undefined).text([shelf]);
    expect(text).toContain('m{i="1"} +Inf\n');
    expect(text).toContain('m{i="2"} -Inf\n');
    expect(parseExposition(text).series.map(({ value }) => value)).toEqual(values);
  });

  test('whatever labels hold, reading the text gives it back', () => {
    const anyText = fc.string({ unit: 'binary', minLength: 1 });
    const anyLabels = fc.dictionary(fc.constantFrom('a', 'b', 'le'), anyText);
    fc.assert(
      fc.property(fc.uniqueArray(anyLabels, { minLength: 1, selector: JSON.stringify }), (sets) => {
        const shelf = new Shelf();
        sets.forEach((labels, i) => shelf.put(metric('m', labels), i));
        const read = parseExposition(new Exposition(() => undefined).text([shelf]));
        const shown = read.series.map(({ labels, value }) => [value, labels] as const);
        const wanted = [...shelf.series()].map(({ labels, value }) => {
          const { __name__: _, ...rest } = labelsToRecord(labels);
          return [value, rest] as const;
        });
        expect(new Map(shown)).toEqual(new Map(wanted));
      }),
    );
  });

  test('a name outside the classic alphabet spoils nothing', () => {
    const shelf = new Shelf().put(metric('node_sockstat_TCP-é_x', { 'a-b': '1' }), 1);
    const [series] = parseExposition(new Exposition(hostFamily).text([shelf])).series;
    expect(series).toEqual({ name: 'node_sockstat_TCP___x', labels: { a_b: '1' }, value: 1 });
  });
});

const machines = new URL('../golden/host/', import.meta.url).pathname;

test.each(readdirSync(machines))('every metric of the machine %s has its family', async (name) => {
  const sources = hostSources(recordedTree(machines + name), new SimulatedClock(), 1000);
  const { pushed } = await readAll(sources.map(({ source }) => source));
  const names = new Set(pushed.map(({ labels }) => metricName(labels)));
  expect([...names].filter((one) => hostFamily(one) === undefined)).toEqual([]);
});
