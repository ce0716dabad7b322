import { assert } from '../../model/assert.ts';
import type {
  Counter,
  Gauge,
  Histogram,
  Telemetry,
  TelemetryLabels,
} from '../../platform/telemetry.ts';

type InstrumentKind = 'counter' | 'gauge' | 'histogram';

interface Instrument {
  readonly kind: InstrumentKind;
  readonly labelNames: readonly string[];
  /** Of a histogram: the sum. */
  readonly values: Map<string, number>;
  readonly counts: Map<string, number>;
}

/** Telemetry that a test can read; as strict as the real one about names, kinds and labels. */
export class RecordingTelemetry implements Telemetry {
  readonly #instruments = new Map<string, Instrument>();

  /** The value of a counter or gauge, the sum of a histogram; undefined before the first. */
  value(name: string, labels: TelemetryLabels = {}): number | undefined {
    return this.#instruments.get(name)?.values.get(keyOf(labels));
  }

  /** Over all label values. */
  total(name: string): number {
    let sum = 0;
    for (const value of this.#instruments.get(name)?.values.values() ?? []) sum += value;
    return sum;
  }

  /** How often a histogram was told a value. */
  count(name: string, labels: TelemetryLabels = {}): number {
    return this.#instruments.get(name)?.counts.get(keyOf(labels)) ?? 0;
  }

  get names(): readonly string[] {
    return [...this.#instruments.keys()].sort();
  }

  counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    assert(name.endsWith('_total'), `the counter ${name} ends in _total`);
    const instrument = this.#instrument('counter', name, help, labelNames);
    return {
      add: (amount, labels = {}) => {
        assert(amount >= 0, `${name} only grows`);
        record(name, instrument, labels, (before) => before + amount);
      },
    };
  }

  gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    const instrument = this.#instrument('gauge', name, help, labelNames);
    return { set: (value, labels = {}) => record(name, instrument, labels, () => value) };
  }

  histogram(
    name: string,
    help: string,
    options: { readonly labelNames?: readonly string[]; readonly buckets?: readonly number[] } = {},
  ): Histogram {
    const instrument = this.#instrument('histogram', name, help, options.labelNames ?? []);
    return {
      observe: (value, labels = {}) => record(name, instrument, labels, (sum) => sum + value),
    };
  }

  #instrument(
    kind: InstrumentKind,
    name: string,
    help: string,
    labelNames: readonly string[],
  ): Instrument {
    assert(/^nephoscope_[a-z0-9_]+$/.test(name), `${name} is a name of ours`);
    assert(help !== '', `${name} has a help text`);
    let instrument = this.#instruments.get(name);
    if (!instrument) {
      instrument = { kind, labelNames, values: new Map(), counts: new Map() };
      this.#instruments.set(name, instrument);
    }
    assert(instrument.kind === kind, `${name} is a ${instrument.kind}`);
    assert(sameNames(instrument.labelNames, labelNames), `${name} has one set of labels`);
    return instrument;
  }
}

function record(
  name: string,
  instrument: Instrument,
  labels: TelemetryLabels,
  next: (before: number) => number,
): void {
  assert(sameNames(instrument.labelNames, Object.keys(labels)), `${name} got its own labels`);
  const key = keyOf(labels);
  instrument.values.set(key, next(instrument.values.get(key) ?? 0));
  instrument.counts.set(key, (instrument.counts.get(key) ?? 0) + 1);
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return [...a].sort().join() === [...b].sort().join();
}

function keyOf(labels: TelemetryLabels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
