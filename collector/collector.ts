import { assert } from '../model/assert.ts';
import type { SampleBatch } from '../model/sample.ts';
import type { Platform } from '../platform/platform.ts';
import { Exposition } from './exposition.ts';
import { CollectorLoop } from './loop/loop.ts';
import type { LoopStatus } from './loop/loop.ts';
import { hostFamily } from './sources/host/families.ts';
import { hostSources, libvirtSource } from './sources.ts';

export interface CollectorOptions {
  /** How often what moves is read: 100 ms to 1 h. What seldom changes is read every 10 or 30 s. */
  readonly intervalMs: number;
  /** A prefix for /proc, /sys and the like: empty for this machine's own, else a recorded tree. */
  readonly root: string;
  /** The label `instance` of every series; the machine's host name when absent. */
  readonly instance?: string;
  readonly libvirt: {
    readonly enabled: boolean;
    /** Tried in this order. */
    readonly sockets: readonly string[];
  };
}

export const INTERVAL_MS_MIN = 100;
export const INTERVAL_MS_MAX = 3_600_000;

export const DEFAULT_COLLECTOR_OPTIONS: CollectorOptions = {
  intervalMs: 1000,
  root: '',
  libvirt: {
    enabled: true,
    sockets: [
      '/run/libvirt/libvirt-sock-ro',
      '/var/run/libvirt/libvirt-sock-ro',
      '/run/libvirt/virtqemud-sock-ro',
    ],
  },
};

/** What the collector needs of the world. */
export type CollectorPlatform = Pick<
  Platform,
  'clock' | 'network' | 'log' | 'telemetry' | 'machine' | 'kernelTree'
>;

/** The sources that this machine has, at work. */
export interface Collector {
  /**
   * Ends reading, waits a few seconds at most for the last samples to be delivered, closes all sources.
   * Series get no end marker: a restart is a gap, not an end.
   */
  stop(): Promise<void>;
  status(): CollectorStatus;
  /**
   * This machine's series in Prometheus's text format, as node_exporter gives them: without `job` and
   * `instance`, which are for whoever scrapes. Waits for no source.
   */
  hostExposition(): string;
}

export interface CollectorStatus extends LoopStatus {
  readonly instance: string;
  readonly intervalMs: number;
}

/**
 * Starts reading this machine. Batches go to `deliver`, a few at once; its promise resolves when the samples
 * are durable. When it rejects or is slow, the samples of the last minute are kept and brought again.
 */
export function startCollector(
  options: Partial<CollectorOptions>,
  deliver: (batch: SampleBatch) => Promise<void>,
  platform: CollectorPlatform,
): Collector {
  const { intervalMs, root, libvirt } = { ...DEFAULT_COLLECTOR_OPTIONS, ...options };
  assert(
    intervalMs >= INTERVAL_MS_MIN && intervalMs <= INTERVAL_MS_MAX,
    `the collector's interval is from ${INTERVAL_MS_MIN} ms to an hour, not ${intervalMs} ms`,
  );
  const instance = options.instance ?? platform.machine.hostname;
  const log = platform.log.component('collector');
  const sources = [...hostSources(platform.kernelTree(root), platform.clock, intervalMs)];
  if (libvirt.enabled) {
    sources.push(libvirtSource({ sockets: libvirt.sockets, intervalMs }, platform));
  }
  const loop = new CollectorLoop(sources, { intervalMs, instance }, deliver, { ...platform, log });
  const exposition = new Exposition(hostFamily);
  loop.start();
  return {
    stop: () => loop.stop(),
    status: () => ({ instance, intervalMs, ...loop.status() }),
    hostExposition: () => exposition.text(loop.look('node')),
  };
}
