export type LabelRecord = Readonly<Record<string, string>>;

/** One line of the live stream. Values stand in the order of the panel's latest `series` line. */
export type LiveEvent =
  | { readonly kind: 'series'; readonly panel: string; readonly series: readonly LabelRecord[] }
  | {
      readonly kind: 'tick';
      readonly timeMs: number;
      /** NaN where there is no value. */
      readonly values: ReadonlyMap<string, Float64Array>;
    }
  | { readonly kind: 'error'; readonly panel: string; readonly message: string };

/** Reads one line; undefined for a kind that this page does not know. Throws on anything malformed. */
export function decodeEvent(line: string): LiveEvent | undefined {
  const event = JSON.parse(line) as unknown;
  if (!isRecord(event)) throw new SyntaxError('a line of the live stream is not an object');
  switch (event['kind']) {
    case 'series':
      return { kind: 'series', panel: textOf(event['panel']), series: seriesOf(event['series']) };
    case 'tick':
      return decodeTick(event);
    case 'error':
      return { kind: 'error', panel: textOf(event['panel']), message: textOf(event['message']) };
    default:
      return undefined;
  }
}

function decodeTick(event: Readonly<Record<string, unknown>>): LiveEvent {
  const { timeMs, values } = event;
  if (typeof timeMs !== 'number' || !isRecord(values)) {
    throw new SyntaxError('a tick of the live stream has no time or no values');
  }
  const columns = new Map<string, Float64Array>();
  for (const [panel, column] of Object.entries(values)) {
    if (!Array.isArray(column)) throw new SyntaxError(`the values of "${panel}" are not a list`);
    columns.set(panel, Float64Array.from(column, decodeValue));
  }
  return { kind: 'tick', timeMs, values: columns };
}

/** Numbers as JSON has them, and the three that JSON lacks as Prometheus writes them. */
export function decodeValue(value: unknown): number {
  if (typeof value === 'number') return value;
  if (value === '+Inf' || value === 'Inf') return Infinity;
  if (value === '-Inf') return -Infinity;
  if (typeof value === 'string' && value !== '') return Number(value);
  return NaN;
}

function seriesOf(value: unknown): readonly LabelRecord[] {
  if (!Array.isArray(value)) throw new SyntaxError('a series line of the live stream has no list');
  return value.map((labels) => {
    if (!isRecord(labels)) throw new SyntaxError('a series of the live stream has no labels');
    return Object.fromEntries(Object.entries(labels).map(([name, text]) => [name, String(text)]));
  });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text that is equal exactly for equal label sets. */
export function seriesKey(labels: LabelRecord): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
