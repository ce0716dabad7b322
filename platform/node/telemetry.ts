import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { assert } from '../../model/assert.ts';
import type { Telemetry } from '../telemetry.ts';

const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * What is known about the runtime, but for the delay of its event loop over time: that is found out by a
 * timer that rings a hundred times a second, which alone cost as much as all the rest of an idle process.
 * It cannot be left out, but it can ring seldom, and then what it finds says nothing. The delay at the
 * moment of asking stays.
 */
function collectRuntimeMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 3_600_000 });
  for (const what of ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99']) {
    registry.removeSingleMetric(`nodejs_eventloop_lag_${what}_seconds`);
  }
}

/** Each platform has a registry of its own, so that several can live in one process (tests do). */
export function nodeTelemetry(): { readonly telemetry: Telemetry; readonly registry: Registry } {
  const registry = new Registry();
  collectRuntimeMetrics(registry);

  /** One instrument for each name; the same name as another kind is a bug. */
  function once<T>(name: string, kind: new (...rest: never[]) => T, make: () => T): T {
    const known = registry.getSingleMetric(name);
    if (known === undefined) return make();
    assert(known instanceof kind, `the metric ${name} has one kind`);
    return known;
  }

  const telemetry: Telemetry = {
    counter(name, help, labelNames = []) {
      const make = (): Counter =>
        new Counter({ name, help, labelNames: [...labelNames], registers: [registry] });
      const counter = once(name, Counter, make);
      return { add: (amount, labels) => counter.inc(labels ?? {}, amount) };
    },
    gauge(name, help, labelNames = []) {
      const make = (): Gauge =>
        new Gauge({ name, help, labelNames: [...labelNames], registers: [registry] });
      const gauge = once(name, Gauge, make);
      return { set: (value, labels) => gauge.set(labels ?? {}, value) };
    },
    histogram(name, help, { labelNames = [], buckets = DURATION_BUCKETS } = {}) {
      const make = (): Histogram =>
        new Histogram({
          name,
          help,
          labelNames: [...labelNames],
          buckets: [...buckets],
          registers: [registry],
        });
      const histogram = once(name, Histogram, make);
      return { observe: (value, labels) => histogram.observe(labels ?? {}, value) };
    },
  };
  return { telemetry, registry };
}
