import type {
  InstanceState,
  Inventory,
  InventoryHost,
  InventoryInstance,
} from '../api/inventory.ts';
import { NO_VALUE, formatCapacity } from '../format/units.ts';
import type { Unit } from '../format/units.ts';
import { seriesKey } from '../live/event.ts';
import type { Measure } from './queries.ts';

/** What is known now of a host or an instance; null where there is no current value. */
export interface Load {
  /** Cores in use. */
  readonly cores: number | null;
  /** Share of the cores it has, 0 to 1. */
  readonly cpu: number | null;
  readonly memoryBytes: number | null;
  /**
   * Share of the memory it has, 0 to 1. What an instance takes of its host includes what QEMU needs for
   * itself, so that a small one passes what it was assigned: that is still all of it, and no more.
   */
  readonly memory: number | null;
  readonly received: number | null;
  readonly sent: number | null;
  readonly read: number | null;
  readonly written: number | null;
}

export type Row =
  | {
      readonly kind: 'host';
      readonly id: string;
      readonly host: InventoryHost;
      readonly load: Load;
    }
  | {
      readonly kind: 'instance';
      readonly id: string;
      readonly instance: InventoryInstance;
      /** Its state as far as it can be known: `unknown` when its host has gone silent. */
      readonly state: InventoryInstance['state'];
      readonly load: Load;
    };

export type LatestValues = (
  kind: 'host' | 'instance',
  measure: Measure,
) => ReadonlyMap<string, number>;

export const NO_LOAD: Load = {
  cores: null,
  cpu: null,
  memoryBytes: null,
  memory: null,
  received: null,
  sent: null,
  read: null,
  written: null,
};

const WITHOUT_LOAD: ReadonlySet<string> = new Set(['ended', 'unknown', 'shutoff', 'crashed']);

/**
 * Joins what exists with what it does now. Hosts that are silent and instances that have ended, are off or
 * of unknown state have no numbers, whatever the stream still says: an old value is not a current one.
 * Once the inventory itself is outdated, every host counts as silent.
 */
export function fleetRows(
  inventory: Inventory,
  latest: LatestValues,
  outdated = false,
): readonly Row[] {
  const staleHosts = new Set<string>();
  const hostValues = columns((measure) => latest('host', measure));
  const instanceValues = columns((measure) => latest('instance', measure));
  const rows: Row[] = inventory.hosts.map((known) => {
    const host = { ...known, state: hostStateNow(known.state, outdated) };
    if (host.state === 'stale') staleHosts.add(host.instance);
    const key = seriesKey({ instance: host.instance });
    const capacity = { cores: host.cpus, memoryBytes: host.memoryBytes };
    const load = host.state === 'live' ? loadOf(hostValues, key, capacity) : NO_LOAD;
    return { kind: 'host', id: `host ${host.instance}`, host, load };
  });
  for (const instance of inventory.instances) {
    const state = instanceStateNow(instance.state, staleHosts.has(instance.host));
    const key = seriesKey({ uuid: instance.uuid });
    const capacity = { cores: instance.vcpus, memoryBytes: instance.memoryBytes };
    const load = WITHOUT_LOAD.has(state) ? NO_LOAD : loadOf(instanceValues, key, capacity);
    rows.push({ kind: 'instance', id: instance.uuid, instance, state, load });
  }
  return rows;
}

/** `unheard`: what the inventory says is from before a silence. */
export function hostStateNow(
  state: InventoryHost['state'],
  unheard: boolean,
): InventoryHost['state'] {
  return unheard ? 'stale' : state;
}

/** The same of an instance; what has ended stays so, whoever is silent. */
export function instanceStateNow(state: InstanceState, unheard: boolean): InstanceState {
  return unheard && state !== 'ended' ? 'unknown' : state;
}

type Columns = Readonly<Record<Measure, ReadonlyMap<string, number>>>;

/** Each measure is looked up once, not once for each row: there may be thousands of them. */
function columns(of: (measure: Measure) => ReadonlyMap<string, number>): Columns {
  return {
    cores: of('cores'),
    memory: of('memory'),
    received: of('received'),
    sent: of('sent'),
    read: of('read'),
    written: of('written'),
  };
}

function loadOf(
  values: Columns,
  key: string,
  capacity: { readonly cores: number | null; readonly memoryBytes: number | null },
): Load {
  const number = (measure: Measure): number | null => {
    const known = values[measure].get(key);
    return known !== undefined && Number.isFinite(known) ? known : null;
  };
  const cores = number('cores');
  const memoryBytes = number('memory');
  return {
    cores,
    cpu: share(cores, capacity.cores),
    memoryBytes,
    memory: capped(share(memoryBytes, capacity.memoryBytes)),
    received: number('received'),
    sent: number('sent'),
    read: number('read'),
    written: number('written'),
  };
}

function share(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || !(whole > 0) ? null : part / whole;
}

function capped(part: number | null): number | null {
  return part === null ? null : Math.min(part, 1);
}

/** What several hosts have together, as far as they have told. */
export interface Capacity {
  readonly known: number;
  /** Hosts whose part is missing. */
  readonly hostsUnknown: number;
}

/** `of 96 cores`; `of at least 96 cores` where a host has not told; `of –` where none has. */
export function capacityText(unit: Unit, { known, hostsUnknown }: Capacity): string {
  if (known === 0) return `of ${NO_VALUE}`;
  return `of ${hostsUnknown > 0 ? 'at least ' : ''}${formatCapacity(unit, known)}`;
}

export interface FleetSummary {
  readonly hostsLive: number;
  readonly hostsStale: number;
  readonly cpus: Capacity;
  readonly memoryBytes: Capacity;
  readonly running: number;
  readonly ended: number;
  readonly unknown: number;
  readonly otherwise: number;
}

/** Counts over the whole fleet; capacities are those of live hosts, as the totals beside them are. */
export function summarise(rows: readonly Row[]): FleetSummary {
  const sum = {
    hostsLive: 0,
    hostsStale: 0,
    running: 0,
    ended: 0,
    unknown: 0,
    otherwise: 0,
  };
  const live: InventoryHost[] = [];
  for (const row of rows) {
    if (row.kind === 'host') {
      if (row.host.state === 'stale') sum.hostsStale++;
      else {
        sum.hostsLive++;
        live.push(row.host);
      }
    } else if (row.state === 'running' || row.state === 'ended' || row.state === 'unknown') {
      sum[row.state]++;
    } else sum.otherwise++;
  }
  return {
    ...sum,
    cpus: together(live.map((host) => host.cpus)),
    memoryBytes: together(live.map((host) => host.memoryBytes)),
  };
}

function together(parts: readonly (number | null)[]): Capacity {
  const told = parts.filter((part) => part !== null);
  return {
    known: told.reduce((sum, part) => sum + part, 0),
    hostsUnknown: parts.length - told.length,
  };
}
