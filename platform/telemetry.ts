/**
 * What we count about ourselves; shown on `/metrics`. Names begin with `nephoscope_` and the folder's name
 * and follow Prometheus's rules (base units, `_total` for counters). Asking twice for the same name gives
 * the same instrument. Label values must come from a small closed set.
 */
export interface Telemetry {
  counter(name: string, help: string, labelNames?: readonly string[]): Counter;
  gauge(name: string, help: string, labelNames?: readonly string[]): Gauge;
  /** `buckets` are upper bounds, ascending; the default suits durations in seconds. */
  histogram(
    name: string,
    help: string,
    options?: { readonly labelNames?: readonly string[]; readonly buckets?: readonly number[] },
  ): Histogram;
}

export type TelemetryLabels = Readonly<Record<string, string>>;

export interface Counter {
  add(amount: number, labels?: TelemetryLabels): void;
}

export interface Gauge {
  set(value: number, labels?: TelemetryLabels): void;
}

export interface Histogram {
  observe(value: number, labels?: TelemetryLabels): void;
}

const nothing = { add() {}, set() {}, observe() {} };

export const NO_TELEMETRY: Telemetry = {
  counter: () => nothing,
  gauge: () => nothing,
  histogram: () => nothing,
};
