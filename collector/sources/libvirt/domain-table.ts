import type { DomainDescription } from './domain-xml.ts';
import { Domain } from './domain.ts';
import type { DomainReference, DomainStats } from './protocol.ts';
import type { Readings } from './readings.ts';

/** A host has hundreds of domains at the very most; beyond this something is wrong, and memory is ours. */
export const DOMAINS_MAX = 20_000;

/**
 * The domains of this host as libvirt last listed them. It outlives connections: when libvirtd goes away
 * nothing here ends, because not knowing is not the same as gone; the next list tells what did end.
 */
export class DomainTable {
  readonly #domains = new Map<string, Domain>();
  readonly #readings: Readings;

  constructor(readings: Readings) {
    this.#readings = readings;
  }

  get size(): number {
    return this.#domains.size;
  }

  get(uuid: string): Domain | undefined {
    return this.#domains.get(uuid);
  }

  all(): Iterable<Domain> {
    return this.#domains.values();
  }

  /**
   * Compares with a new list: ends what is gone, notes what stopped. Returns the domains that began to run
   * (or run anew) and those whose XML is to be read again.
   */
  reconcile(
    listed: readonly DomainReference[],
    timeMs: number,
  ): {
    readonly started: readonly DomainReference[];
    readonly changed: readonly DomainReference[];
  } {
    const started: DomainReference[] = [];
    const changed: DomainReference[] = [];
    const present = new Map(listed.slice(0, DOMAINS_MAX).map((each) => [each.uuid, each]));
    for (const [uuid, domain] of this.#domains) {
      // A new name makes new series.
      if (present.get(uuid)?.name === domain.reference.name) continue;
      domain.endAll(this.#readings, timeMs);
      this.#domains.delete(uuid);
    }
    for (const [uuid, reference] of present) {
      const known = this.#domains.get(uuid);
      const before = known?.reference;
      const domain = known ?? new Domain(reference);
      domain.reference = reference;
      if (!known) this.#domains.set(uuid, domain);
      if (before?.id === reference.id) continue;
      changed.push(reference);
      if (domain.isActive) started.push(reference);
      else if (before) domain.endActivity(this.#readings, timeMs);
    }
    return { started, changed };
  }

  get activeCount(): number {
    let count = 0;
    for (const domain of this.#domains.values()) if (domain.isActive) count += 1;
    return count;
  }

  /** Takes an answer to a bulk call; returns how many of its domains are as the list said. */
  read(answer: readonly DomainStats[], timeMs: number): number {
    let count = 0;
    for (const { domain: reference, fields } of answer) {
      const domain = this.#domains.get(reference.uuid);
      // The answer may be older than the list, or the other way round: only what both agree on counts.
      if (domain?.reference.id !== reference.id) continue;
      domain.read(fields, this.#readings, timeMs);
      count += 1;
    }
    return count;
  }

  describe(uuid: string, description: DomainDescription, timeMs: number): void {
    this.#domains.get(uuid)?.describe(description, this.#readings, timeMs);
  }

  publishIdentities(timeMs: number): void {
    for (const domain of this.#domains.values()) domain.publishIdentity(this.#readings, timeMs);
  }

  publishStopped(timeMs: number): void {
    for (const domain of this.#domains.values()) {
      if (!domain.isActive) domain.publishState(this.#readings, timeMs);
    }
  }
}
