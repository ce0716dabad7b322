import { metric } from '../../../model/labels.ts';
import type { Labels } from '../../../model/labels.ts';
import type { MetricRow } from './metrics.ts';
import type { Readings } from './readings.ts';

type Fields = ReadonlyMap<string, number | string>;

/**
 * The series of one thing (a domain, a vCPU, a disk, a NIC). Label sets are made when a value first comes
 * and are the same objects from then on: that is what makes a sample cheap on its way to the store.
 */
export class SeriesSet {
  readonly #rows: readonly MetricRow[];
  readonly #labels: Readonly<Record<string, string>>;
  readonly #series: (Labels | undefined)[] = [];
  #prefix = '';
  #keys: readonly string[];

  constructor(rows: readonly MetricRow[], labels: Readonly<Record<string, string>>) {
    this.#rows = rows;
    this.#labels = labels;
    this.#keys = rows.map(({ field }) => field);
  }

  /** Whether any of its series has begun and not ended. */
  get hasBegun(): boolean {
    return this.#series.some((labels) => labels !== undefined);
  }

  /**
   * Takes its rows out of what libvirt sent. A field that is absent or unknown (NaN, or negative, which is
   * how libvirt marks what a hypervisor cannot tell) gives no sample: absent is not 0.
   */
  read(fields: Fields, prefix: string, readings: Readings, timeMs: number): void {
    if (prefix !== this.#prefix) {
      this.#prefix = prefix;
      this.#keys = this.#rows.map(({ field }) => prefix + field);
    }
    for (let i = 0; i < this.#keys.length; i++) {
      const value = fields.get(this.#keys[i]!);
      if (typeof value === 'number' && value >= 0) {
        readings.push(this.#labelsOf(i), this.#rows[i]!.convert(value), timeMs);
      }
    }
  }

  #labelsOf(index: number): Labels {
    const { metric: name, labels } = this.#rows[index]!;
    return (this.#series[index] ??= metric(name, { ...this.#labels, ...labels }));
  }

  end(readings: Readings, timeMs: number): void {
    for (const labels of this.#series) if (labels) readings.end(labels, timeMs);
    this.#series.length = 0;
  }
}

/** A series whose labels say what is the case: when that changes, one series ends and another begins. */
export class ChangingSeries {
  #labels: Labels | undefined;
  #case = '';

  push(
    which: string,
    labels: () => Labels,
    value: number,
    { readings, timeMs }: { readonly readings: Readings; readonly timeMs: number },
  ): void {
    if (which !== this.#case) this.end(readings, timeMs);
    this.#case = which;
    this.#labels ??= labels();
    readings.push(this.#labels, value, timeMs);
  }

  end(readings: Readings, timeMs: number): void {
    if (this.#labels) readings.end(this.#labels, timeMs);
    this.#labels = undefined;
  }
}

/** The same kind of series for each of several devices, by name. Those that are no longer named end. */
export class DeviceSeries {
  readonly #rows: readonly MetricRow[];
  readonly #labels: Readonly<Record<string, string>>;
  readonly #labelName: string;
  readonly #devices = new Map<string, SeriesSet>();

  constructor(
    rows: readonly MetricRow[],
    labels: Readonly<Record<string, string>>,
    labelName: string,
  ) {
    this.#rows = rows;
    this.#labels = labels;
    this.#labelName = labelName;
  }

  /** `devices` maps each device that there is now to the prefix of its fields. */
  read(
    devices: ReadonlyMap<string, string>,
    fields: Fields,
    readings: Readings,
    timeMs: number,
  ): void {
    for (const [name, set] of this.#devices) {
      if (devices.has(name)) continue;
      set.end(readings, timeMs);
      this.#devices.delete(name);
    }
    for (const [name, prefix] of devices) {
      let set = this.#devices.get(name);
      if (!set) {
        set = new SeriesSet(this.#rows, { ...this.#labels, [this.#labelName]: name });
        this.#devices.set(name, set);
      }
      set.read(fields, prefix, readings, timeMs);
    }
  }

  has(name: string): boolean {
    return this.#devices.get(name)?.hasBegun ?? false;
  }

  end(readings: Readings, timeMs: number): void {
    for (const set of this.#devices.values()) set.end(readings, timeMs);
    this.#devices.clear();
  }
}
