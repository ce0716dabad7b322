import { describe, expect, test } from 'vitest';
import { dropLabels, labelsToText, labelValue } from '../../../model/labels.ts';
import { describeDomain } from '../../../collector/sources/libvirt/domain-xml.ts';
import { identitySeries } from '../../../collector/sources/libvirt/identity.ts';

const UUID = 'c7a5fdbd-edaf-9455-926a-d65c16db1809';

/** What the info series say beside the domain and uuid that each of them carries. */
function lines(xml: string): readonly string[] {
  const reference = { name: 'instance-0000002a', uuid: UUID, id: 3 };
  return identitySeries(reference, describeDomain(xml)).map((labels) => {
    expect(labelValue(labels, 'domain')).toBe(reference.name);
    expect(labelValue(labels, 'uuid')).toBe(UUID);
    return labelsToText(dropLabels(labels, new Set(['domain', 'uuid'])));
  });
}

const instance = (version: string, inside: string): string =>
  `<domain type='kvm'><metadata><other:instance xmlns:other="http://example.org/"><other:name>not this</other:name></other:instance>
   <nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/${version}">${inside}</nova:instance></metadata>
   <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os></domain>`;

const OWNER = `<nova:owner><nova:user uuid="u-1">alice</nova:user><nova:project uuid="p-1">wetter &amp; co</nova:project></nova:owner>`;

describe('Nova metadata', () => {
  test.each(['1.0', '1.1', '2.0'])('of namespace %s is read', (version) => {
    const [info, meta, openstack] = lines(
      instance(
        version,
        `<nova:name>web-1</nova:name><nova:flavor name="m1.small"/>${OWNER}<nova:root type="image" uuid="i-1"/>`,
      ),
    );
    expect(info).toBe(
      'libvirt_domain_info{os_type="hvm", os_type_arch="x86_64", os_type_machine="pc-q35-7.2"}',
    );
    expect(meta).toBe(
      'libvirt_domain_info_meta{flavor="m1.small", instance_name="web-1", project_name="wetter & co", project_uuid="p-1", root_type="image", root_uuid="i-1", user_name="alice", user_uuid="u-1"}',
    );
    expect(openstack).toBe(
      `libvirt_domain_openstack_info{flavor_name="m1.small", instance_id="${UUID}", instance_name="web-1", project_id="p-1", project_name="wetter & co", user_id="u-1", user_name="alice"}`,
    );
  });

  test('with any prefix, or none', () => {
    const text = instance('1.1', `<nova:name>web-1</nova:name>`);
    const bare = text
      .replaceAll('nova:', '')
      .replaceAll('xmlns:nova', 'xmlns')
      .replace('<instance xmlns="http', '<instance xmlns="http');
    for (const xml of [text.replaceAll('nova:', 'n:').replace(':nova=', ':n='), bare]) {
      expect(lines(xml).join()).toMatch(/instance_name="web-1"/);
    }
  });

  test('an image without a root element is the root', () => {
    expect(lines(instance('1.1', `<nova:image uuid="i-2"/>`))[1]).toMatch(
      /root_type="image", root_uuid="i-2"/,
    );
  });

  test('a domain that OpenStack did not make has the same series with fewer labels', () => {
    const all = lines(`<domain><os><type>hvm</type></os></domain>`);
    expect(all).toEqual([
      'libvirt_domain_info{os_type="hvm"}',
      'libvirt_domain_info_meta',
      `libvirt_domain_openstack_info{instance_id="${UUID}"}`,
    ]);
  });
});

const devices = (inside: string): readonly string[] =>
  lines(`<domain><devices>${inside}</devices></domain>`).slice(3);

describe('disks', () => {
  test('a volume in Ceph', () => {
    expect(
      devices(`<disk type='network' device='disk'>
        <driver name='qemu' type='raw' cache='writeback' discard='unmap'/>
        <source protocol='rbd' name='volumes/volume-1'><host name='10.0.0.1' port='6789'/></source>
        <target dev='vda' bus='virtio'/><serial>1-2-3</serial></disk>`),
    ).toEqual([
      'libvirt_domain_block_meta{bus="virtio", cache="writeback", discard="unmap", disk_type="network", driver_type="raw", serial="1-2-3", source_file="volumes/volume-1", target_device="vda"}',
      'libvirt_domain_block_stats_info{disk_type="network", driver_cache="writeback", driver_discard="unmap", driver_name="qemu", driver_type="raw", serial="1-2-3", source_file="volumes/volume-1", source_protocol="rbd", target_bus="virtio", target_device="vda"}',
    ]);
  });

  test.each([
    [
      `<disk type='file'><source file='/a b.qcow2'/><target dev='hda' bus='ide'/></disk>`,
      '/a b.qcow2',
    ],
    [
      `<disk type='block'><source dev='/dev/vg/lv'/><target dev='sda' bus='scsi'/></disk>`,
      '/dev/vg/lv',
    ],
    [
      `<disk type='volume'><source pool='p' volume='v'/><target dev='vdb' bus='virtio'/></disk>`,
      'v',
    ],
  ])('%s', (xml, source) => {
    expect(devices(xml)[0]).toContain(`source_file="${source}"`);
  });

  test('an empty drive has no source, one without a name no series', () => {
    expect(
      devices(`<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>`),
    ).toEqual([
      'libvirt_domain_block_meta{bus="ide", disk_type="file", target_device="hdc"}',
      'libvirt_domain_block_stats_info{disk_type="file", target_bus="ide", target_device="hdc"}',
    ]);
    expect(devices(`<disk type='file'/>`)).toEqual([]);
  });
});

test('a NIC on an Open vSwitch port', () => {
  expect(
    devices(`<interface type='bridge'><mac address='fa:16:3e:00:00:01'/><source bridge='br-int'/>
      <virtualport type='openvswitch'><parameters interfaceid='port-1'/></virtualport>
      <target dev='tap01'/><model type='virtio'/><mtu size='1450'/></interface>`),
  ).toEqual([
    'libvirt_domain_interface_meta{source_bridge="br-int", target_device="tap01", virtual_interface="port-1"}',
    'libvirt_domain_interface_stats_info{interface_type="bridge", mac_address="fa:16:3e:00:00:01", model_type="virtio", mtu_size="1450", source_bridge="br-int", target_device="tap01"}',
  ]);
});
