import type { SampleSink, Source } from '../../source.ts';
import { isShownDisk } from './diskstats.ts';
import type { Host } from './host.ts';
import { decimal, namesIn, textIn } from './kernel-text.ts';
import { SeriesPool } from './series-pool.ts';

const ATA_NUMBERS: readonly (readonly [property: string, name: string])[] = [
  ['ID_ATA_WRITE_CACHE', 'node_disk_ata_write_cache'],
  ['ID_ATA_WRITE_CACHE_ENABLED', 'node_disk_ata_write_cache_enabled'],
  ['ID_ATA_ROTATION_RATE_RPM', 'node_disk_ata_rotation_rate_rpm'],
];

/** What the disks are: from sysfs, and from what udev has found out about them. */
export function createDiskInfoSource(host: Host): Source {
  const pool = new SeriesPool();
  const { tree } = host;
  const diskstats = host.reader.file('/proc/diskstats');

  function sampleDisk(sink: SampleSink, disk: Disk): void {
    const { device, major, minor } = disk;
    const udev = udevProperties(textIn(tree, `/run/udev/data/b${major}:${minor}`));
    const property = (name: string): string => udev.get(name) ?? '';
    const info = {
      device,
      major,
      minor,
      path: property('ID_PATH'),
      wwn: property('ID_WWN'),
      model: property('ID_MODEL'),
      // The first is what is printed on the disk; virtio devices have only the last.
      serial: property('SCSI_IDENT_SERIAL') || property('ID_SERIAL_SHORT') || property('ID_SERIAL'),
      revision: property('ID_REVISION'),
      // What has no queue of its own does not rotate.
      rotational: textIn(tree, `/sys/block/${device}/queue/rotational`) || '0',
    };
    pool.push(sink, 'node_disk_info', info, 1);
    if (property('ID_FS_TYPE') !== '') {
      const labels = {
        device,
        type: property('ID_FS_TYPE'),
        usage: property('ID_FS_USAGE'),
        uuid: property('ID_FS_UUID'),
        version: property('ID_FS_VERSION'),
      };
      pool.push(sink, 'node_disk_filesystem_info', labels, 1);
    }
    if (property('DM_NAME') !== '') sampleDeviceMapper(sink, device, property);
    if (property('ID_ATA') === '') return;
    for (const [name, series] of ATA_NUMBERS) {
      pool.push(sink, series, { device }, decimal(property(name)));
    }
  }

  function sampleDeviceMapper(
    sink: SampleSink,
    device: string,
    property: (name: string) => string,
  ): void {
    const labels = {
      device,
      name: property('DM_NAME'),
      uuid: property('DM_UUID'),
      vg_name: property('DM_VG_NAME'),
      lv_name: property('DM_LV_NAME'),
      lv_layer: property('DM_LV_LAYER'),
    };
    pool.push(sink, 'node_disk_device_mapper_info', labels, 1);
    for (const backing of namesIn(tree, `/sys/block/${device}/slaves`)) {
      const pair = { device, backing_device: backing };
      pool.push(sink, 'node_disk_device_mapper_backing_device_info', pair, 1);
    }
  }

  return {
    name: 'diskinfo',
    intervalMs: host.rareMs,
    sample(sink) {
      for (const disk of disksIn(diskstats.readText())) sampleDisk(sink, disk);
      pool.finish();
    },
    close: () => diskstats.close(),
  };
}

interface Disk {
  readonly device: string;
  readonly major: string;
  readonly minor: string;
}

function disksIn(diskstats: string): readonly Disk[] {
  const disks: Disk[] = [];
  for (const line of diskstats.split('\n')) {
    const [, major, minor, device] = /^\s*(\d{1,9})\s+(\d{1,9})\s+(\S+)/.exec(line) ?? [];
    if (major === undefined || minor === undefined || device === undefined) continue;
    if (isShownDisk(device)) disks.push({ device, major, minor });
  }
  return disks;
}

/** Lines such as `E:ID_MODEL=...` of udev's database. */
function udevProperties(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>();
  for (const line of text.split('\n')) {
    const split = line.indexOf('=');
    if (line.startsWith('E:') && split > 2) {
      properties.set(line.slice(2, split), line.slice(split + 1));
    }
  }
  return properties;
}
