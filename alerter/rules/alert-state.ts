import type { Labels } from '../../model/labels.ts';

/** An alert stays known for this long after it ended, so that its end is told for sure. */
export const RESOLVED_RETENTION_MS = 900_000;

/**
 * One alert of one rule.
 *
 *   (absent) ──true──▶ pending ──true for `for`──▶ firing ──false──▶ inactive ──15 min──▶ (absent)
 *                         └──false──▶ (absent)       └─ keep_firing_for ─┘
 */
export interface ActiveAlert {
  readonly labels: Labels;
  state: 'pending' | 'firing' | 'inactive';
  annotations: Readonly<Record<string, string>>;
  value: number;
  activeAtMs: number;
  firedAtMs: number | undefined;
  keepFiringSinceMs: number | undefined;
  resolvedAtMs: number | undefined;
  lastSentMs: number | undefined;
  /**
   * Set when nobody evaluated for a while: the time of the last evaluation before. Until the alert is seen
   * again, or the grace is over, nothing is concluded from its absence, because the data that the
   * expression needs may not be back yet.
   */
  unseenSinceMs: number | undefined;
}

/** One element of a rule's result with its texts expanded. */
export interface RaisedAlert {
  readonly labels: Labels;
  readonly annotations: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface AdvanceOptions {
  readonly slotMs: number;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** Absent alerts are left as they are: the answer may lack some of them. */
  readonly isPartial: boolean;
  /** Until then the absence of an alert whose data may not be back says nothing. */
  readonly graceEndsMs: number;
}

/** The alerts of one rule. Keys are `labelsKey`s; the order is that of appearance. */
export type ActiveAlerts = Map<string, ActiveAlert>;

/** Moves every alert to where this slot's result puts it. Returns whether anything but texts changed. */
export function advanceAlerts(
  active: ActiveAlerts,
  raised: ReadonlyMap<string, RaisedAlert>,
  options: AdvanceOptions,
): boolean {
  const { slotMs } = options;
  let changed = false;
  for (const [key, element] of raised) {
    const known = active.get(key);
    if (known && known.state !== 'inactive') {
      known.value = element.value;
      known.annotations = element.annotations;
      changed = seenAgain(known, slotMs) || changed;
    } else {
      // A former alert of the same labels that has ended is another alert: this one starts anew.
      active.delete(key);
      active.set(key, newAlert(element, slotMs));
      changed = true;
    }
  }
  for (const [key, alert] of active) {
    if (!raised.has(key) && !isHeld(alert, options))
      changed = fade(active, key, alert, options) || changed;
    changed = settle(alert, raised.has(key), options) || changed;
  }
  return changed;
}

function newAlert(element: RaisedAlert, slotMs: number): ActiveAlert {
  return {
    ...element,
    state: 'pending',
    activeAtMs: slotMs,
    firedAtMs: undefined,
    keepFiringSinceMs: undefined,
    resolvedAtMs: undefined,
    lastSentMs: undefined,
    unseenSinceMs: undefined,
  };
}

function seenAgain(alert: ActiveAlert, slotMs: number): boolean {
  let changed = alert.keepFiringSinceMs !== undefined;
  alert.keepFiringSinceMs = undefined;
  if (alert.unseenSinceMs !== undefined) {
    // Time in which nobody looked does not count towards `for`.
    if (alert.state === 'pending') alert.activeAtMs += slotMs - alert.unseenSinceMs;
    alert.unseenSinceMs = undefined;
    changed = true;
  }
  return changed;
}

function isHeld(alert: ActiveAlert, { isPartial, slotMs, graceEndsMs }: AdvanceOptions): boolean {
  if (alert.state === 'inactive') return false;
  return isPartial || (alert.unseenSinceMs !== undefined && slotMs < graceEndsMs);
}

/** What happens to an alert whose element is not there. */
function fade(
  active: ActiveAlerts,
  key: string,
  alert: ActiveAlert,
  { slotMs, keepFiringForMs }: AdvanceOptions,
): boolean {
  if (alert.state === 'inactive') {
    return slotMs - alert.resolvedAtMs! > RESOLVED_RETENTION_MS && active.delete(key);
  }
  if (alert.state === 'pending') return active.delete(key);
  alert.unseenSinceMs = undefined;
  if (keepFiringForMs > 0) {
    const started = alert.keepFiringSinceMs === undefined;
    alert.keepFiringSinceMs ??= slotMs;
    if (slotMs - alert.keepFiringSinceMs < keepFiringForMs) return started;
  }
  alert.state = 'inactive';
  alert.resolvedAtMs = slotMs;
  return true;
}

/** Between pending and firing, by age. */
function settle(alert: ActiveAlert, isRaised: boolean, { slotMs, forMs }: AdvanceOptions): boolean {
  const age = slotMs - alert.activeAtMs;
  if (alert.state === 'pending' && isRaised && age >= forMs) {
    alert.state = 'firing';
    alert.firedAtMs = slotMs;
    return true;
  }
  // `for` grew by a reload beyond the age of the alert.
  if (alert.state === 'firing' && isRaised && age < forMs) {
    alert.state = 'pending';
    alert.firedAtMs = undefined;
    return true;
  }
  return false;
}

/** After a gap in evaluation of any length: nothing is known about the time since. */
export function markUnseen(active: ActiveAlerts, lastSlotMs: number): void {
  for (const alert of active.values()) {
    if (alert.state !== 'inactive') alert.unseenSinceMs ??= lastSlotMs;
  }
}

/** Moves all times, for a wall clock that was set back. */
export function shiftAlerts(active: ActiveAlerts, byMs: number): void {
  for (const alert of active.values()) {
    alert.activeAtMs += byMs;
    for (const name of [
      'firedAtMs',
      'keepFiringSinceMs',
      'resolvedAtMs',
      'lastSentMs',
      'unseenSinceMs',
    ] as const) {
      if (alert[name] !== undefined) alert[name] += byMs;
    }
  }
}

/** Pending and firing ones. */
export function countActive(active: ActiveAlerts): number {
  let count = 0;
  for (const alert of active.values()) if (alert.state !== 'inactive') count++;
  return count;
}

/** Whether the pipeline is to hear of this alert now; an alert is never sent while pending. */
export function isDue(alert: ActiveAlert, slotMs: number, resendDelayMs: number): boolean {
  if (alert.state === 'pending') return false;
  const { lastSentMs, resolvedAtMs } = alert;
  if (lastSentMs === undefined) return true;
  if (resolvedAtMs !== undefined && resolvedAtMs > lastSentMs) return true;
  return lastSentMs + resendDelayMs < slotMs;
}
