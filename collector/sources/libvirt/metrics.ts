/**
 * Which of libvirt's statistics become which metrics, in base units. Names are those of the two exporters
 * that operators have dashboards for (Tinkoff's and inovex's); where they differ for one quantity, both
 * are given. What only one or none of them has follows the same pattern.
 */
export interface MetricRow {
  /** libvirt's field without the device's prefix, as in `virsh domstats`. */
  readonly field: string;
  readonly metric: string;
  readonly convert: (value: number) => number;
  /** Labels that tell it from other rows of the same metric. */
  readonly labels?: Readonly<Record<string, string>>;
}

const same = (value: number): number => value;
const seconds = (nanoseconds: number): number => nanoseconds / 1e9;
const bytes = (kibibytes: number): number => kibibytes * 1024;

const row = (
  field: string,
  metric: string,
  convert: (value: number) => number = same,
  labels?: Readonly<Record<string, string>>,
): MetricRow => ({ field, metric: `libvirt_domain_${metric}`, convert, ...(labels && { labels }) });

export const CPU_ROWS: readonly MetricRow[] = [
  row('cpu.time', 'info_cpu_time_seconds_total', seconds),
  row('cpu.user', 'cpu_seconds_total', seconds, { mode: 'user' }),
  row('cpu.system', 'cpu_seconds_total', seconds, { mode: 'system' }),
  row('cpu.haltpoll.success.time', 'haltpoll_seconds_total', seconds, { result: 'success' }),
  row('cpu.haltpoll.fail.time', 'haltpoll_seconds_total', seconds, { result: 'fail' }),
  row('vcpu.current', 'vcpu_current'),
  row('vcpu.current', 'info_virtual_cpus'),
  row('vcpu.maximum', 'vcpu_maximum'),
];

/** KVM's own counters; of some sixty, those that tell something to an operator. */
const kvmRow = (name: string): MetricRow => row(`.${name}.sum`, `kvm_vcpu_${name}_total`);

export const VCPU_ROWS: readonly MetricRow[] = [
  row('.state', 'vcpu_state'),
  row('.time', 'vcpu_time_seconds_total', seconds),
  row('.delay', 'vcpu_delay_seconds_total', seconds),
  row('.halted', 'vcpu_halted'),
  kvmRow('exits'),
  kvmRow('halt_exits'),
  kvmRow('io_exits'),
  kvmRow('mmio_exits'),
  kvmRow('irq_exits'),
  kvmRow('request_irq_exits'),
  kvmRow('halt_wait_ns'),
  kvmRow('halt_poll_success_ns'),
  kvmRow('preemption_reported'),
  kvmRow('tlb_flush'),
  kvmRow('pf_taken'),
];

/** Without scheduler statistics in the kernel this is 0 for ever, and then it is not exported. */
export const VCPU_WAIT_ROWS: readonly MetricRow[] = [
  row('.wait', 'vcpu_wait_seconds_total', seconds),
];

/** From the guest's point of view: libvirt has already turned the tap's directions round. */
export const INTERFACE_ROWS: readonly MetricRow[] = [
  row('.rx.bytes', 'interface_stats_receive_bytes_total'),
  row('.rx.pkts', 'interface_stats_receive_packets_total'),
  row('.rx.errs', 'interface_stats_receive_errors_total'),
  row('.rx.drop', 'interface_stats_receive_drops_total'),
  row('.tx.bytes', 'interface_stats_transmit_bytes_total'),
  row('.tx.pkts', 'interface_stats_transmit_packets_total'),
  row('.tx.errs', 'interface_stats_transmit_errors_total'),
  row('.tx.drop', 'interface_stats_transmit_drops_total'),
];

export const BLOCK_ROWS: readonly MetricRow[] = [
  row('.rd.bytes', 'block_stats_read_bytes_total'),
  row('.rd.reqs', 'block_stats_read_requests_total'),
  row('.rd.times', 'block_stats_read_time_seconds_total', seconds),
  row('.wr.bytes', 'block_stats_write_bytes_total'),
  row('.wr.reqs', 'block_stats_write_requests_total'),
  row('.wr.times', 'block_stats_write_time_seconds_total', seconds),
  row('.fl.reqs', 'block_stats_flush_requests_total'),
  row('.fl.times', 'block_stats_flush_time_seconds_total', seconds),
  row('.allocation', 'block_stats_allocation'),
  row('.capacity', 'block_stats_capacity_bytes'),
  row('.physical', 'block_stats_physicalsize_bytes'),
  row('.threshold', 'block_stats_threshold_bytes'),
  row('.errors', 'block_stats_errors_total'),
];

/** What the host knows of a domain's memory by itself. */
export const BALLOON_ROWS: readonly MetricRow[] = [
  row('balloon.current', 'memory_stats_actual_balloon_bytes', bytes),
  row('balloon.current', 'memory_stats_current_balloon_bytes', bytes),
  row('balloon.current', 'info_memory_usage_bytes', bytes),
  row('balloon.maximum', 'memory_stats_maximum_bytes', bytes),
  row('balloon.maximum', 'info_maximum_memory_bytes', bytes),
  row('balloon.rss', 'memory_stats_rss_bytes', bytes),
];

/** When the guest's driver last said something; 0, which stands for never, is not a time. */
export const LAST_UPDATE_ROWS: readonly MetricRow[] = [
  row('balloon.last-update', 'memory_stats_last_update_timestamp_seconds'),
];

/** What only the guest's balloon driver can tell: meaningless unless it told it recently. */
export const GUEST_MEMORY_ROWS: readonly MetricRow[] = [
  row('balloon.swap_in', 'memory_stats_swap_in_bytes', bytes),
  row('balloon.swap_out', 'memory_stats_swap_out_bytes', bytes),
  row('balloon.major_fault', 'memory_stats_major_fault_total'),
  row('balloon.minor_fault', 'memory_stats_minor_fault_total'),
  row('balloon.unused', 'memory_stats_unused_bytes', bytes),
  row('balloon.available', 'memory_stats_available_bytes', bytes),
  row('balloon.usable', 'memory_stats_usable_bytes', bytes),
  row('balloon.disk_caches', 'memory_stats_disk_cache_bytes', bytes),
  row('balloon.disk_caches', 'memory_stats_disk_caches_bytes', bytes),
  row('balloon.hugetlb_pgalloc', 'memory_stats_hugetlb_pgalloc_total'),
  row('balloon.hugetlb_pgfail', 'memory_stats_hugetlb_pgfail_total'),
];

/** Computed here from available and usable. */
export const USED_PERCENT_ROWS: readonly MetricRow[] = [
  row('used_percent', 'memory_stats_used_percent'),
];

export const STATE_ROWS: readonly MetricRow[] = [row('state.state', 'info_vstate')];

/** The words of inovex's exporter, which dashboards match on. */
const STATE_DESCRIPTIONS: readonly string[] = [
  'no state',
  'the domain is running',
  'the domain is blocked on resource',
  'the domain is paused by user',
  'the domain is being shut down',
  'the domain is shut off',
  'the domain is crashed',
  'the domain is suspended by guest power management',
];

const STATE_NAMES: readonly string[] = [
  'nostate',
  'running',
  'blocked',
  'paused',
  'shutdown',
  'shutoff',
  'crashed',
  'pmsuspended',
];

/** libvirt's virDomain…Reason enumerations, by state. */
const STATE_REASONS: readonly (readonly string[])[] = [
  ['unknown'],
  [
    'unknown',
    'booted',
    'migrated',
    'restored',
    'from_snapshot',
    'unpaused',
    'migration_canceled',
    'save_canceled',
    'wakeup',
    'crashed',
    'postcopy',
    'postcopy_failed',
  ],
  ['unknown'],
  [
    'unknown',
    'user',
    'migration',
    'save',
    'dump',
    'ioerror',
    'watchdog',
    'from_snapshot',
    'shutting_down',
    'snapshot',
    'crashed',
    'starting_up',
    'postcopy',
    'postcopy_failed',
    'api_error',
  ],
  ['unknown', 'user'],
  [
    'unknown',
    'shutdown',
    'destroyed',
    'crashed',
    'migrated',
    'saved',
    'failed',
    'from_snapshot',
    'daemon',
  ],
  ['unknown', 'panicked'],
  ['unknown'],
];

export function stateDescription(state: number): string {
  return STATE_DESCRIPTIONS[state] ?? `state ${state}`;
}

export function stateName(state: number): string {
  return STATE_NAMES[state] ?? String(state);
}

export function stateReason(state: number, reason: number): string {
  return STATE_REASONS[state]?.[reason] ?? String(reason);
}
