/** What a process can do. All of it by default; parts of it where the work is split over machines. */
export type Role = 'collector' | 'probes' | 'ingest' | 'query' | 'alerter' | 'dashboard';

export const ROLES: readonly Role[] = [
  'collector',
  'probes',
  'ingest',
  'query',
  'alerter',
  'dashboard',
];

/** The parts that roles are made of. The gate and the store have no role of their own. */
export interface Parts {
  readonly store: boolean;
  readonly ingest: boolean;
  readonly collector: boolean;
  readonly alerter: boolean;
  readonly dashboard: boolean;
  /** Whether others may write over HTTP. */
  readonly write: boolean;
  /** Whether others may query over HTTP. */
  readonly read: boolean;
}

/** What each role needs besides itself. `probes` has no parts yet: it is accepted and does nothing. */
const NEEDS: Readonly<Record<Role, readonly (keyof Parts)[]>> = {
  collector: ['store', 'ingest', 'collector'],
  probes: [],
  ingest: ['store', 'ingest', 'write'],
  query: ['store', 'read'],
  alerter: ['store', 'alerter'],
  dashboard: ['store', 'dashboard', 'read'],
};

export function partsOf(roles: readonly Role[]): Parts {
  const needed = new Set(roles.flatMap((role) => NEEDS[role]));
  return {
    store: needed.has('store'),
    ingest: needed.has('ingest'),
    collector: needed.has('collector'),
    alerter: needed.has('alerter'),
    dashboard: needed.has('dashboard'),
    write: needed.has('write'),
    read: needed.has('read'),
  };
}
