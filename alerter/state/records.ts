import type { ActiveAlert } from '../rules/alert-state.ts';

/**
 * What the alerter knows and must still know after a crash. It is the result of applying all records of
 * the journal in order; a record is applied to memory and disk alike.
 */
export interface AlerterState {
  readonly groups: Map<string, GroupSnapshot>;
  /** Messages that nobody has taken yet, oldest first. */
  readonly outbox: Map<string, OutboxMessage>;
  /** By fingerprint: what people were last told of an alert. */
  readonly announced: Map<string, Announcement>;
}

export interface GroupSnapshot {
  readonly file: string;
  readonly name: string;
  /** The last slot that was evaluated. */
  slotMs: number;
  /** Rules that have alerts, by `ruleKey`; rules with equal keys in file order. */
  readonly rules: readonly { readonly key: string; readonly alerts: readonly ActiveAlert[] }[];
}

export interface OutboxMessage {
  /** Also the message's identity for its receiver: the same however often it is sent. */
  readonly id: string;
  readonly createdMs: number;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** The alerts that it tells of. */
  readonly fingerprints?: readonly string[];
  /** When only some recipients still need it: who, and whether another one has it. */
  readonly left?: { readonly to: readonly string[]; readonly isTaken: boolean };
}

export interface Announcement {
  readonly fingerprint: string;
  readonly status: 'firing' | 'resolved';
  readonly startsAtMs: number;
  /** When the message was made. */
  readonly atMs: number;
  /** When that message was given up: nobody was told. */
  readonly lostAtMs?: number;
}

export type AlerterRecord =
  | { readonly kind: 'group'; readonly key: string; readonly group: GroupSnapshot }
  /** Nothing changed but time. */
  | { readonly kind: 'slot'; readonly key: string; readonly slotMs: number }
  | { readonly kind: 'group-gone'; readonly key: string }
  | {
      readonly kind: 'message';
      readonly message: OutboxMessage;
      readonly announced: readonly Announcement[];
    }
  /** The other recipients have it, or will never take it. */
  | {
      readonly kind: 'message-left';
      readonly id: string;
      readonly to: readonly string[];
      readonly isTaken: boolean;
    }
  /** Somebody else is responsible for the message now, or nobody will ever take it. */
  | { readonly kind: 'message-done'; readonly id: string }
  | { readonly kind: 'announcements'; readonly announced: readonly Announcement[] }
  | { readonly kind: 'forget'; readonly fingerprints: readonly string[] };

export function emptyState(): AlerterState {
  return { groups: new Map(), outbox: new Map(), announced: new Map() };
}

export function applyRecord(state: AlerterState, record: AlerterRecord): void {
  switch (record.kind) {
    case 'group':
      state.groups.set(record.key, record.group);
      break;
    case 'slot': {
      const group = state.groups.get(record.key);
      if (group) group.slotMs = record.slotMs;
      break;
    }
    case 'group-gone':
      state.groups.delete(record.key);
      break;
    case 'message':
      state.outbox.set(record.message.id, record.message);
      announce(state, record.announced);
      break;
    case 'message-left': {
      const message = state.outbox.get(record.id);
      const { to, isTaken } = record;
      // Keeps its place in the order.
      if (message) state.outbox.set(record.id, { ...message, left: { to, isTaken } });
      break;
    }
    case 'message-done':
      state.outbox.delete(record.id);
      break;
    case 'announcements':
      announce(state, record.announced);
      break;
    case 'forget':
      for (const fingerprint of record.fingerprints) state.announced.delete(fingerprint);
      break;
  }
}

function announce(state: AlerterState, announced: readonly Announcement[]): void {
  for (const announcement of announced) {
    // Deleting first keeps the order that of time, by which the oldest are found.
    state.announced.delete(announcement.fingerprint);
    state.announced.set(announcement.fingerprint, announcement);
  }
}

/** Records that make the same state from nothing, in pieces of bounded size. */
export function* checkpoint(state: AlerterState): Generator<AlerterRecord> {
  for (const [key, group] of state.groups) yield { kind: 'group', key, group };
  for (const message of state.outbox.values()) yield { kind: 'message', message, announced: [] };
  const announced = [...state.announced.values()];
  for (let i = 0; i < announced.length; i += 1000) {
    yield { kind: 'announcements', announced: announced.slice(i, i + 1000) };
  }
}
