import { METRIC_NAME, labelValue, metricName } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import { isStale } from '../model/staleness.ts';
import type { Clock } from '../platform/clock.ts';
import type { Querier } from '../query/query.ts';
import type { RawSeries, SeriesReader } from '../store/store.ts';
import { LastSizes } from './inventory/last-sizes.ts';
import { Sightings } from './inventory/sightings.ts';
import type { Sighting } from './inventory/sightings.ts';

/**
 * The hosts and instances that the store knows of, computed from their series alone, whoever sent them.
 * Three things are told apart: an instance has *ended* when its series carry an end marker, or stop while
 * its host's libvirt is being read; it is *unknown* when its host is not heard of; and otherwise it is what
 * libvirt last said.
 */
export interface Inventory {
  readonly nowMs: number;
  readonly hosts: readonly InventoryHost[];
  readonly instances: readonly InventoryInstance[];
  /** Whether there were more instances than one answer holds; those that have ended go first. */
  readonly truncated: boolean;
}

export interface InventoryHost {
  readonly instance: string;
  readonly lastSeenMs: number;
  readonly state: 'live' | 'stale';
  /** Null while it is not known, as is the memory. */
  readonly cpus: number | null;
  readonly memoryBytes: number | null;
  /** `none` only when the host is heard of and has told nothing of libvirt within the window. */
  readonly libvirt: 'up' | 'down' | 'none' | 'unknown';
  /** Instances that have not ended. */
  readonly instances: number;
}

/** libvirt's states by their numbers, as in `libvirt_domain_info_vstate`. */
const DOMAIN_STATES = [
  'nostate',
  'running',
  'blocked',
  'paused',
  'shutdown',
  'shutoff',
  'crashed',
  'pmsuspended',
] as const;

export type InstanceState = (typeof DOMAIN_STATES)[number] | 'ended' | 'unknown';

export interface InventoryInstance {
  readonly uuid: string;
  /** libvirt's name. */
  readonly domain: string;
  /** Nova's display name, or libvirt's name where there is none. */
  readonly name: string;
  readonly host: string;
  readonly project: string;
  readonly flavor: string;
  /** Null while it is not known, as is the memory. */
  readonly vcpus: number | null;
  readonly memoryBytes: number | null;
  /** Within the window that was asked for. */
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly state: InstanceState;
  readonly endedAtMs: number | null;
}

export interface InventoryReader {
  /** What was seen within the window (at most a week), what has ended since included. */
  read(withinMs: number): Promise<Inventory>;
}

export interface InventoryLimits {
  /** Instances in one answer. */
  readonly instancesMax?: number;
  /** Instances that are gone and whose sizes are looked up by one reading; the others wait for the next. */
  readonly lookUpsMax?: number;
}

export const WITHIN_MS_MAX: number = 7 * 86_400_000;

/**
 * Without a sample for this long, or for three of its own intervals, a host is not heard of, and an
 * instance on a host that is read is gone.
 */
const FRESH_MS = 5000;
const FRESH_INTERVALS = 3;
/** Samples this far back belong to the present: sources with a slow rhythm, and delivery that took a while. */
const RECENT_MS = 60_000;
const INSTANCES_MAX = 20_000;
const LOOK_UPS_MAX = 500;
const ANSWER_KEPT_MS = 1000;
const ANSWERS_MAX = 16;
const BUDGET = { seriesMax: 100_000, samplesMax: 5_000_000 };

const META = 'libvirt_domain_info_meta';
const STATE = 'libvirt_domain_info_vstate';
const LIBVIRT_UP = 'libvirt_up';
const HOST_SIGNS = ['node_load1', LIBVIRT_UP] as const;

export function createInventory(
  reader: SeriesReader,
  querier: Querier,
  clock: Pick<Clock, 'now'>,
  limits: InventoryLimits = {},
): InventoryReader {
  const { instancesMax = INSTANCES_MAX, lookUpsMax = LOOK_UPS_MAX } = limits;
  return new Reading(reader, querier, clock, { instancesMax, lookUpsMax });
}

interface HostNow {
  lastSeenMs: number;
  /** How long silence may last. */
  freshMs: number;
  libvirt: LastSample | undefined;
  /** Whether anything was told of libvirt within the window, however long ago. */
  hasLibvirtSeries: boolean;
}

interface LastSample {
  readonly timeMs: number;
  readonly value: number;
  readonly isEnd: boolean;
  readonly freshMs: number;
}

class Reading implements InventoryReader {
  readonly #reader: SeriesReader;
  readonly #querier: Querier;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #sightings: Sightings;
  readonly #lastSizes: LastSizes;
  readonly #limits: Required<InventoryLimits>;
  readonly #answers = new Map<
    number,
    { readonly askedMs: number; readonly answer: Promise<Inventory> }
  >();

  constructor(
    reader: SeriesReader,
    querier: Querier,
    clock: Pick<Clock, 'now'>,
    limits: Required<InventoryLimits>,
  ) {
    this.#limits = limits;
    this.#reader = reader;
    this.#querier = querier;
    this.#clock = clock;
    this.#sightings = new Sightings(reader);
    this.#lastSizes = new LastSizes(querier);
  }

  /** Pages that ask within the same second for the same window get the same answer. */
  read(withinMs: number): Promise<Inventory> {
    const nowMs = Math.floor(this.#clock.now());
    const recent = this.#answers.get(withinMs);
    if (recent && Math.abs(nowMs - recent.askedMs) < ANSWER_KEPT_MS) return recent.answer;
    if (this.#answers.size >= ANSWERS_MAX) this.#answers.clear();
    const answer = this.#read(withinMs, nowMs);
    this.#answers.set(withinMs, { askedMs: nowMs, answer });
    // A failure is told to who asked, and not kept for others.
    answer.catch(() => this.#answers.delete(withinMs));
    return answer;
  }

  async #read(withinMs: number, nowMs: number): Promise<Inventory> {
    const fromMs = nowMs - Math.min(Math.max(withinMs, RECENT_MS), WITHIN_MS_MAX);
    const hosts = await this.#hosts(fromMs, nowMs);
    const { instances, truncated } = await this.#instances(fromMs, nowMs, hosts);
    return { nowMs, hosts: await this.#described(hosts, instances, nowMs), instances, truncated };
  }

  async #hosts(fromMs: number, nowMs: number): Promise<Map<string, HostNow>> {
    const hosts = new Map<string, HostNow>();
    const matchers = [anyOf(METRIC_NAME, HOST_SIGNS)];
    const recent = await this.#select(matchers, nowMs - RECENT_MS, nowMs);
    for (const series of recent) {
      const last = lastOf(series);
      const instance = labelValue(series.labels, 'instance');
      if (instance === '' || last === undefined) continue;
      const host = hosts.get(instance) ?? newHost();
      host.lastSeenMs = Math.max(host.lastSeenMs, last.timeMs);
      host.freshMs = Math.max(host.freshMs, last.freshMs);
      if (metricName(series.labels) === LIBVIRT_UP && !last.isEnd) {
        if (!host.libvirt || host.libvirt.timeMs < last.timeMs) host.libvirt = last;
      }
      hosts.set(instance, host);
    }
    const request = { matchers, fromMs, toMs: nowMs };
    const all = await this.#reader.series(request);
    const missing = all.filter((labels) => !hosts.has(labelValue(labels, 'instance')));
    const seen = await this.#sightings.of(missing, { fromMs, toMs: nowMs - RECENT_MS });
    for (const [labels, { lastMs }] of seen) {
      const instance = labelValue(labels, 'instance');
      if (instance === '') continue;
      const host = hosts.get(instance) ?? newHost();
      host.lastSeenMs = Math.max(host.lastSeenMs, lastMs);
      host.freshMs = FRESH_MS;
      hosts.set(instance, host);
    }
    for (const labels of all) {
      const host = hosts.get(labelValue(labels, 'instance'));
      if (host && metricName(labels) === LIBVIRT_UP) host.hasLibvirtSeries = true;
    }
    return hosts;
  }

  async #instances(
    fromMs: number,
    nowMs: number,
    hosts: ReadonlyMap<string, HostNow>,
  ): Promise<Pick<Inventory, 'instances' | 'truncated'>> {
    const states = new Map<string, LastSample>();
    const recent = await this.#select([is(METRIC_NAME, STATE)], nowMs - RECENT_MS, nowMs);
    for (const series of recent) {
      const last = lastOf(series);
      const key = instanceKey(series.labels);
      // A domain that was defined anew is a new series: the later one counts.
      if (last && last.timeMs >= (states.get(key)?.timeMs ?? 0)) states.set(key, last);
    }
    const request = {
      matchers: [is(METRIC_NAME, META)],
      fromMs,
      toMs: nowMs,
    };
    const all = await this.#reader.series(request);
    const { instancesMax } = this.#limits;
    const truncated = all.length > instancesMax;
    const metas = truncated ? presentFirst(all, states).slice(0, instancesMax) : all;
    const seen = await this.#sightings.of(metas, { fromMs, toMs: nowMs });
    const found = new Map<string, InventoryInstance>();
    const sizes = await this.#sizes(nowMs);
    for (const [labels, sighting] of seen) {
      const host = hosts.get(labelValue(labels, 'instance'));
      const state = states.get(instanceKey(labels));
      const instance = describe(labels, sighting, { state, host, nowMs, sizes });
      const other = found.get(instance.uuid);
      found.set(instance.uuid, other ? merged(other, instance) : instance);
    }
    const instances = await this.#withLastSizes([...found.values()]);
    instances.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    return { instances, truncated };
  }

  /** The same instances; those that no longer tell their sizes with the ones they told last. */
  async #withLastSizes(instances: InventoryInstance[]): Promise<InventoryInstance[]> {
    const silent = instances
      .map((instance, at) => ({ instance, at }))
      .filter(({ instance }) => instance.vcpus === null && instance.memoryBytes === null)
      .sort((a, b) => b.instance.lastSeenMs - a.instance.lastSeenMs);
    let lookUpsLeft = this.#limits.lookUpsMax;
    for (const { instance, at } of silent) {
      let size = this.#lastSizes.known(instance);
      if (!size && lookUpsLeft-- > 0) size = await this.#lastSizes.lookUp(instance);
      if (size) instances[at] = { ...instance, ...size };
    }
    return instances;
  }

  /** Virtual CPUs and memory of every instance that still tells them, by key. */
  async #sizes(nowMs: number): Promise<Sizes> {
    const ask = (name: string): Promise<ReadonlyMap<string, number>> =>
      this.#latest(name, nowMs, instanceKey);
    const [vcpus, memory] = await Promise.all([
      ask('libvirt_domain_info_virtual_cpus'),
      ask('libvirt_domain_info_maximum_memory_bytes'),
    ]);
    return { vcpus, memory };
  }

  async #described(
    hosts: ReadonlyMap<string, HostNow>,
    instances: readonly InventoryInstance[],
    nowMs: number,
  ): Promise<readonly InventoryHost[]> {
    const byInstance = (labels: Labels): string => labelValue(labels, 'instance');
    const [cpus, memory] = await Promise.all([
      this.#latest('count by (instance) (node_cpu_seconds_total{mode="idle"})', nowMs, byInstance),
      this.#latest('node_memory_MemTotal_bytes', nowMs, byInstance),
    ]);
    const counts = new Map<string, number>();
    for (const { host, state } of instances) {
      if (state !== 'ended') counts.set(host, (counts.get(host) ?? 0) + 1);
    }
    return [...hosts]
      .map(([instance, host]): InventoryHost => {
        const isLive = nowMs - host.lastSeenMs <= host.freshMs * 2;
        return {
          instance,
          lastSeenMs: host.lastSeenMs,
          state: isLive ? 'live' : 'stale',
          cpus: cpus.get(instance) ?? null,
          memoryBytes: memory.get(instance) ?? null,
          libvirt: isLive ? libvirtOf(host) : 'unknown',
          instances: counts.get(instance) ?? 0,
        };
      })
      .sort((a, b) => (a.instance < b.instance ? -1 : 1));
  }

  /** The value of a query for each key; the last five minutes count, so that a stale host keeps its size. */
  async #latest(
    text: string,
    timeMs: number,
    keyOf: (labels: Labels) => string,
  ): Promise<ReadonlyMap<string, number>> {
    const { value } = await this.#querier.instant({
      text,
      timeMs,
      lookbackMs: 300_000,
    });
    const elements = value.kind === 'vector' ? value.elements : [];
    return new Map(elements.map((element) => [keyOf(element.labels), element.value]));
  }

  #select(
    matchers: readonly Matcher[],
    fromMs: number,
    toMs: number,
  ): Promise<readonly RawSeries[]> {
    return this.#reader.select({
      matchers,
      fromMs,
      toMs,
      budget: BUDGET,
    });
  }
}

function newHost(): HostNow {
  return { lastSeenMs: 0, freshMs: 0, libvirt: undefined, hasLibvirtSeries: false };
}

/** What is known of libvirt on a host that is heard of. */
function libvirtOf({ libvirt, hasLibvirtSeries }: HostNow): InventoryHost['libvirt'] {
  if (libvirt === undefined) return hasLibvirtSeries ? 'unknown' : 'none';
  return libvirt.value === 1 ? 'up' : 'down';
}

/** Descriptions of what tells its state at present before those of what may be gone. */
function presentFirst(
  metas: readonly Labels[],
  states: ReadonlyMap<string, LastSample>,
): readonly Labels[] {
  const isPresent = (labels: Labels): boolean => states.get(instanceKey(labels))?.isEnd === false;
  return [...metas.filter(isPresent), ...metas.filter((labels) => !isPresent(labels))];
}

interface Sizes {
  readonly vcpus: ReadonlyMap<string, number>;
  readonly memory: ReadonlyMap<string, number>;
}

function describe(
  labels: Labels,
  sighting: Sighting,
  now: {
    readonly state: LastSample | undefined;
    readonly host: HostNow | undefined;
    readonly nowMs: number;
    readonly sizes: Sizes;
  },
): InventoryInstance {
  const key = instanceKey(labels);
  const domain = labelValue(labels, 'domain');
  const lastSeenMs = Math.max(sighting.lastMs, now.state?.timeMs ?? 0);
  const verdict = judge(sighting, lastSeenMs, now);
  return {
    uuid: labelValue(labels, 'uuid'),
    domain,
    name: labelValue(labels, 'instance_name') || domain,
    host: labelValue(labels, 'instance'),
    project: labelValue(labels, 'project_name'),
    flavor: labelValue(labels, 'flavor'),
    vcpus: now.sizes.vcpus.get(key) ?? null,
    memoryBytes: now.sizes.memory.get(key) ?? null,
    firstSeenMs: sighting.firstMs,
    lastSeenMs,
    ...verdict,
  };
}

function judge(
  sighting: Sighting,
  lastSeenMs: number,
  {
    state,
    host,
    nowMs,
  }: {
    readonly state: LastSample | undefined;
    readonly host: HostNow | undefined;
    readonly nowMs: number;
  },
): { readonly state: InstanceState; readonly endedAtMs: number | null } {
  // The later of the two says how it is; each of them may carry the marker.
  const isEnd = state && state.timeMs >= sighting.lastMs ? state.isEnd : sighting.isEnd;
  if (isEnd) return { state: 'ended', endedAtMs: lastSeenMs };
  const libvirt = host?.libvirt;
  const isRead =
    libvirt !== undefined && libvirt.value === 1 && nowMs - libvirt.timeMs <= libvirt.freshMs;
  if (!isRead) return { state: 'unknown', endedAtMs: null };
  // Compared with the host's own last sign, not with the clock: what delays one delays both. Without a
  // state the description is all there is, and that has a slow rhythm.
  const behindMs = libvirt.timeMs - (state?.timeMs ?? lastSeenMs);
  const isGone = behindMs > (state ? state.freshMs : RECENT_MS / 2);
  if (isGone) return { state: 'ended', endedAtMs: lastSeenMs };
  return { state: DOMAIN_STATES[state?.value ?? -1] ?? 'unknown', endedAtMs: null };
}

/**
 * One instance seen under two label sets: after a migration, on two hosts; after a resize, with two
 * flavors. The one seen last is the instance, the other its past.
 */
function merged(a: InventoryInstance, b: InventoryInstance): InventoryInstance {
  const isAhead =
    (a.state !== 'ended') === (b.state !== 'ended')
      ? a.lastSeenMs >= b.lastSeenMs
      : a.state !== 'ended';
  const [present, past] = isAhead ? [a, b] : [b, a];
  return { ...present, firstSeenMs: Math.min(present.firstSeenMs, past.firstSeenMs) };
}

function lastOf({ times, values }: RawSeries): LastSample | undefined {
  const last = times.length - 1;
  if (last < 0) return undefined;
  const intervalMs = last > 0 ? times[last]! - times[last - 1]! : 0;
  return {
    timeMs: times[last]!,
    value: values[last]!,
    isEnd: isStale(values[last]!),
    freshMs: Math.max(FRESH_MS, intervalMs * FRESH_INTERVALS),
  };
}

function instanceKey(labels: Labels): string {
  return `${labelValue(labels, 'instance')}\ud800${labelValue(labels, 'uuid')}`;
}

function is(name: string, value: string): Matcher {
  return { name, operator: '=', value };
}

function anyOf(name: string, words: readonly string[]): Matcher {
  return { name, operator: '=~', value: words.join('|') };
}
