import { metric } from '../../../model/labels.ts';
import type { Labels } from '../../../model/labels.ts';
import type { DiskDescription, DomainDescription, InterfaceDescription } from './domain-xml.ts';
import type { DomainReference } from './protocol.ts';

/**
 * The info series (value 1) that say who a domain is and what its devices are, under the names and labels
 * of both exporters. A label without a value is left out, which to a query is the same as empty.
 */
export function identitySeries(
  { name: domain, uuid }: DomainReference,
  description: DomainDescription,
): readonly Labels[] {
  const { nova, disks, interfaces, osType, osArchitecture, osMachine } = description;
  const own = { domain, uuid };
  return [
    metric('libvirt_domain_info', {
      ...own,
      os_type: osType,
      os_type_arch: osArchitecture,
      os_type_machine: osMachine,
    }),
    metric('libvirt_domain_info_meta', {
      ...own,
      instance_name: nova.instanceName,
      flavor: nova.flavor,
      user_name: nova.userName,
      user_uuid: nova.userUuid,
      project_name: nova.projectName,
      project_uuid: nova.projectUuid,
      root_type: nova.rootType,
      root_uuid: nova.rootUuid,
    }),
    metric('libvirt_domain_openstack_info', {
      ...own,
      instance_name: nova.instanceName,
      instance_id: uuid,
      flavor_name: nova.flavor,
      user_name: nova.userName,
      user_id: nova.userUuid,
      project_name: nova.projectName,
      project_id: nova.projectUuid,
    }),
    ...disks
      .filter(({ targetDevice }) => targetDevice !== '')
      .flatMap((disk) => diskSeries(own, disk)),
    ...interfaces
      .filter(({ targetDevice }) => targetDevice !== '')
      .flatMap((nic) => interfaceSeries(own, nic)),
  ];
}

function diskSeries(
  own: Readonly<Record<string, string>>,
  disk: DiskDescription,
): readonly Labels[] {
  return [
    metric('libvirt_domain_block_meta', {
      ...own,
      target_device: disk.targetDevice,
      source_file: disk.source,
      serial: disk.serial,
      bus: disk.bus,
      disk_type: disk.type,
      driver_type: disk.driverType,
      cache: disk.cache,
      discard: disk.discard,
    }),
    metric('libvirt_domain_block_stats_info', {
      ...own,
      target_device: disk.targetDevice,
      disk_type: disk.type,
      target_bus: disk.bus,
      driver_name: disk.driverName,
      driver_type: disk.driverType,
      driver_cache: disk.cache,
      driver_discard: disk.discard,
      source_file: disk.source,
      source_protocol: disk.sourceProtocol,
      serial: disk.serial,
    }),
  ];
}

function interfaceSeries(
  own: Readonly<Record<string, string>>,
  nic: InterfaceDescription,
): readonly Labels[] {
  return [
    metric('libvirt_domain_interface_meta', {
      ...own,
      target_device: nic.targetDevice,
      source_bridge: nic.sourceBridge,
      virtual_interface: nic.virtualInterface,
    }),
    metric('libvirt_domain_interface_stats_info', {
      ...own,
      target_device: nic.targetDevice,
      interface_type: nic.type,
      source_bridge: nic.sourceBridge,
      mac_address: nic.macAddress,
      model_type: nic.model,
      mtu_size: nic.mtu,
    }),
  ];
}
