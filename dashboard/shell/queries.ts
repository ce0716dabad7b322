import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { UseQueryResult } from '@tanstack/react-query';
import { fetchInventory } from '../api/inventory.ts';
import type { Inventory } from '../api/inventory.ts';
import { fetchAlerts } from '../api/prometheus.ts';
import type { ActiveAlert } from '../api/prometheus.ts';
import { learnServerTime } from '../api/server-clock.ts';

/** How long an ended instance stays in the list. */
const WITHIN = '1h';
const INVENTORY_INTERVAL_MS = 2000;
const ALERTS_INTERVAL_MS = 5000;

/** What exists: asked for anew every two seconds, so that an end is seen soon after it happened. */
export function useInventory(within: string = WITHIN): UseQueryResult<Inventory> {
  const answer = useQuery({
    queryKey: ['inventory', within],
    queryFn: ({ signal }) => fetchInventory(within, signal),
    refetchInterval: INVENTORY_INTERVAL_MS,
  });
  const nowMs = answer.data?.nowMs;
  useEffect(() => {
    if (nowMs !== undefined) learnServerTime(nowMs);
  }, [nowMs]);
  return answer;
}

/** Two answers missed: what the list says of states is no longer known to hold. */
const OUTDATED_MS = 3 * INVENTORY_INTERVAL_MS;

export function isOutdated(
  answer: Pick<UseQueryResult<Inventory>, 'dataUpdatedAt'>,
  nowMs: number,
): boolean {
  return nowMs - answer.dataUpdatedAt > OUTDATED_MS;
}

export function useAlerts(): UseQueryResult<readonly ActiveAlert[]> {
  return useQuery({
    queryKey: ['alerts'],
    queryFn: ({ signal }) => fetchAlerts(signal),
    refetchInterval: ALERTS_INTERVAL_MS,
  });
}
