import { messageOf } from '../../../model/failure.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Log } from '../../../platform/log.ts';
import type { Counter, Histogram } from '../../../platform/telemetry.ts';
import type { LibvirtClient } from './client.ts';
import { describeDomain } from './domain-xml.ts';
import type { DomainTable } from './domain-table.ts';
import { LibvirtFailure, LibvirtRemoteFailure } from './failure.ts';
import {
  bulkStatsArguments,
  ERROR_INVALID_ARGUMENT,
  ERROR_NO_DOMAIN,
  EVENT,
  FEATURE_EVENT_CALLBACKS,
  PROCEDURE,
  readDomain,
  readDomains,
  readDomainStats,
  STATS,
  STATS_ACTIVE,
  STATS_INACTIVE,
  STATS_NO_WAIT,
  versionText,
  writeDomain,
} from './protocol.ts';
import type { DomainReference, DomainStats } from './protocol.ts';
import { XmlFailure } from './xml.ts';
import { XdrWriter } from './xdr.ts';
import type { XdrReader } from './xdr.ts';

/**
 * One connection's life: what there is to ask, in which order, and how often.
 *
 *     list ─▶ newcomers ─▶ ┌ fast (state, cpu, vcpu, interface)  each interval ┐
 *      ▲          ▲        │ xml (a few at a time)               when changed  │ in turn
 *    event    it started   │ block                    1 interval to 10 s       │
 *                          └ slow (balloon, stopped domains)     each 10 s     ┘
 *
 * One step runs at a time. Two bulk calls at once would only stand in each other's way: with the flag that
 * forbids waiting, a domain that answers one of them is busy for the other and gives nothing.
 */
const SLOW_INTERVAL_MS = 10_000;
const BLOCK_INTERVAL_MS_MAX = 10_000;
/** A call may use this part of its interval before the interval is stretched. */
const BLOCK_SHARE_MAX = 0.2;
/** How far off its time a tick may be and still be taken for it. */
const JITTER_SHARE = 0.1;
const CALL_DEADLINE_MS = 5000;
/** A daemon that has just started asks each emulator what it can before it answers. */
const BEGIN_DEADLINE_MS = 20_000;
/** Bulk calls get three times what the last one took, within these bounds. */
const BULK_DEADLINE_MS_MIN = 2000;
const BULK_DEADLINE_MS_MAX = 15_000;
const XML_READS_AT_ONCE = 4;
const NO_PAYLOAD = new Uint8Array(0);

const FAST_MASK = STATS.state | STATS.cpu | STATS.vcpu | STATS.interface;
const ALL_MASK = FAST_MASK | STATS.block | STATS.balloon;

export interface SessionParts {
  readonly client: LibvirtClient;
  readonly domains: DomainTable;
  readonly clock: Clock;
  readonly log: Log;
  readonly stepSeconds: Histogram;
  readonly stepFailures: Counter;
  readonly intervalMs: number;
}

export interface Versions {
  readonly library: string;
  readonly hypervisor: string;
}

type Step = 'fast' | 'xml' | 'block' | 'slow';
const TURNS: readonly Step[] = ['fast', 'xml', 'block', 'slow'];

export class Session {
  readonly #parts: SessionParts;
  readonly #due = new Set<Step>();
  readonly #newcomers = new Map<string, DomainReference>();
  readonly #unread = new Map<string, DomainReference>();
  readonly #lastTookMs = new Map<Step, number>();
  #isListDue = true;
  #hasListed = false;
  #hasListFailed = false;
  #hasEnded = false;
  #turn = 0;
  #noWait = STATS_NO_WAIT;
  #blockTookMs = 0;
  #lastBlock = Number.NEGATIVE_INFINITY;
  #nextSlow = Number.NEGATIVE_INFINITY;
  #lastReadMs = 0;
  #working: Promise<void> | undefined;
  #trouble: LibvirtFailure | undefined;
  versions: Versions = { library: '', hypervisor: '' };

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Why the last list or fast reading failed; undefined when it did not. */
  get trouble(): LibvirtFailure | undefined {
    return this.#trouble;
  }

  /** Whether the domains have been listed and read since the connection began. */
  get isCurrent(): boolean {
    return this.#hasListed && !this.#trouble;
  }

  /** After authentication and open: versions, and events, from here on none is missed. */
  async begin(): Promise<void> {
    const { client } = this.#parts;
    const version = (procedure: number): Promise<string> =>
      client.call(
        procedure,
        NO_PAYLOAD,
        (reader) => versionText(reader.uint64()),
        BEGIN_DEADLINE_MS,
      );
    this.versions = {
      library: await version(PROCEDURE.libraryVersion),
      hypervisor: await version(PROCEDURE.hypervisorVersion),
    };
    if (!(await client.supports(FEATURE_EVENT_CALLBACKS, BEGIN_DEADLINE_MS))) return;
    for (const event of Object.values(EVENT)) await this.#register(event);
  }

  async #register(event: number): Promise<void> {
    const payload = new XdrWriter().int32(event).uint32(0).finish();
    try {
      await this.#parts.client.call(
        PROCEDURE.registerEvent,
        payload,
        (reader) => reader.int32(),
        CALL_DEADLINE_MS,
      );
    } catch (thrown) {
      // An old libvirt or another hypervisor may lack one kind; each reading finds changes as well.
      if (!(thrown instanceof LibvirtRemoteFailure)) throw thrown;
      this.#parts.log.debug('libvirt does not offer an event', { event, reason: thrown.message });
    }
  }

  /** Resolves when everything that is due now has been done, or has failed. Never rejects. */
  tick(): Promise<void> {
    const now = this.#parts.clock.monotonic();
    // Ticks come a little early or late, which must not cost a whole interval.
    const reach = now + this.#parts.intervalMs * JITTER_SHARE;
    this.#due.add('fast');
    if (this.#hasListFailed) this.#isListDue = true;
    const blockIntervalMs = this.#blockIntervalMs();
    if (blockIntervalMs <= this.#parts.intervalMs || reach >= this.#lastBlock + blockIntervalMs) {
      this.#due.add('block');
      this.#lastBlock = now;
    }
    if (reach >= this.#nextSlow) {
      this.#due.add('slow');
      this.#nextSlow = now + Math.max(SLOW_INTERVAL_MS, this.#parts.intervalMs);
    }
    return this.#work();
  }

  #blockIntervalMs(): number {
    const { intervalMs } = this.#parts;
    const wanted = this.#blockTookMs / BLOCK_SHARE_MAX;
    return Math.min(Math.max(wanted, intervalMs), Math.max(BLOCK_INTERVAL_MS_MAX, intervalMs));
  }

  /** Takes an event of the client. Order is not to be relied on (resumed comes before started): list anew. */
  handleEvent(procedure: number, reader: XdrReader): void {
    reader.int32();
    const domain = readDomain(reader);
    switch (procedure) {
      case PROCEDURE.eventLifecycle:
        this.#isListDue = true;
        // A new definition is announced in the same way, and its XML may differ under the same id.
        this.#unread.set(domain.uuid, domain);
        break;
      case PROCEDURE.eventMetadataChange:
      case PROCEDURE.eventDeviceAdded:
      case PROCEDURE.eventDeviceRemoved:
        this.#unread.set(domain.uuid, domain);
        break;
      default:
        return;
    }
    void this.#work();
  }

  end(): void {
    this.#hasEnded = true;
  }

  #work(): Promise<void> {
    this.#working ??= this.#steps();
    return this.#working;
  }

  async #steps(): Promise<void> {
    // Not before it is noted that it works; and noted in one go with finding nothing more to do, so that
    // nothing can fall due in between and be left lying.
    await Promise.resolve();
    try {
      while (!this.#hasEnded) {
        if (this.#isListDue) await this.#attempt('list', () => this.#list());
        else if (this.#newcomers.size > 0) {
          await this.#attempt('newcomers', () => this.#readNewcomers());
        } else {
          const step = this.#nextStep();
          if (!step) return;
          await this.#attempt(step, () => this.#do(step));
        }
      }
    } finally {
      this.#working = undefined;
    }
  }

  /** Takes turns, so that a fast reading that is always due again starves nothing. */
  #nextStep(): Step | undefined {
    if (this.#unread.size > 0 && this.#hasListed) this.#due.add('xml');
    for (let i = 0; i < TURNS.length; i++) {
      const step = TURNS[(this.#turn + i) % TURNS.length]!;
      if (!this.#due.delete(step)) continue;
      this.#turn = (this.#turn + i + 1) % TURNS.length;
      return step;
    }
    return undefined;
  }

  async #attempt(step: Step | 'list' | 'newcomers', work: () => Promise<void>): Promise<void> {
    const { clock, stepSeconds, stepFailures, log } = this.#parts;
    const isEssential = step === 'list' || step === 'fast';
    const started = clock.monotonic();
    try {
      await work();
      if (isEssential) this.#trouble = undefined;
    } catch (thrown) {
      const failure =
        thrown instanceof LibvirtFailure
          ? thrown
          : new LibvirtFailure('protocol', messageOf(thrown), { cause: thrown });
      stepFailures.add(1, { step });
      log.debug('a step of reading libvirt failed', { step, reason: failure.message });
      if (isEssential) this.#trouble = failure;
      // One emulator that hangs holds up a bulk call; whether the daemon does is told by a list, which
      // asks no emulator.
      if (step === 'fast' && failure.code === 'timeout') this.#isListDue = true;
    }
    stepSeconds.observe((clock.monotonic() - started) / 1000, { step });
  }

  #do(step: Step): Promise<void> {
    switch (step) {
      case 'fast':
        return this.#readFast();
      case 'xml':
        return this.#readXml();
      case 'block':
        return this.#readBlock();
      case 'slow':
        return this.#readSlow();
    }
  }

  async #list(): Promise<void> {
    // Cleared first: an event that comes during the call asks for another one.
    this.#isListDue = false;
    this.#hasListFailed = true;
    const { client, domains, clock } = this.#parts;
    const payload = new XdrWriter().int32(1).uint32(0).finish();
    const listed = await client.call(
      PROCEDURE.listAllDomains,
      payload,
      readDomains,
      CALL_DEADLINE_MS,
    );
    const { started, changed } = domains.reconcile(listed, this.#readingTime(clock.now()));
    // After a connection is made everything is read anyway.
    if (this.#hasListed) for (const each of started) this.#newcomers.set(each.uuid, each);
    for (const each of this.#hasListed ? changed : listed) this.#unread.set(each.uuid, each);
    if (changed.some(({ id }) => id < 0)) this.#due.add('slow');
    this.#hasListed = true;
    this.#hasListFailed = false;
  }

  async #readNewcomers(): Promise<void> {
    const newcomers = [...this.#newcomers.values()];
    this.#newcomers.clear();
    await this.#bulk('fast', ALL_MASK, 0, newcomers);
  }

  async #readFast(): Promise<void> {
    const { domains } = this.#parts;
    const { agreed, count, timeMs } = await this.#bulk('fast', FAST_MASK, STATS_ACTIVE);
    domains.publishStopped(timeMs);
    // No event told, but something began or ended.
    if (agreed < count || agreed < domains.activeCount) {
      this.#isListDue = true;
    }
  }

  async #readBlock(): Promise<void> {
    const { tookMs } = await this.#bulk('block', STATS.block, STATS_ACTIVE);
    // Rises at once, falls slowly: one quick answer is no reason to ask ten times as often.
    this.#blockTookMs = Math.max(tookMs, this.#blockTookMs * 0.7 + tookMs * 0.3);
  }

  async #readSlow(): Promise<void> {
    const { domains, clock } = this.#parts;
    await this.#bulk('slow', STATS.balloon, STATS_ACTIVE);
    if (domains.size > domains.activeCount) await this.#bulk('slow', STATS.state, STATS_INACTIVE);
    domains.publishIdentities(this.#readingTime(clock.now()));
    for (const domain of domains.all()) {
      if (!domain.description) this.#unread.set(domain.reference.uuid, domain.reference);
    }
  }

  /** Never a call for a domain that was not asked for: one that vanished meanwhile is simply not there. */
  async #bulk(
    step: Step,
    mask: number,
    flags: number,
    only: readonly DomainReference[] = [],
  ): Promise<{ agreed: number; count: number; tookMs: number; timeMs: number }> {
    const { clock, domains } = this.#parts;
    const started = clock.monotonic();
    const deadlineMs = Math.min(
      Math.max(3 * (this.#lastTookMs.get(step) ?? 0), BULK_DEADLINE_MS_MIN),
      BULK_DEADLINE_MS_MAX,
    );
    let answer: readonly DomainStats[];
    try {
      answer = await this.#bulkCall(
        bulkStatsArguments(only, mask, flags | this.#noWait),
        deadlineMs,
      );
    } catch (thrown) {
      this.#lastTookMs.set(step, clock.monotonic() - started);
      const isRefusedFlag =
        thrown instanceof LibvirtRemoteFailure && thrown.errorNumber === ERROR_INVALID_ARGUMENT;
      if (!isRefusedFlag || this.#noWait === 0) throw thrown;
      this.#noWait = 0;
      return this.#bulk(step, mask, flags, only);
    }
    const tookMs = clock.monotonic() - started;
    this.#lastTookMs.set(step, tookMs);
    // libvirtd visits one domain after the other; the middle is at most half the call away from any.
    const timeMs = this.#readingTime(clock.now() - tookMs / 2);
    return { agreed: domains.read(answer, timeMs), count: answer.length, tookMs, timeMs };
  }

  #bulkCall(payload: Uint8Array, deadlineMs: number): Promise<readonly DomainStats[]> {
    return this.#parts.client.call(PROCEDURE.bulkStats, payload, readDomainStats, deadlineMs);
  }

  /** Whole milliseconds, never the same twice in a row; a clock that is set back is followed. */
  #readingTime(timeMs: number): number {
    const rounded = Math.round(timeMs);
    const isRepeated = rounded <= this.#lastReadMs && this.#lastReadMs - rounded < 1000;
    this.#lastReadMs = isRepeated ? this.#lastReadMs + 1 : rounded;
    return this.#lastReadMs;
  }

  async #readXml(): Promise<void> {
    const next = [...this.#unread.values()].slice(0, XML_READS_AT_ONCE);
    for (const { uuid } of next) this.#unread.delete(uuid);
    await Promise.all(next.map((domain) => this.#readOneXml(domain)));
  }

  async #readOneXml(reference: DomainReference): Promise<void> {
    const { client, domains, clock, log } = this.#parts;
    const payload = writeDomain(new XdrWriter(), reference).uint32(0).finish();
    try {
      const xml = await client.call(
        PROCEDURE.domainXml,
        payload,
        (reader) => reader.string(),
        CALL_DEADLINE_MS,
      );
      domains.describe(reference.uuid, describeDomain(xml), this.#readingTime(clock.now()));
    } catch (thrown) {
      const isGone =
        thrown instanceof LibvirtRemoteFailure && thrown.errorNumber === ERROR_NO_DOMAIN;
      if (isGone) return;
      if (!(thrown instanceof XmlFailure) && !(thrown instanceof LibvirtFailure)) throw thrown;
      log.debug('the XML of a domain could not be read', {
        domain: reference.name,
        reason: thrown.message,
      });
    }
  }
}
