import { equalLabels, metric } from '../../../model/labels.ts';
import type { Labels } from '../../../model/labels.ts';
import type { DomainDescription } from './domain-xml.ts';
import { identitySeries } from './identity.ts';
import {
  BALLOON_ROWS,
  BLOCK_ROWS,
  CPU_ROWS,
  GUEST_MEMORY_ROWS,
  INTERFACE_ROWS,
  LAST_UPDATE_ROWS,
  STATE_ROWS,
  stateDescription,
  stateName,
  stateReason,
  USED_PERCENT_ROWS,
  VCPU_ROWS,
  VCPU_WAIT_ROWS,
} from './metrics.ts';
import type { DomainReference } from './protocol.ts';
import type { Readings } from './readings.ts';
import { ChangingSeries, DeviceSeries, SeriesSet } from './series.ts';

type Fields = ReadonlyMap<string, number | string>;

/** More of one kind of device than any machine can have; guards the loops against a wild count. */
const DEVICES_MAX = 4096;
/** A balloon driver that is there reports every few seconds (Nova asks for 10). */
export const BALLOON_FRESH_MS = 60_000;

/**
 * One domain and all its series. They belong to its UUID: a restart, a crash of libvirtd or a change of
 * its run-time id continues them, and only its end, or a new name, ends them.
 */
export class Domain {
  reference: DomainReference;
  description: DomainDescription | undefined;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #state: SeriesSet;
  readonly #stateWords = new ChangingSeries();
  readonly #reason = new ChangingSeries();
  readonly #runtime: readonly SeriesSet[];
  readonly #cpu: SeriesSet;
  readonly #balloon: SeriesSet;
  readonly #lastUpdate: SeriesSet;
  readonly #guestMemory: SeriesSet;
  readonly #usedPercent: SeriesSet;
  readonly #devices: readonly DeviceSeries[];
  readonly #vcpus: DeviceSeries;
  readonly #vcpuWaits: DeviceSeries;
  readonly #interfaces: DeviceSeries;
  readonly #blocks: DeviceSeries;
  #identity: readonly Labels[] = [];
  #stateFields: Fields | undefined;

  constructor(reference: DomainReference) {
    this.reference = reference;
    const labels = { domain: reference.name, uuid: reference.uuid };
    this.#labels = labels;
    this.#state = new SeriesSet(STATE_ROWS, labels);
    this.#cpu = new SeriesSet(CPU_ROWS, labels);
    this.#balloon = new SeriesSet(BALLOON_ROWS, labels);
    this.#lastUpdate = new SeriesSet(LAST_UPDATE_ROWS, labels);
    this.#guestMemory = new SeriesSet(GUEST_MEMORY_ROWS, labels);
    this.#usedPercent = new SeriesSet(USED_PERCENT_ROWS, labels);
    this.#runtime = [
      this.#cpu,
      this.#balloon,
      this.#lastUpdate,
      this.#guestMemory,
      this.#usedPercent,
    ];
    this.#vcpus = new DeviceSeries(VCPU_ROWS, labels, 'vcpu');
    this.#vcpuWaits = new DeviceSeries(VCPU_WAIT_ROWS, labels, 'vcpu');
    this.#interfaces = new DeviceSeries(INTERFACE_ROWS, labels, 'target_device');
    this.#blocks = new DeviceSeries(BLOCK_ROWS, labels, 'target_device');
    this.#devices = [this.#vcpus, this.#vcpuWaits, this.#interfaces, this.#blocks];
  }

  get isActive(): boolean {
    return this.reference.id >= 0;
  }

  /** Takes whatever groups of statistics the answer holds. */
  read(fields: Fields, readings: Readings, timeMs: number): void {
    if (typeof fields.get('state.state') === 'number') {
      this.#stateFields = fields;
      this.publishState(readings, timeMs);
    }
    // What a stopped domain still has statistics of (its sizes) is no activity.
    if (!this.isActive) return;
    this.#cpu.read(fields, '', readings, timeMs);
    this.#readVcpus(fields, readings, timeMs);
    this.#readNamed(this.#interfaces, 'net', fields, readings, timeMs);
    this.#readNamed(this.#blocks, 'block', fields, readings, timeMs);
    this.#readMemory(fields, readings, timeMs);
  }

  /** The state as last read; for a stopped domain nothing asks libvirt again until something happens. */
  publishState(readings: Readings, timeMs: number): void {
    const fields = this.#stateFields;
    if (!fields) return;
    const state = Number(fields.get('state.state'));
    const reason = Number(fields.get('state.reason') ?? 0);
    const at = { readings, timeMs };
    this.#state.read(fields, '', readings, timeMs);
    this.#stateWords.push(
      String(state),
      () =>
        metric('libvirt_domain_info_state', {
          ...this.#labels,
          state_desc: stateDescription(state),
        }),
      state,
      at,
    );
    this.#reason.push(
      `${state} ${reason}`,
      () =>
        metric('libvirt_domain_state_reason', {
          ...this.#labels,
          state: stateName(state),
          reason: stateReason(state, reason),
        }),
      1,
      at,
    );
  }

  #readVcpus(fields: Fields, readings: Readings, timeMs: number): void {
    const maximum = fields.get('vcpu.maximum');
    if (typeof maximum !== 'number') return;
    const present = new Map<string, string>();
    const waiting = new Map<string, string>();
    // Numbers have gaps after one was unplugged.
    for (let i = 0; i < Math.min(maximum, DEVICES_MAX); i++) {
      const prefix = `vcpu.${i}`;
      if (!fields.has(`${prefix}.state`)) continue;
      const name = String(i);
      present.set(name, prefix);
      const hasWaited = this.#vcpuWaits.has(name) || Number(fields.get(`${prefix}.wait`)) > 0;
      if (hasWaited) waiting.set(name, prefix);
    }
    this.#vcpus.read(present, fields, readings, timeMs);
    this.#vcpuWaits.read(waiting, fields, readings, timeMs);
  }

  #readNamed(
    series: DeviceSeries,
    group: string,
    fields: Fields,
    readings: Readings,
    timeMs: number,
  ): void {
    const count = fields.get(`${group}.count`);
    if (typeof count !== 'number') return;
    const present = new Map<string, string>();
    for (let i = 0; i < Math.min(count, DEVICES_MAX); i++) {
      const name = fields.get(`${group}.${i}.name`);
      if (typeof name === 'string') present.set(name, `${group}.${i}`);
    }
    series.read(present, fields, readings, timeMs);
  }

  #readMemory(fields: Fields, readings: Readings, timeMs: number): void {
    this.#balloon.read(fields, '', readings, timeMs);
    const lastUpdate = fields.get('balloon.last-update');
    if (typeof lastUpdate === 'number' && lastUpdate > 0) {
      this.#lastUpdate.read(fields, '', readings, timeMs);
    }
    // Older libvirts do not say when; then what the guest is said to have said is all there is.
    const isFresh =
      typeof lastUpdate !== 'number' ||
      (lastUpdate > 0 && timeMs - lastUpdate * 1000 <= BALLOON_FRESH_MS);
    if (!isFresh) return;
    this.#guestMemory.read(fields, '', readings, timeMs);
    const available = fields.get('balloon.available');
    const usable = fields.get('balloon.usable');
    if (typeof available !== 'number' || typeof usable !== 'number' || !(available > 0)) return;
    const used = ((available - usable) / available) * 100;
    this.#usedPercent.read(new Map([['used_percent', used]]), '', readings, timeMs);
  }

  describe(description: DomainDescription, readings: Readings, timeMs: number): void {
    this.description = description;
    const now = identitySeries(this.reference, description);
    const before = this.#identity;
    // What stays the same keeps its object; what is no longer said ends.
    this.#identity = now.map(
      (labels) => before.find((known) => equalLabels(known, labels)) ?? labels,
    );
    for (const labels of before) {
      if (!this.#identity.includes(labels)) readings.end(labels, timeMs);
    }
    this.publishIdentity(readings, timeMs);
  }

  publishIdentity(readings: Readings, timeMs: number): void {
    for (const labels of this.#identity) readings.push(labels, 1, timeMs);
  }

  /** The domain does not run any more: everything but what it is and that it is off ends. */
  endActivity(readings: Readings, timeMs: number): void {
    this.#stateFields = undefined;
    for (const set of this.#runtime) set.end(readings, timeMs);
    for (const set of this.#devices) set.end(readings, timeMs);
  }

  endAll(readings: Readings, timeMs: number): void {
    this.endActivity(readings, timeMs);
    this.#state.end(readings, timeMs);
    this.#stateWords.end(readings, timeMs);
    this.#reason.end(readings, timeMs);
    for (const labels of this.#identity) readings.end(labels, timeMs);
    this.#identity = [];
  }
}
