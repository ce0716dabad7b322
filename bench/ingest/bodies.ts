/**
 * What thirty hosts would send: remote-write bodies, one for each host and second, made before anything is
 * measured. The same for everyone and each time, but for the time that they begin at.
 */
import { encodeSnappy, field, varint } from '../../test/ingest/remote-write-encoder.ts';

export interface Load {
  readonly hosts: number;
  readonly seriesPerHost: number;
  readonly ticks: number;
}

export interface Bodies {
  /** Of each host, its bodies in the order in which they are to arrive. */
  readonly ofHosts: readonly (readonly Uint8Array[])[];
  readonly samples: number;
  readonly bytes: number;
  readonly lastTimeMs: number;
}

interface Series {
  readonly labels: Uint8Array;
  readonly next: () => number;
}

/** What a host has most of: counters, then gauges that wander, then values that hardly ever change. */
const KINDS = ['counter', 'counter', 'counter', 'gauge', 'gauge', 'constant'] as const;
const TICK_MS = 1000;

export function makeBodies({ hosts, seriesPerHost, ticks }: Load, fromMs: number): Bodies {
  const random = randomFrom(1);
  const ofHosts = Array.from({ length: hosts }, (_host, host) => {
    const series = Array.from({ length: seriesPerHost }, (_series, i) =>
      makeSeries(host, i, random),
    );
    return Array.from({ length: ticks }, (_tick, tick) =>
      encodeSnappy(makeRequest(series, fromMs + tick * TICK_MS)),
    );
  });
  const bytes = ofHosts.flat().reduce((sum, body) => sum + body.length, 0);
  const lastTimeMs = fromMs + (ticks - 1) * TICK_MS;
  return { ofHosts, samples: hosts * seriesPerHost * ticks, bytes, lastTimeMs };
}

function makeSeries(host: number, i: number, random: () => number): Series {
  const kind = KINDS[i % KINDS.length]!;
  const labels = [
    ['__name__', `bench_${kind}_${i % 40}${kind === 'counter' ? '_total' : ''}`],
    // Different for each, so that counting all of them may leave their names away.
    ['device', `device${i}`],
    ['instance', `host-${String(host).padStart(3, '0')}.example:9100`],
    ['job', 'bench'],
  ] as const;
  let value = Math.floor(random() * 1e6);
  const rate = 1 + Math.floor(random() * 1000);
  return {
    labels: Buffer.concat(
      labels.map(([name, text]) => field(1, Buffer.concat([field(1, name), field(2, text)]))),
    ),
    next() {
      if (kind === 'counter') value += Math.floor(random() * rate);
      if (kind === 'gauge') value = Math.round((value + (random() - 0.5) * rate) * 100) / 100;
      return value;
    },
  };
}

function makeRequest(series: readonly Series[], timeMs: number): Uint8Array {
  const time = varint(timeMs);
  return Buffer.concat(
    series.map(({ labels, next }) => {
      const value = Buffer.alloc(9);
      value[0] = (1 << 3) | 1;
      value.writeDoubleLE(next(), 1);
      const sample = field(2, Buffer.concat([value, Uint8Array.of(2 << 3), time]));
      return field(1, Buffer.concat([labels, sample]));
    }),
  );
}

/** Uniform in [0, 1), the same for the same seed: 32 bits of a multiplicative generator. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
