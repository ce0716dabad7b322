/** Reads what an exporter shows in Prometheus's text format, as far as tests compare it. */
export interface Exposed {
  /** The type of each family, by its name. */
  readonly types: ReadonlyMap<string, string>;
  readonly helps: ReadonlyMap<string, string>;
  readonly series: readonly ExposedSeries[];
}

export interface ExposedSeries {
  readonly name: string;
  /** Without those that are empty, which is the same as not being there. */
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/s;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\.)*)",?/sy;

/** Strict: a line that is none fails, and so does a family that is told of twice or after its samples. */
export function parseExposition(text: string): Exposed {
  const types = new Map<string, string>();
  const helps = new Map<string, string>();
  const series: ExposedSeries[] = [];
  const ended = new Set<string>();
  let family = '';
  const enter = (name: string): void => {
    if (name === family) return;
    if (ended.has(name)) throw new Error(`${name} stands in two places`);
    ended.add(family);
    family = name;
  };
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  for (const line of text.slice(0, -1).split('\n')) {
    const [, kind, told, rest = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/s.exec(line) ?? [];
    if (kind !== undefined && told !== undefined) {
      enter(told);
      const known = kind === 'TYPE' ? types : helps;
      if (known.has(told)) throw new Error(`two lines of ${kind} for ${told}`);
      known.set(told, rest);
      continue;
    }
    const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`not a sample: ${line}`);
    const isPart = /_(?:sum|count|bucket)$/.test(name) && name.startsWith(`${family}_`);
    if (!isPart) enter(name);
    series.push({ name, labels: parseLabels(labels), value: numberOf(value) });
  }
  return { types, helps, series };
}

function parseLabels(text: string): Record<string, string> {
  const labels: [string, string][] = [];
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name, value] = LABEL.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new Error(`not labels: ${text}`);
    const plain = value.replace(/\\(.)/gs, (_, letter: string) => (letter === 'n' ? '\n' : letter));
    if (plain !== '') labels.push([name, plain]);
  }
  return Object.fromEntries(labels.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function numberOf(text: string): number {
  const special: Readonly<Record<string, number>> = {
    NaN: Number.NaN,
    '+Inf': Number.POSITIVE_INFINITY,
    '-Inf': Number.NEGATIVE_INFINITY,
  };
  const value = special[text] ?? Number(text);
  if (special[text] === undefined && Number.isNaN(value)) throw new Error(`not a value: ${text}`);
  return value;
}
