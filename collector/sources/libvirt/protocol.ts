import { LibvirtFailure, LibvirtRemoteFailure } from './failure.ts';
import { TextCache, XdrWriter } from './xdr.ts';
import type { XdrReader } from './xdr.ts';

/**
 * The few procedures that reading needs, out of libvirt's remote_protocol.x. Numbers and layouts there are
 * never changed, only added to.
 */
export const PROCEDURE = {
  open: 1,
  close: 2,
  hypervisorVersion: 4,
  domainXml: 14,
  supportsFeature: 60,
  authList: 66,
  authPolkit: 70,
  libraryVersion: 157,
  listAllDomains: 273,
  registerEvent: 316,
  bulkStats: 344,
  eventLifecycle: 318,
  eventDeviceRemoved: 333,
  eventDeviceAdded: 354,
  eventMetadataChange: 379,
} as const;

export const AUTH_NONE = 0;
export const AUTH_POLKIT = 2;

export const OPEN_READ_ONLY = 1;

export const FEATURE_KEEPALIVE = 10;
export const FEATURE_EVENT_CALLBACKS = 14;

/** What `registerEvent` asks for, and the procedure under which it then arrives. */
export const EVENT = {
  lifecycle: 0,
  deviceRemoved: 15,
  deviceAdded: 19,
  metadataChange: 23,
} as const;

export const STATS = {
  state: 1,
  cpu: 2,
  balloon: 4,
  vcpu: 8,
  interface: 16,
  block: 32,
} as const;

export const STATS_ACTIVE = 1;
export const STATS_INACTIVE = 2;
/** A domain that is busy gives what needs no waiting, instead of stalling the call. */
export const STATS_NO_WAIT = 0x2000_0000;

/** libvirt's virErrorNumber, as far as we decide on it. */
export const ERROR_INVALID_ARGUMENT = 8;
export const ERROR_NO_DOMAIN = 42;

/** A domain as the wire names it. */
export interface DomainReference {
  readonly name: string;
  /** In the usual form with hyphens, lower case. */
  readonly uuid: string;
  /** -1 while the domain does not run; anew at each start. */
  readonly id: number;
}

/** Name (4), uuid (16), id (4). */
const DOMAIN_BYTES_MIN = 24;
/** Field (4), type (4), value (4). */
const PARAMETER_BYTES_MIN = 12;

export function readDomain(reader: XdrReader): DomainReference {
  const name = reader.string();
  const uuid = uuidText(reader.opaque(16));
  return { name, uuid, id: reader.int32() };
}

export function writeDomain(writer: XdrWriter, domain: DomainReference): XdrWriter {
  return writer.string(domain.name).opaque(uuidBytes(domain.uuid)).int32(domain.id);
}

function uuidText(bytes: Uint8Array): string {
  let hex = '';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function uuidBytes(text: string): Uint8Array {
  const hex = text.replaceAll('-', '');
  return Uint8Array.from({ length: 16 }, (_, i) =>
    Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16),
  );
}

export function readIntegers(reader: XdrReader): readonly number[] {
  return Array.from({ length: reader.count(4) }, () => reader.int32());
}

export function readDomains(reader: XdrReader): readonly DomainReference[] {
  return Array.from({ length: reader.count(DOMAIN_BYTES_MIN) }, () => readDomain(reader));
}

/** The statistics of one domain: libvirt's own field names (as `virsh domstats` prints them) to values. */
export interface DomainStats {
  readonly domain: DomainReference;
  readonly fields: ReadonlyMap<string, number | string>;
}

const FIELD_NAMES = new TextCache();

export function readDomainStats(reader: XdrReader): readonly DomainStats[] {
  return Array.from({ length: reader.count(DOMAIN_BYTES_MIN + 4) }, () => {
    const domain = readDomain(reader);
    const fields = new Map<string, number | string>();
    for (let left = reader.count(PARAMETER_BYTES_MIN); left > 0; left--) {
      const field = reader.string(FIELD_NAMES);
      fields.set(field, readTypedValue(reader, field));
    }
    return { domain, fields };
  });
}

function readTypedValue(reader: XdrReader, field: string): number | string {
  const type = reader.uint32();
  switch (type) {
    case 1:
    case 6:
      return reader.int32();
    case 2:
      return reader.uint32();
    case 3:
      return reader.int64();
    case 4:
      return reader.uint64();
    case 5:
      return reader.double();
    case 7:
      return reader.string();
    default:
      throw new LibvirtFailure(
        'protocol',
        `libvirtd sent the field ${JSON.stringify(field)} with the unknown type ${type}`,
      );
  }
}

/** libvirt packs versions as major * 1 000 000 + minor * 1000 + release. */
export function versionText(packed: number): string {
  return `${Math.floor(packed / 1_000_000)}.${Math.floor(packed / 1000) % 1000}.${packed % 1000}`;
}

/** The body of an error reply; what follows the message is of no use to us. */
export function readRemoteError(reader: XdrReader): LibvirtRemoteFailure {
  const errorNumber = reader.int32();
  const errorDomain = reader.int32();
  const text = reader.optional(() => reader.string()) ?? 'no reason given';
  return new LibvirtRemoteFailure(
    `libvirtd: ${text} (error ${errorNumber}, domain ${errorDomain})`,
    errorNumber,
    errorDomain,
  );
}

export function bulkStatsArguments(
  domains: readonly DomainReference[],
  statsMask: number,
  flags: number,
): Uint8Array {
  const writer = new XdrWriter().uint32(domains.length);
  for (const domain of domains) writeDomain(writer, domain);
  return writer.uint32(statsMask).uint32(flags).finish();
}
