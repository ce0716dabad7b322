import { getJson } from './request.ts';

export type InstanceState =
  | 'running'
  | 'paused'
  | 'shutoff'
  | 'crashed'
  | 'pmsuspended'
  | 'blocked'
  | 'shutdown'
  | 'nostate'
  | 'ended'
  | 'unknown';

export interface InventoryHost {
  readonly instance: string;
  readonly lastSeenMs: number;
  readonly state: 'live' | 'stale';
  /** Null while it is not known, as everywhere here. */
  readonly cpus: number | null;
  readonly memoryBytes: number | null;
  readonly libvirt: 'up' | 'down' | 'none' | 'unknown';
  readonly instances: number;
}

export interface InventoryInstance {
  readonly uuid: string;
  readonly domain: string;
  readonly name: string;
  readonly host: string;
  readonly project: string;
  readonly flavor: string;
  readonly vcpus: number | null;
  readonly memoryBytes: number | null;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly state: InstanceState;
  readonly endedAtMs: number | null;
}

export interface Inventory {
  readonly nowMs: number;
  readonly hosts: readonly InventoryHost[];
  readonly instances: readonly InventoryInstance[];
  /** Whether there are more instances than the answer holds. */
  readonly truncated: boolean;
}

/** Hosts and instances seen within the window, ended ones included. */
export async function fetchInventory(within: string, signal: AbortSignal): Promise<Inventory> {
  const query = new URLSearchParams({ within }).toString();
  return (await getJson(`/api/nephoscope/v1/inventory?${query}`, signal)) as Inventory;
}
