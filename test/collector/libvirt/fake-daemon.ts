import {
  encodeFrame,
  FrameSplitter,
  MESSAGE_EVENT,
  MESSAGE_REPLY,
  PROGRAM_REMOTE,
  STATUS_ERROR,
  STATUS_OK,
} from '../../../collector/sources/libvirt/frames.ts';
import type { Frame } from '../../../collector/sources/libvirt/frames.ts';
import {
  EVENT,
  PROCEDURE,
  readDomain,
  STATS_ACTIVE,
  STATS_INACTIVE,
  STATS_NO_WAIT,
  writeDomain,
} from '../../../collector/sources/libvirt/protocol.ts';
import type { DomainReference } from '../../../collector/sources/libvirt/protocol.ts';
import { XdrReader, XdrWriter } from '../../../collector/sources/libvirt/xdr.ts';
import type { SimulatedListener, SimulatedPeer } from '../../simulation/simulated-network.ts';

export interface FakeDomain {
  reference: DomainReference;
  /** libvirt's fields; numbers go out as unsigned 64-bit, negative ones as signed, bigints exactly. */
  fields: Record<string, number | bigint | string>;
  xml: string;
}

export interface SeenCall {
  readonly procedure: number;
  /** Of a bulk call: which statistics, with which flags. */
  readonly mask?: number;
  readonly flags?: number;
}

/** Which fields belong to which bit of the mask, by how they begin. */
const GROUPS: readonly (readonly [number, string])[] = [
  [1, 'state.'],
  [2, 'cpu.'],
  [4, 'balloon.'],
  [8, 'vcpu.'],
  [16, 'net.'],
  [32, 'block.'],
];

/** A libvirtd in a few lines: answers what a reader asks, from domains that a test sets up. */
export class FakeDaemon implements SimulatedListener {
  readonly domains = new Map<string, FakeDomain>();
  readonly calls: SeenCall[] = [];
  readonly #splitters = new Map<SimulatedPeer, FrameSplitter>();
  readonly #eventsWanted = new Map<SimulatedPeer, Set<number>>();
  authKinds: readonly number[] = [0];
  polkitAgrees = true;
  knowsNoWait = true;
  offersEvents = true;
  /** Calls of these are never answered. */
  readonly silent = new Set<number>();
  /** What a bulk call waits for before it is answered. */
  bulkDelay: (() => Promise<void>) | undefined;

  connected(peer: SimulatedPeer): void {
    this.#splitters.set(peer, new FrameSplitter());
    this.#eventsWanted.set(peer, new Set());
  }

  data(bytes: Uint8Array, peer: SimulatedPeer): void {
    this.#splitters.get(peer)!.push(bytes, (frame) => {
      if (frame.program === PROGRAM_REMOTE) this.#answer(frame, peer);
    });
  }

  closed(peer: SimulatedPeer): void {
    this.#splitters.delete(peer);
    this.#eventsWanted.delete(peer);
  }

  get connections(): readonly SimulatedPeer[] {
    return [...this.#splitters.keys()];
  }

  callsOf(procedure: number): readonly SeenCall[] {
    return this.calls.filter((call) => call.procedure === procedure);
  }

  /** The process dies: whoever is connected hears the end. */
  die(): void {
    for (const peer of this.connections) peer.close();
  }

  define(domain: Omit<FakeDomain, 'xml'> & { readonly xml?: string }): FakeDomain {
    const defined = { xml: '<domain/>', ...domain };
    this.domains.set(domain.reference.uuid, defined);
    return defined;
  }

  lifecycle(reference: DomainReference, event: number): void {
    this.#emit(EVENT.lifecycle, PROCEDURE.eventLifecycle, (writer) =>
      writeDomain(writer, reference).int32(event).int32(0),
    );
  }

  metadataChanged(reference: DomainReference): void {
    this.#emit(EVENT.metadataChange, PROCEDURE.eventMetadataChange, (writer) =>
      writeDomain(writer, reference).int32(2).optionalString('http://example.org/'),
    );
  }

  #emit(event: number, procedure: number, write: (writer: XdrWriter) => XdrWriter): void {
    const payload = write(new XdrWriter().int32(1)).finish();
    const header = {
      program: PROGRAM_REMOTE,
      procedure,
      type: MESSAGE_EVENT,
      serial: 0,
      status: 0,
    };
    for (const [peer, wanted] of this.#eventsWanted) {
      if (wanted.has(event)) peer.send(encodeFrame(header, payload));
    }
  }

  #answer(frame: Frame, peer: SimulatedPeer): void {
    const { procedure, serial } = frame;
    const reader = new XdrReader(frame.payload.slice());
    const reply = (payload: Uint8Array, status = STATUS_OK): void =>
      peer.send(
        encodeFrame(
          { program: PROGRAM_REMOTE, procedure, type: MESSAGE_REPLY, serial, status },
          payload,
        ),
      );
    const outcome = this.#outcome(procedure, reader, peer);
    if (this.silent.has(procedure)) return;
    const send = (): void =>
      'error' in outcome
        ? reply(errorBody(outcome.error, outcome.text), STATUS_ERROR)
        : reply(outcome.payload);
    if (procedure === PROCEDURE.bulkStats && this.bulkDelay) void this.bulkDelay().then(send);
    else send();
  }

  #outcome(
    procedure: number,
    reader: XdrReader,
    peer: SimulatedPeer,
  ): { payload: Uint8Array } | { error: number; text: string } {
    if (procedure !== PROCEDURE.bulkStats) this.calls.push({ procedure });
    const writer = new XdrWriter();
    switch (procedure) {
      case PROCEDURE.authList:
        writer.uint32(this.authKinds.length);
        for (const kind of this.authKinds) writer.int32(kind);
        break;
      case PROCEDURE.authPolkit:
        if (!this.polkitAgrees) return { error: 1, text: 'polkit says no' };
        writer.int32(1);
        break;
      case PROCEDURE.open:
        break;
      case PROCEDURE.hypervisorVersion:
        writer.uint32(0).uint32(7_002_022);
        break;
      case PROCEDURE.libraryVersion:
        writer.uint32(0).uint32(9_000_000);
        break;
      case PROCEDURE.supportsFeature:
        writer.int32(this.offersEvents || reader.int32() !== 14 ? 1 : 0);
        break;
      case PROCEDURE.registerEvent:
        this.#eventsWanted.get(peer)?.add(reader.int32());
        writer.int32(1);
        break;
      case PROCEDURE.listAllDomains:
        writer.uint32(this.domains.size);
        for (const { reference } of this.domains.values()) writeDomain(writer, reference);
        writer.uint32(this.domains.size);
        break;
      case PROCEDURE.domainXml: {
        const domain = this.domains.get(readDomain(reader).uuid);
        if (!domain) return { error: 42, text: 'Domain not found' };
        writer.string(domain.xml);
        break;
      }
      case PROCEDURE.bulkStats:
        return this.#bulk(reader);
      default:
        return { error: 39, text: `unknown procedure: ${procedure}` };
    }
    return { payload: writer.finish() };
  }

  #bulk(reader: XdrReader): { payload: Uint8Array } | { error: number; text: string } {
    const asked = Array.from({ length: reader.uint32() }, () => readDomain(reader).uuid);
    const mask = reader.uint32();
    const flags = reader.uint32();
    this.calls.push({ procedure: PROCEDURE.bulkStats, mask, flags });
    if (!this.knowsNoWait && (flags & STATS_NO_WAIT) !== 0) {
      return { error: 8, text: 'unsupported flags (0x20000000)' };
    }
    const answered = [...this.domains.values()].filter(
      ({ reference }) =>
        (asked.length === 0 || asked.includes(reference.uuid)) &&
        ((flags & STATS_ACTIVE) === 0 || reference.id >= 0) &&
        ((flags & STATS_INACTIVE) === 0 || reference.id < 0),
    );
    const writer = new XdrWriter().uint32(answered.length);
    for (const { reference, fields } of answered) {
      const chosen = Object.entries(fields).filter(([field]) =>
        GROUPS.some(([bit, start]) => (mask & bit) !== 0 && field.startsWith(start)),
      );
      writeDomain(writer, reference).uint32(chosen.length);
      for (const [field, value] of chosen) writeParameter(writer, field, value);
    }
    return { payload: writer.finish() };
  }
}

function writeParameter(writer: XdrWriter, field: string, value: number | bigint | string): void {
  writer.string(field);
  if (typeof value === 'string') {
    writer.uint32(7).string(value);
    return;
  }
  const bits = BigInt.asUintN(64, BigInt(value));
  writer.uint32(value < 0 ? 3 : 4);
  writer.uint32(Number(bits >> 32n)).uint32(Number(bits & 0xffff_ffffn));
}

function errorBody(code: number, text: string): Uint8Array {
  return new XdrWriter()
    .int32(code)
    .int32(10)
    .optionalString(text)
    .int32(2)
    .uint32(0)
    .optionalString(undefined)
    .optionalString(undefined)
    .optionalString(undefined)
    .int32(0)
    .int32(0)
    .uint32(0)
    .finish();
}
