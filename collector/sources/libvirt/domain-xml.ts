import { attributeOf, childOf, childrenOf, parseXml, textOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** What a domain's XML says that its statistics do not: who it belongs to and what it is made of. */
export interface DomainDescription {
  readonly osType: string;
  readonly osArchitecture: string;
  readonly osMachine: string;
  /** All empty for a domain that OpenStack did not make. */
  readonly nova: NovaMetadata;
  readonly disks: readonly DiskDescription[];
  readonly interfaces: readonly InterfaceDescription[];
}

export interface NovaMetadata {
  readonly instanceName: string;
  readonly flavor: string;
  readonly userName: string;
  readonly userUuid: string;
  readonly projectName: string;
  readonly projectUuid: string;
  readonly rootType: string;
  readonly rootUuid: string;
}

export interface DiskDescription {
  readonly targetDevice: string;
  readonly bus: string;
  /** `file`, `block`, `network`, … */
  readonly type: string;
  /** A path, or for a network disk the name of its volume. */
  readonly source: string;
  readonly sourceProtocol: string;
  readonly serial: string;
  readonly driverName: string;
  readonly driverType: string;
  readonly cache: string;
  readonly discard: string;
}

export interface InterfaceDescription {
  readonly targetDevice: string;
  /** `bridge`, `ethernet`, `network`, … */
  readonly type: string;
  readonly sourceBridge: string;
  /** The port's id at Neutron or Open vSwitch. */
  readonly virtualInterface: string;
  readonly macAddress: string;
  readonly model: string;
  readonly mtu: string;
}

/** Fails with an `XmlFailure`. Whatever is not there is empty. */
export function describeDomain(xml: string): DomainDescription {
  const domain = parseXml(xml);
  const osType = childOf(domain, 'os', 'type');
  const devices = childOf(domain, 'devices');
  return {
    osType: textOf(osType),
    osArchitecture: attributeOf(osType, 'arch'),
    osMachine: attributeOf(osType, 'machine'),
    nova: novaMetadata(childOf(domain, 'metadata')),
    disks: childrenOf(devices, 'disk').map(describeDisk),
    interfaces: childrenOf(devices, 'interface').map(describeInterface),
  };
}

/** Nova changed the end of its namespace from 1.0 to 1.1 and may again; the elements kept their names. */
const NOVA_NAMESPACE = 'http://openstack.org/xmlns/libvirt/nova/';

function novaMetadata(metadata: XmlElement | undefined): NovaMetadata {
  const instance = childrenOf(metadata, 'instance').find(({ namespace }) =>
    namespace.startsWith(NOVA_NAMESPACE),
  );
  const user = childOf(instance, 'owner', 'user');
  const project = childOf(instance, 'owner', 'project');
  const root = childOf(instance, 'root');
  const image = childOf(instance, 'image');
  return {
    instanceName: textOf(childOf(instance, 'name')),
    flavor: attributeOf(childOf(instance, 'flavor'), 'name'),
    userName: textOf(user),
    userUuid: attributeOf(user, 'uuid'),
    projectName: textOf(project),
    projectUuid: attributeOf(project, 'uuid'),
    // Newer Novas name the image in an element of its own.
    rootType: attributeOf(root, 'type') || (image ? 'image' : ''),
    rootUuid: attributeOf(root, 'uuid') || attributeOf(image, 'uuid'),
  };
}

function describeDisk(disk: XmlElement): DiskDescription {
  const driver = childOf(disk, 'driver');
  const source = childOf(disk, 'source');
  const target = childOf(disk, 'target');
  return {
    targetDevice: attributeOf(target, 'dev'),
    bus: attributeOf(target, 'bus'),
    type: attributeOf(disk, 'type'),
    source:
      ['file', 'dev', 'name', 'volume', 'dir']
        .map((kind) => attributeOf(source, kind))
        .find((value) => value !== '') ?? '',
    sourceProtocol: attributeOf(source, 'protocol'),
    serial: textOf(childOf(disk, 'serial')),
    driverName: attributeOf(driver, 'name'),
    driverType: attributeOf(driver, 'type'),
    cache: attributeOf(driver, 'cache'),
    discard: attributeOf(driver, 'discard'),
  };
}

function describeInterface(nic: XmlElement): InterfaceDescription {
  return {
    targetDevice: attributeOf(childOf(nic, 'target'), 'dev'),
    type: attributeOf(nic, 'type'),
    sourceBridge: attributeOf(childOf(nic, 'source'), 'bridge'),
    virtualInterface: attributeOf(childOf(nic, 'virtualport', 'parameters'), 'interfaceid'),
    macAddress: attributeOf(childOf(nic, 'mac'), 'address'),
    model: attributeOf(childOf(nic, 'model'), 'type'),
    mtu: attributeOf(childOf(nic, 'mtu'), 'size'),
  };
}
