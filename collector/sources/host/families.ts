import type { MetricMetadata } from '../../../model/metadata.ts';

/**
 * Type and help of every metric that the host's sources give. Types are node_exporter's, also where another
 * would fit better (`untyped` counters, gauges that count): what was built on them must go on working.
 */
export function hostFamily(name: string): MetricMetadata | undefined {
  const listed = BY_NAME.get(name);
  if (listed !== undefined) return listed;
  for (const { starts, ends, type, help } of NAMED_BY_THE_KERNEL) {
    if (!name.startsWith(starts) || !name.endsWith(ends)) continue;
    const key = name.slice(starts.length, name.length - ends.length);
    return metadata(type, `${help} ${key}.`);
  }
  return undefined;
}

type Type = 'counter' | 'gauge' | 'untyped';
type Family = readonly [name: string, type: Type, help: string];

const CPU: readonly Family[] = [
  ['node_cpu_seconds_total', 'counter', 'Seconds that each CPU spent in each mode.'],
  ['node_cpu_guest_seconds_total', 'counter', 'Seconds of user and nice time spent in guests.'],
  ['node_cpu_info', 'gauge', 'What each CPU is, from /proc/cpuinfo; always 1.'],
  ['node_cpu_online', 'gauge', 'Whether the CPU is online.'],
  ['node_cpu_isolated', 'gauge', 'CPUs that the scheduler leaves alone; always 1.'],
  ['node_cpu_core_throttles_total', 'counter', 'How often heat has slowed down the core.'],
  ['node_cpu_package_throttles_total', 'counter', 'How often heat has slowed down the package.'],
  ['node_cpu_frequency_hertz', 'gauge', 'Present frequency of the CPU.'],
  ['node_cpu_frequency_min_hertz', 'gauge', 'Lowest frequency that the CPU can have.'],
  ['node_cpu_frequency_max_hertz', 'gauge', 'Highest frequency that the CPU can have.'],
  ['node_cpu_scaling_frequency_hertz', 'gauge', 'Present frequency, as the governor sees it.'],
  ['node_cpu_scaling_frequency_min_hertz', 'gauge', 'Lowest frequency that the governor allows.'],
  ['node_cpu_scaling_frequency_max_hertz', 'gauge', 'Highest frequency that the governor allows.'],
  ['node_cpu_scaling_governor', 'gauge', '1 for the governor in force, 0 for the others.'],
  ['node_schedstat_running_seconds_total', 'counter', 'Seconds that the CPU ran tasks.'],
  ['node_schedstat_waiting_seconds_total', 'counter', 'Seconds that tasks waited for the CPU.'],
  ['node_schedstat_timeslices_total', 'counter', 'Time slices that the CPU has run.'],
  ['node_boot_time_seconds', 'gauge', 'When the machine was started, in seconds since 1970.'],
  ['node_context_switches_total', 'counter', 'Switches from one task to another.'],
  ['node_forks_total', 'counter', 'Processes and threads created.'],
  ['node_intr_total', 'counter', 'Interrupts serviced.'],
  ['node_softirqs_total', 'counter', 'Soft interrupts by vector.'],
  ['node_procs_running', 'gauge', 'Tasks that run or are ready to.'],
  ['node_procs_blocked', 'gauge', 'Tasks that wait for I/O.'],
  ['node_load1', 'gauge', 'Load average over 1 minute.'],
  ['node_load5', 'gauge', 'Load average over 5 minutes.'],
  ['node_load15', 'gauge', 'Load average over 15 minutes.'],
  ['node_pressure_cpu_waiting_seconds_total', 'counter', 'Seconds in which a task waited for CPU.'],
  ['node_pressure_io_waiting_seconds_total', 'counter', 'Seconds in which a task waited for I/O.'],
  ['node_pressure_io_stalled_seconds_total', 'counter', 'Seconds in which all waited for I/O.'],
  [
    'node_pressure_memory_waiting_seconds_total',
    'counter',
    'Seconds in which a task waited for memory.',
  ],
  [
    'node_pressure_memory_stalled_seconds_total',
    'counter',
    'Seconds in which all waited for memory.',
  ],
  ['node_pressure_irq_stalled_seconds_total', 'counter', 'Seconds that interrupts took from all.'],
];

const DISK: readonly Family[] = [
  ['node_disk_reads_completed_total', 'counter', 'Reads completed.'],
  ['node_disk_reads_merged_total', 'counter', 'Reads merged with a neighbour.'],
  ['node_disk_read_bytes_total', 'counter', 'Bytes read.'],
  ['node_disk_read_time_seconds_total', 'counter', 'Seconds that all reads took together.'],
  ['node_disk_writes_completed_total', 'counter', 'Writes completed.'],
  ['node_disk_writes_merged_total', 'counter', 'Writes merged with a neighbour.'],
  ['node_disk_written_bytes_total', 'counter', 'Bytes written.'],
  ['node_disk_write_time_seconds_total', 'counter', 'Seconds that all writes took together.'],
  ['node_disk_io_now', 'gauge', 'Requests under way.'],
  ['node_disk_io_time_seconds_total', 'counter', 'Seconds in which a request was under way.'],
  ['node_disk_io_time_weighted_seconds_total', 'counter', 'Those seconds times the requests.'],
  ['node_disk_discards_completed_total', 'counter', 'Discards completed.'],
  ['node_disk_discards_merged_total', 'counter', 'Discards merged with a neighbour.'],
  ['node_disk_discarded_sectors_total', 'counter', 'Sectors of 512 bytes discarded.'],
  ['node_disk_discard_time_seconds_total', 'counter', 'Seconds that all discards took together.'],
  ['node_disk_flush_requests_total', 'counter', 'Flushes completed.'],
  ['node_disk_flush_requests_time_seconds_total', 'counter', 'Seconds that flushes took together.'],
  ['node_disk_info', 'gauge', 'What the disk is, from sysfs and udev; always 1.'],
  ['node_disk_filesystem_info', 'gauge', 'The file system on the disk; always 1.'],
  ['node_disk_device_mapper_info', 'gauge', 'What the mapped device is; always 1.'],
  ['node_disk_device_mapper_backing_device_info', 'gauge', 'What a device is mapped to; always 1.'],
  ['node_disk_ata_write_cache', 'gauge', 'Whether the ATA disk has a write cache.'],
  ['node_disk_ata_write_cache_enabled', 'gauge', 'Whether the write cache is in use.'],
  ['node_disk_ata_rotation_rate_rpm', 'gauge', 'Turns per minute; 0 for what does not turn.'],
  ['node_filesystem_size_bytes', 'gauge', 'Size of the file system.'],
  ['node_filesystem_free_bytes', 'gauge', 'Free space, with that kept for root.'],
  ['node_filesystem_avail_bytes', 'gauge', 'Free space for all but root.'],
  ['node_filesystem_files', 'gauge', 'Inodes in all.'],
  ['node_filesystem_files_free', 'gauge', 'Free inodes.'],
  ['node_filesystem_readonly', 'gauge', 'Whether it is mounted read-only.'],
  ['node_filesystem_device_error', 'gauge', 'Whether the file system gives no answer.'],
  ['node_filesystem_mount_info', 'gauge', 'Device numbers of each mount; always 1.'],
  ['node_md_disks', 'gauge', 'Disks of the array by what they do.'],
  ['node_md_disks_required', 'gauge', 'Disks that the array needs to be whole.'],
  ['node_md_raid_disks', 'gauge', 'Disks that the array needs, from sysfs.'],
  ['node_md_degraded', 'gauge', 'Disks that the array lacks, from sysfs.'],
  ['node_md_state', 'gauge', '1 for the state of the array, 0 for the others.'],
  ['node_md_blocks', 'gauge', 'Blocks of the array.'],
  ['node_md_blocks_synced', 'gauge', 'Blocks that are in sync.'],
];

const NETWORK: readonly Family[] = [
  ['node_network_receive_bytes_total', 'counter', 'Bytes received.'],
  ['node_network_receive_packets_total', 'counter', 'Packets received.'],
  ['node_network_receive_errs_total', 'counter', 'Packets received with errors.'],
  ['node_network_receive_drop_total', 'counter', 'Packets dropped on the way in.'],
  ['node_network_receive_fifo_total', 'counter', 'Packets lost because a queue was full.'],
  ['node_network_receive_frame_total', 'counter', 'Malformed frames received.'],
  ['node_network_receive_compressed_total', 'counter', 'Compressed packets received.'],
  ['node_network_receive_multicast_total', 'counter', 'Multicast packets received.'],
  ['node_network_receive_nohandler_total', 'counter', 'Packets that nobody wanted.'],
  ['node_network_transmit_bytes_total', 'counter', 'Bytes sent.'],
  ['node_network_transmit_packets_total', 'counter', 'Packets sent.'],
  ['node_network_transmit_errs_total', 'counter', 'Packets that could not be sent.'],
  ['node_network_transmit_drop_total', 'counter', 'Packets dropped on the way out.'],
  ['node_network_transmit_fifo_total', 'counter', 'Packets lost because a queue was full.'],
  ['node_network_transmit_colls_total', 'counter', 'Collisions.'],
  ['node_network_transmit_carrier_total', 'counter', 'Losses of the carrier while sending.'],
  ['node_network_transmit_compressed_total', 'counter', 'Compressed packets sent.'],
  ['node_network_up', 'gauge', 'Whether the device is in operation.'],
  ['node_network_info', 'gauge', 'Addresses and states of the device; always 1.'],
  ['node_network_speed_bytes', 'gauge', 'Bytes per second of the link; negative when unknown.'],
  ['node_network_carrier', 'gauge', 'Whether there is a carrier.'],
  ['node_network_carrier_changes_total', 'counter', 'How often the carrier came or went.'],
  ['node_network_carrier_up_changes_total', 'counter', 'How often the carrier came.'],
  ['node_network_carrier_down_changes_total', 'counter', 'How often the carrier went.'],
  ['node_network_mtu_bytes', 'gauge', 'Largest packet.'],
  ['node_network_flags', 'gauge', "The device's flags as a number."],
  ['node_network_dormant', 'gauge', 'Whether it waits for an event from outside.'],
  ['node_network_iface_id', 'gauge', 'Index of the device.'],
  ['node_network_iface_link', 'gauge', 'Index of the device below it.'],
  ['node_network_iface_link_mode', 'gauge', "The link's mode as a number."],
  ['node_network_address_assign_type', 'gauge', 'From where its address is.'],
  ['node_network_name_assign_type', 'gauge', 'From where its name is.'],
  ['node_network_net_dev_group', 'gauge', 'Group of the device.'],
  ['node_network_device_id', 'gauge', 'Number of the port on its card.'],
  ['node_network_protocol_type', 'gauge', 'Kind of hardware as a number.'],
  ['node_network_transmit_queue_length', 'gauge', 'Packets that its queue can hold.'],
  ['node_bonding_slaves', 'gauge', 'Devices in the bond.'],
  ['node_bonding_active', 'gauge', 'Devices in the bond that have a link.'],
  ['node_arp_entries', 'gauge', 'IPv4 neighbours known.'],
  ['node_udp_queues', 'gauge', 'Bytes that wait in UDP sockets.'],
  ['node_nf_conntrack_entries', 'gauge', 'Connections tracked.'],
  ['node_nf_conntrack_entries_limit', 'gauge', 'Connections that can be tracked.'],
  ['node_nf_conntrack_stat_found', 'gauge', 'Look-ups that found their entry.'],
  ['node_nf_conntrack_stat_invalid', 'gauge', 'Packets that cannot be tracked.'],
  ['node_nf_conntrack_stat_ignore', 'gauge', 'Packets that had their entry already.'],
  ['node_nf_conntrack_stat_insert', 'gauge', 'Entries inserted.'],
  ['node_nf_conntrack_stat_insert_failed', 'gauge', 'Entries that could not be inserted.'],
  ['node_nf_conntrack_stat_drop', 'gauge', 'Packets dropped because tracking failed.'],
  ['node_nf_conntrack_stat_early_drop', 'gauge', 'Entries given up to make room.'],
  ['node_nf_conntrack_stat_search_restart', 'gauge', 'Look-ups begun anew after a resize.'],
  ['node_softnet_processed_total', 'counter', 'Packets processed by the CPU.'],
  ['node_softnet_dropped_total', 'counter', 'Packets dropped because the backlog was full.'],
  ['node_softnet_times_squeezed_total', 'counter', 'Turns that ended with packets left.'],
  ['node_softnet_cpu_collision_total', 'counter', 'Collisions over the lock of a device.'],
  ['node_softnet_received_rps_total', 'counter', 'Times the CPU was woken by another for packets.'],
  ['node_softnet_flow_limit_count_total', 'counter', 'Times that a flow was held to its limit.'],
  ['node_softnet_backlog_len', 'gauge', 'Packets in the backlog.'],
];

const HARDWARE: readonly Family[] = [
  ['node_hwmon_chip_names', 'gauge', 'What the driver calls the chip; always 1.'],
  ['node_hwmon_sensor_label', 'gauge', 'What the sensor is called; always 1.'],
  ['node_hwmon_energy_joule_total', 'counter', 'Energy used.'],
  ['node_thermal_zone_temp', 'gauge', 'Temperature of the zone in Celsius.'],
  ['node_cooling_device_cur_state', 'gauge', 'How strongly the device cools.'],
  ['node_cooling_device_max_state', 'gauge', 'How strongly the device can cool.'],
  ['node_edac_correctable_errors_total', 'counter', 'Memory errors corrected.'],
  ['node_edac_uncorrectable_errors_total', 'counter', 'Memory errors not corrected.'],
  ['node_edac_csrow_correctable_errors_total', 'counter', 'Memory errors corrected, by row.'],
  ['node_edac_csrow_uncorrectable_errors_total', 'counter', 'Memory errors not corrected, by row.'],
];

const SYSTEM: readonly Family[] = [
  ['node_uname_info', 'gauge', 'What uname tells; always 1.'],
  ['node_os_info', 'gauge', 'The distribution, from os-release; always 1.'],
  ['node_os_version', 'gauge', "The distribution's version as a number."],
  ['node_time_seconds', 'gauge', "The machine's time, in seconds since 1970."],
  ['node_time_clocksource_available_info', 'gauge', 'Clock sources that there are; always 1.'],
  ['node_time_clocksource_current_info', 'gauge', 'The clock source in use; always 1.'],
  ['node_filefd_allocated', 'gauge', 'File descriptors in use.'],
  ['node_filefd_maximum', 'gauge', 'File descriptors that there can be.'],
  ['node_entropy_available_bits', 'gauge', 'Bits of entropy at hand.'],
  ['node_entropy_pool_size_bits', 'gauge', 'Bits that the entropy pool holds.'],
  ['node_scrape_collector_success', 'gauge', 'Whether the last reading of the source succeeded.'],
  ['node_scrape_collector_duration_seconds', 'gauge', 'How long the last reading took.'],
];

/** Families of which the kernel makes the names, so that they cannot be listed one by one. */
const NAMED_BY_THE_KERNEL: readonly {
  readonly starts: string;
  readonly ends: string;
  readonly type: Type;
  readonly help: string;
}[] = [
  { starts: 'node_memory_', ends: '', type: 'gauge', help: 'From /proc/meminfo:' },
  { starts: 'node_vmstat_', ends: '', type: 'untyped', help: 'From /proc/vmstat:' },
  { starts: 'node_netstat_', ends: '', type: 'untyped', help: 'Of the network protocols:' },
  { starts: 'node_sockstat_', ends: '', type: 'gauge', help: 'Of the sockets:' },
  { starts: 'node_hwmon_', ends: '', type: 'gauge', help: 'Sensor reading:' },
  { starts: 'node_rapl_', ends: '_joules_total', type: 'counter', help: 'Energy used by' },
];

const BY_NAME: ReadonlyMap<string, MetricMetadata> = new Map(
  [...CPU, ...DISK, ...NETWORK, ...HARDWARE, ...SYSTEM].map(([name, type, help]) => [
    name,
    metadata(type, help),
  ]),
);

function metadata(type: Type, help: string): MetricMetadata {
  return { type: type === 'untyped' ? 'unknown' : type, help, unit: '' };
}
