import { describe, expect, test } from 'vitest';
import { CollectorLoop } from '../../collector/loop/loop.ts';
import type { DeliveryLimits } from '../../collector/loop/delivery.ts';
import type { SampleSink, Source } from '../../collector/source.ts';
import type { PlacedSource } from '../../collector/sources.ts';
import { labelsToText, metric } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { SampleBatch } from '../../model/sample.ts';
import { isStale } from '../../model/staleness.ts';
import { RecordingLog } from '../simulation/recording-log.ts';
import { RecordingTelemetry } from '../simulation/recording-telemetry.ts';
import { SimulatedClock } from '../simulation/simulated-clock.ts';

/** A store that keeps what it is brought, and can be made to fail or to keep one waiting. */
class Receiver {
  readonly batches: SampleBatch[] = [];
  mood: 'takes' | 'fails' | 'is silent' = 'takes';
  refuses: (batch: SampleBatch) => boolean = () => false;
  attempts = 0;
  underWayMax = 0;
  #underWay = 0;

  deliver = async (batch: SampleBatch): Promise<void> => {
    this.attempts++;
    this.#underWay++;
    this.underWayMax = Math.max(this.underWayMax, this.#underWay);
    if (this.mood === 'is silent') return new Promise(() => {});
    await Promise.resolve();
    this.#underWay--;
    if (this.mood === 'fails' || this.refuses(batch)) {
      // The receiver owns the columns: it may have spoilt them already when it fails.
      batch.values.fill(-1);
      throw new Error('the disk is full');
    }
    this.batches.push(batch);
  };

  /** Samples of the series whose text begins so, as [time, value] with `end` for the marker. */
  samples(prefix: string): (readonly [number, number | 'end'])[] {
    return this.batches.flatMap(({ labels, times, values }) =>
      labels.flatMap((series, i) => {
        if (!labelsToText(series).startsWith(prefix)) return [];
        return [[times[i]!, isStale(values[i]!) ? 'end' : values[i]!] as const];
      }),
    );
  }
}

const value = metric('value');

function source(
  name: string,
  sample: (sink: SampleSink, reading: number) => void | Promise<void>,
  intervalMs = 1000,
): Source {
  let readings = 0;
  return { name, intervalMs, sample: (sink) => sample(sink, ++readings) };
}

const host = (...sources: Source[]): PlacedSource[] =>
  sources.map((one) => ({ source: one, job: 'node', seriesEnd: 'when-absent' }));

function start(
  placed: readonly PlacedSource[],
  options: { readonly intervalMs?: number; readonly delivery?: DeliveryLimits } = {},
) {
  const clock = new SimulatedClock();
  const log = new RecordingLog(clock);
  const telemetry = new RecordingTelemetry();
  const receiver = new Receiver();
  const loop = new CollectorLoop(
    placed,
    { intervalMs: 1000, instance: 'host-1', ...options },
    receiver.deliver,
    { clock, log, telemetry },
  );
  const startMs = clock.now();
  loop.start();
  return { clock, log, telemetry, receiver, loop, startMs };
}

describe('slots', () => {
  test('each source is read at each of its slots, and all of a slot goes out as one batch', async () => {
    const { clock, receiver, startMs, loop } = start(
      host(
        source('a', (sink, n) => sink.push(metric('a'), n)),
        source('b', (sink, n) => sink.push(metric('b'), n * 10)),
      ),
    );
    await clock.advance(3500);
    const seconds = [1, 2, 3].map((second) => startMs + second * 1000);
    expect(receiver.samples('a{')).toEqual(seconds.map((time, i) => [time, i + 1]));
    expect(receiver.samples('b{')).toEqual(seconds.map((time, i) => [time, (i + 1) * 10]));
    expect(receiver.samples('up{')).toEqual(seconds.map((time) => [time, 1]));
    expect(receiver.batches).toHaveLength(3);
    await clock.complete(loop.stop());
  });

  test('series are stamped with job and instance, and the same object goes out each time', async () => {
    const { clock, receiver } = start([
      ...host(source('a', (sink) => sink.push(value, 1))),
      {
        source: source('libvirt', (sink) => sink.push(value, 2)),
        job: 'libvirt',
        seriesEnd: 'when-told',
      },
    ]);
    await clock.advance(2500);
    const objects = new Map<string, Set<Labels>>();
    for (const labels of receiver.batches.flatMap((batch) => batch.labels)) {
      const text = labelsToText(labels);
      objects.set(text, (objects.get(text) ?? new Set()).add(labels));
    }
    expect([...objects.keys()]).toEqual(
      expect.arrayContaining([
        'value{instance="host-1", job="node"}',
        'value{instance="host-1", job="libvirt"}',
        'up{instance="host-1", job="node"}',
        'up{instance="host-1", job="libvirt"}',
        'node_scrape_collector_success{collector="a", instance="host-1", job="node"}',
      ]),
    );
    expect([...objects.values()].every((set) => set.size === 1)).toBe(true);
  });

  test('a job that has nothing to read on this machine is not said to be up', async () => {
    let found = false;
    const { clock, receiver } = start([
      ...host(source('a', (sink) => sink.push(value, 1))),
      {
        source: source('libvirt', (sink) => {
          if (found) sink.push(value, 2);
        }),
        job: 'libvirt',
        seriesEnd: 'when-told',
      },
    ]);
    await clock.advance(2500);
    expect(receiver.samples('up{instance="host-1", job="libvirt"}')).toEqual([]);
    found = true;
    await clock.advance(1000);
    found = false;
    await clock.advance(2000);
    expect(receiver.samples('up{instance="host-1", job="libvirt"}')).toHaveLength(3);
  });

  test('ten readings a second work, and self-metrics stay at one', async () => {
    const { clock, receiver } = start(host(source('a', (sink, n) => sink.push(value, n), 100)), {
      intervalMs: 100,
    });
    await clock.advance(10_050);
    expect(receiver.samples('value')).toHaveLength(100);
    expect(receiver.samples('node_scrape_collector_success')).toHaveLength(10);
  });

  test('a source with a long interval is read at once and then on its slots', async () => {
    const { clock, receiver, startMs } = start(
      host(source('slow', (sink, n) => sink.push(value, n), 10_000)),
    );
    await clock.advance(20_500);
    const times = [startMs, startMs + 10_000, startMs + 20_000];
    expect(receiver.samples('value')).toEqual(times.map((time, i) => [time, i + 1]));
  });

  test('samples carry their own time when the source gives one', async () => {
    const { clock, receiver } = start(host(source('a', (sink) => sink.push(value, 1, 4711))));
    await clock.advance(1500);
    expect(receiver.samples('value')).toEqual([[4711, 1]]);
  });
});

describe('sick sources', () => {
  test('a source that hangs delays no other, loses its series, and comes back', async () => {
    let answer = (): void => {};
    const { clock, receiver, log, telemetry, loop, startMs } = start(
      host(
        source('sick', (sink, n) => {
          sink.push(metric('sick'), n);
          if (n !== 2) return undefined;
          return new Promise<void>((resolve) => {
            answer = resolve;
          });
        }),
        source('well', (sink, n) => sink.push(metric('well'), n)),
      ),
    );
    await clock.advance(20_500);
    expect(receiver.samples('well{')).toHaveLength(20);
    expect(receiver.samples('sick{')).toEqual([
      [startMs + 1000, 1],
      [startMs + 2000, 2],
      // Declared to hang when it has been silent for five seconds.
      [startMs + 7000, 'end'],
    ]);
    expect(receiver.samples('node_scrape_collector_success{collector="sick"').at(-1)![1]).toBe(0);
    expect(receiver.samples('node_scrape_collector_success{collector="well"').at(-1)![1]).toBe(1);
    expect(loop.status().sources.map(({ state }) => state)).toEqual(['hangs', 'reads']);
    expect(log.find('a source hangs')).toHaveLength(1);
    const missed = telemetry.value('nephoscope_collector_slots_missed_total', {
      collector: 'sick',
    });
    expect(missed).toBe(18);
    answer();
    await clock.advance(1000);
    expect(receiver.samples('sick{').at(-1)).toEqual([startMs + 21_000, 3]);
    expect(loop.status().sources.map(({ state }) => state)).toEqual(['reads', 'reads']);
    expect(log.find('a source reads again')).toHaveLength(1);
  });

  test.each(['at once', 'later'])(
    'a run of equal errors, thrown %s, is logged once',
    async (when) => {
      const fail = (words: string): void | Promise<void> => {
        if (when === 'later') return Promise.reject(new Error(words));
        throw new Error(words);
      };
      const { clock, log, receiver, telemetry } = start(
        host(
          source('sick', (sink, n) => {
            if (n <= 3) return fail('no permission');
            if (n === 4) return fail('no such device');
            sink.push(value, n);
            return undefined;
          }),
        ),
      );
      await clock.advance(6500);
      expect(log.find('a source cannot be read').map(({ fields }) => fields['error'])).toEqual([
        'no permission',
        'no such device',
      ]);
      expect(log.find('a source reads again')).toHaveLength(1);
      const success = receiver.samples('node_scrape_collector_success').map(([, one]) => one);
      expect(success).toEqual([0, 0, 0, 0, 1, 1]);
      expect(telemetry.total('nephoscope_collector_failures_total')).toBe(4);
      expect(receiver.samples('value')).toHaveLength(2);
    },
  );
});

test('stopping waits only so long for a source that hangs, and closes all of them', async () => {
  const closed: string[] = [];
  const hanging = source('sick', () => new Promise<void>(() => {}));
  const { clock, log, loop, startMs } = start(
    host(
      { ...hanging, close: () => void closed.push('sick') },
      { ...source('well', (sink) => sink.push(value, 1)), close: () => void closed.push('well') },
    ),
  );
  await clock.advance(1500);
  await clock.complete(loop.stop());
  expect(clock.now() - startMs).toBeLessThan(4000);
  expect(log.find('still reading')[0]!.fields['sources']).toEqual(['sick']);
  expect(closed).toEqual(['sick', 'well']);
});

describe('the end of series', () => {
  const device = (name: string): Labels => metric('bytes', { device: name });

  test('a series that is no longer read ends once, and may come back', async () => {
    const eth0 = device('eth0');
    const eth1 = device('eth1');
    const { clock, receiver, startMs } = start(
      host(
        source('netdev', (sink, n) => {
          sink.push(eth0, n);
          if (n <= 2 || n >= 5) sink.push(eth1, n);
        }),
      ),
    );
    await clock.advance(5500);
    expect(receiver.samples('bytes{device="eth1"')).toEqual([
      [startMs + 1000, 1],
      [startMs + 2000, 2],
      [startMs + 3000, 'end'],
      [startMs + 5000, 5],
    ]);
    expect(receiver.samples('bytes{device="eth0"')).toHaveLength(5);
  });

  test('equal labels in a new object are the same series', async () => {
    const { clock, receiver } = start(
      host(source('netdev', (sink, n) => sink.push(device('eth0'), n))),
    );
    await clock.advance(3500);
    expect(receiver.samples('bytes').map(([, one]) => one)).toEqual([1, 2, 3]);
  });

  test('a source that tells its ends itself may leave series out', async () => {
    const a = metric('a');
    const b = metric('b');
    const { clock, receiver, startMs } = start([
      {
        job: 'libvirt',
        seriesEnd: 'when-told',
        source: source('libvirt', (sink, n) => {
          sink.push(a, n);
          if (n === 1) sink.push(b, n);
          if (n === 3) sink.end(b);
          if (n === 4) sink.end(b);
        }),
      },
    ]);
    await clock.advance(4500);
    expect(receiver.samples('b{')).toEqual([
      [startMs + 1000, 1],
      [startMs + 3000, 'end'],
    ]);
  });

  test('stopping ends nothing and delivers what was read', async () => {
    const { clock, receiver, loop, telemetry } = start(
      host(source('a', (sink, n) => sink.push(value, n))),
    );
    await clock.advance(2002);
    expect(receiver.samples('value')).toHaveLength(1);
    await clock.complete(loop.stop());
    expect(receiver.samples('value').map(([, one]) => one)).toEqual([1, 2]);
    expect(telemetry.total('nephoscope_collector_samples_dropped_total')).toBe(0);
    const { attempts } = receiver;
    await clock.advance(60_000);
    expect(receiver.attempts).toBe(attempts);
    expect(clock.pendingWakes).toBe(0);
  });
});

describe('delivery', () => {
  const readEachSecond = (): PlacedSource[] => host(source('a', (sink, n) => sink.push(value, n)));

  test('what could not be delivered is brought again, whole', async () => {
    const { clock, receiver, log, loop } = start(readEachSecond());
    await clock.advance(1500);
    receiver.mood = 'fails';
    await clock.advance(10_000);
    expect(receiver.samples('value')).toHaveLength(1);
    expect(loop.status().delivery.failing).toBe('the disk is full');
    receiver.mood = 'takes';
    await clock.advance(10_000);
    const values = receiver.samples('value').map(([, one]) => one as number);
    expect(values.sort((a, b) => a - b)).toEqual(values.map((_, i) => i + 1));
    expect(values).toHaveLength(21);
    expect(log.find('samples do not reach the store')).toHaveLength(1);
    expect(log.find('samples reach the store again')).toHaveLength(1);
    expect(loop.status().delivery).toMatchObject({ failing: undefined, samplesWaiting: 0 });
  });

  test('after too long the oldest are given up and counted', async () => {
    const { clock, receiver, telemetry, log, loop } = start(readEachSecond());
    receiver.mood = 'fails';
    await clock.advance(100_500);
    receiver.mood = 'takes';
    await clock.advance(10_000);
    await clock.complete(loop.stop());
    const values = receiver.samples('value').map(([, one]) => one as number);
    const oldest = Math.min(...values);
    // 60 seconds are kept; attempts are up to 5 seconds apart.
    expect(oldest).toBeGreaterThan(35);
    expect(oldest).toBeLessThan(46);
    expect(values).toHaveLength(110 - oldest + 1);
    const dropped = telemetry.total('nephoscope_collector_samples_dropped_total');
    const rowsEach = receiver.batches[0]!.times.length;
    expect(dropped).toBe((oldest - 1) * rowsEach);
    expect(log.find('samples are given up')).toHaveLength(1);
  });

  test('a batch that always fails does not stand in the way of the others', async () => {
    const { clock, receiver, loop } = start(readEachSecond());
    receiver.refuses = (batch) => batch.values.includes(3);
    await clock.advance(30_000);
    expect(receiver.batches.length).toBeGreaterThan(20);
    expect(loop.status().delivery.batchesWaiting).toBeLessThan(5);
  });

  test('a store that is silent is brought only a few batches, and memory stays bounded', async () => {
    const { clock, receiver, loop } = start(readEachSecond());
    receiver.mood = 'is silent';
    await clock.advance(25_000);
    expect(receiver.underWayMax).toBe(4);
    expect(receiver.attempts).toBe(4);
    await clock.advance(300_000);
    expect(loop.status().delivery.batchesWaiting).toBeLessThanOrEqual(61);
    expect(receiver.underWayMax).toBeLessThan(20);
  });

  test('the limit in samples holds, too', async () => {
    const many = Array.from({ length: 100 }, (_, i) => metric('value', { i: String(i) }));
    const { clock, receiver, telemetry, loop } = start(
      host(source('a', (sink) => many.forEach((labels) => sink.push(labels, 1)))),
      { delivery: { heldMs: 60_000, samplesMax: 500, underWayMax: 4, attemptMs: 30_000 } },
    );
    receiver.mood = 'fails';
    await clock.advance(30_500);
    expect(loop.status().delivery.samplesWaiting).toBeLessThanOrEqual(500);
    expect(telemetry.total('nephoscope_collector_samples_dropped_total')).toBeGreaterThan(2000);
  });

  test('stopping does not wait for a dead store for ever, and counts what is lost', async () => {
    const { clock, receiver, telemetry, loop } = start(readEachSecond());
    receiver.mood = 'is silent';
    await clock.advance(10_500);
    const { samplesWaiting } = loop.status().delivery;
    expect(samplesWaiting).toBeGreaterThan(0);
    await clock.complete(loop.stop(), 10_000);
    const dropped = telemetry.total('nephoscope_collector_samples_dropped_total');
    expect(dropped).toBeGreaterThanOrEqual(samplesWaiting);
  });
});

describe('a look between two slots', () => {
  const shown = (loop: CollectorLoop): Readonly<Record<string, number>> =>
    Object.fromEntries(
      loop
        .look('node')
        .flatMap((set) => [...set.series()])
        .map((series) => [labelsToText(series.labels), series.value]),
    );

  test('sees a fresh reading of what moves, of which the store hears nothing', async () => {
    const { clock, receiver, loop, startMs } = start(
      host(source('a', (sink, n) => sink.push(value, n))),
    );
    await clock.advance(1500);
    expect(shown(loop)['value']).toBe(2);
    expect(shown(loop)['value']).toBe(2);
    await clock.advance(1000);
    expect(receiver.samples('value{')).toEqual([
      [startMs + 1000, 1],
      [startMs + 2000, 3],
    ]);
  });

  test('causes no more than ten readings a second', async () => {
    let readings = 0;
    const { clock, loop } = start(host(source('a', () => void readings++)));
    await clock.advance(1010);
    for (let ms = 0; ms < 900; ms += 10) {
      loop.look('node');
      await clock.advance(10);
    }
    expect(readings).toBeLessThanOrEqual(10);
    expect(readings).toBeGreaterThanOrEqual(8);
  });

  test('sees what takes time as it was read last, and waits for nothing', async () => {
    let release = (): void => {};
    const slow = source('a', (sink, n) => {
      sink.push(value, n);
      return new Promise((resolve) => (release = resolve));
    });
    const { clock, loop } = start(host(slow));
    await clock.advance(1500);
    expect(shown(loop)['value']).toBe(1);
    release();
    await clock.advance(200);
    expect(shown(loop)['value']).toBe(1);
  });

  test('a source that fails only then keeps its values, and one that fails in its slot has none', async () => {
    const { clock, loop } = start(
      host(
        source('a', (sink, n) => {
          if (n === 2 || n === 3) throw new Error('no');
          sink.push(value, n);
        }),
      ),
    );
    await clock.advance(1500);
    expect(shown(loop)['value']).toBe(1);
    expect(shown(loop)['node_scrape_collector_success{collector="a"}']).toBe(1);
    await clock.advance(1000);
    expect(shown(loop)['value']).toBeUndefined();
    expect(shown(loop)['node_scrape_collector_success{collector="a"}']).toBe(0);
  });

  test('labels are the own ones, without job and instance, and other jobs are not seen', async () => {
    const { clock, loop } = start([
      ...host(source('a', (sink) => sink.push(metric('m', { x: '1' }), 1))),
      {
        source: source('b', (sink) => sink.push(value, 2)),
        job: 'libvirt',
        seriesEnd: 'when-told',
      },
    ]);
    await clock.advance(1500);
    expect(Object.keys(shown(loop)).sort()).toEqual([
      'm{x="1"}',
      'node_scrape_collector_duration_seconds{collector="a"}',
      'node_scrape_collector_success{collector="a"}',
    ]);
  });
});
