import { METRIC_NAME, labelPairs, metricName } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type { MetricMetadata } from '../model/metadata.ts';

/** A series with the value that was read last. The same object each time, so that its text is made once. */
export interface ShownSeries {
  /** As the source gave it, without what the collector adds. */
  readonly labels: Labels;
  readonly value: number;
}

/** A set of series that comes and goes. */
export interface ShownSet {
  /** Another number whenever a series has come or gone. */
  readonly changes: number;
  series(): Iterable<ShownSeries>;
}

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Shows series in Prometheus's text format. All that stays the same from one scrape to the next, which is
 * all but the values, is kept as text in its final order until a series comes or goes; one scrape then
 * costs the writing of its numbers.
 */
export class Exposition {
  readonly #family: (name: string) => MetricMetadata | undefined;
  #lines: readonly Line[] = [];
  #changes: readonly number[] = [];

  constructor(family: (name: string) => MetricMetadata | undefined) {
    this.#family = family;
  }

  text(sets: readonly ShownSet[]): string {
    if (this.#isOutdated(sets)) this.#arrange(sets);
    let text = '';
    for (const { before, series } of this.#lines) text += `${before}${valueText(series.value)}\n`;
    return text;
  }

  #isOutdated(sets: readonly ShownSet[]): boolean {
    const known = this.#changes;
    return sets.length !== known.length || sets.some(({ changes }, i) => changes !== known[i]);
  }

  #arrange(sets: readonly ShownSet[]): void {
    const rows = sets
      .flatMap((set) => [...set.series()])
      .map((series) => ({
        name: classicName(metricName(series.labels)),
        labels: labelsText(series.labels),
        series,
      }));
    // The lines of one family must stand together; within it any fixed order will do.
    rows.sort((a, b) => compare(a.name, b.name) || compare(a.labels, b.labels));
    this.#lines = rows.map(({ name, labels, series }, i) => {
      const head = rows[i - 1]?.name === name ? '' : this.#head(name);
      return { before: `${head}${name}${labels} `, series };
    });
    this.#changes = sets.map(({ changes }) => changes);
  }

  #head(name: string): string {
    const metadata = this.#family(name);
    if (metadata === undefined) return `# TYPE ${name} untyped\n`;
    const help = metadata.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
    const type = metadata.type === 'unknown' ? 'untyped' : metadata.type;
    return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  }
}

interface Line {
  /** All of the line that precedes the value, with the family's head if it is the first of its family. */
  readonly before: string;
  readonly series: ShownSeries;
}

function labelsText(labels: Labels): string {
  const parts: string[] = [];
  for (const [name, value] of labelPairs(labels)) {
    if (name === METRIC_NAME) continue;
    const escaped = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
    parts.push(`${classicName(name)}="${escaped}"`);
  }
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

/** One odd name would make older Prometheis refuse the whole scrape. */
function classicName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_:]/g, '_');
}

function valueText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
