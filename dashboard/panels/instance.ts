import { quoted } from './definition.ts';
import type { PanelDefinition } from './definition.ts';

/** The charts of one instance. `window` is the window of rates. */
export function instancePanels(uuid: string, window: string): readonly PanelDefinition[] {
  const of = (metric: string): string => `${metric}{job="libvirt",uuid=${quoted(uuid)}}`;
  const rate = (metric: string): string => `rate(${of(metric)}[${window}])`;
  return [
    ...processors(of, rate),
    ...network(rate),
    ...disks(rate),
    {
      id: 'memory',
      title: 'Memory',
      shape: { unit: 'bytes', layout: 'lines' },
      queries: [
        {
          id: 'memory.assigned',
          query: `max by (uuid) (${of('libvirt_domain_memory_stats_actual_balloon_bytes')})`,
          name: () => 'assigned',
        },
        {
          id: 'memory.resident',
          query: `max by (uuid) (${of('libvirt_domain_memory_stats_rss_bytes')})`,
          name: () => 'resident on host',
        },
        {
          id: 'memory.usable',
          query: `max by (uuid) (${of('libvirt_domain_memory_stats_usable_bytes')})`,
          name: () => 'usable in guest',
        },
      ],
      order: ['assigned', 'resident on host', 'usable in guest'],
      hint: 'libvirt reports memory only while the instance runs.',
    },
  ];
}

type Of = (metric: string) => string;

function processors(of: Of, rate: Of): readonly PanelDefinition[] {
  const hint = 'The counters exist only while the instance runs.';
  const vcpu = ({ vcpu = '' }: Readonly<Record<string, string>>): string => `vCPU ${vcpu}`;
  return [
    {
      id: 'cpu',
      title: 'CPU',
      shape: { unit: 'ratio', layout: 'lines', fixedMax: 1 },
      queries: [
        {
          id: 'cpu',
          query:
            `sum by (uuid) (${rate('libvirt_domain_info_cpu_time_seconds_total')})` +
            ` / max by (uuid) (${of('libvirt_domain_info_virtual_cpus')})`,
          name: () => 'of all vCPUs',
        },
      ],
      hint,
    },
    {
      id: 'vcpu',
      title: 'CPU per vCPU',
      shape: { unit: 'ratio', layout: 'lines', fixedMax: 1 },
      queries: [
        {
          id: 'vcpu',
          query: `sum by (vcpu) (${rate('libvirt_domain_vcpu_time_seconds_total')})`,
          name: vcpu,
        },
      ],
      hint,
    },
    {
      id: 'delay',
      title: 'Steal: ready, but waiting for a host CPU',
      shape: { unit: 'ratio', layout: 'lines', maxAtLeast: 0.05 },
      queries: [
        {
          id: 'delay',
          query: `sum by (vcpu) (${rate('libvirt_domain_vcpu_delay_seconds_total')})`,
          name: vcpu,
        },
      ],
      hint: 'The host kernel keeps no scheduler statistics of the vCPU threads, or libvirt does not report them.',
    },
  ];
}

function network(rate: Of): readonly PanelDefinition[] {
  const both = (id: string, what: string, word: string) => [
    {
      id: `${id}.in`,
      query: `sum by (target_device) (${rate(`libvirt_domain_interface_stats_receive_${what}_total`)})`,
      name: ({ target_device: device = '' }: Readonly<Record<string, string>>) =>
        `${device} ${word}in`,
    },
    {
      id: `${id}.out`,
      query: `sum by (target_device) (${rate(`libvirt_domain_interface_stats_transmit_${what}_total`)})`,
      name: ({ target_device: device = '' }: Readonly<Record<string, string>>) =>
        `${device} ${word}out`,
      mirrored: true,
    },
  ];
  const hint = 'The instance has no network interface that the host can count, such as a tap.';
  return [
    {
      id: 'network',
      title: 'Network',
      shape: { unit: 'bytes/s', layout: 'lines', maxAtLeast: 1000 },
      queries: both('network', 'bytes', ''),
      hint,
    },
    {
      id: 'packets',
      title: 'Network packets',
      shape: { unit: 'packets/s', layout: 'lines', maxAtLeast: 10 },
      queries: both('packets', 'packets', ''),
      hint,
    },
    {
      id: 'drops',
      title: 'Network drops and errors',
      shape: { unit: 'packets/s', layout: 'lines', maxAtLeast: 1 },
      queries: [...both('drops', 'drops', 'dropped '), ...both('errors', 'errors', 'errors ')],
      hint,
    },
  ];
}

function disks(rate: Of): readonly PanelDefinition[] {
  const by = (metric: string): string =>
    `sum by (target_device) (${rate(`libvirt_domain_block_stats_${metric}_total`)})`;
  const named =
    (word: string) =>
    ({ target_device: device = '' }: Readonly<Record<string, string>>): string =>
      `${device} ${word}`;
  const hint = 'The instance has no disk, or its disks could not be read.';
  return [
    {
      id: 'disk',
      title: 'Disk throughput',
      shape: { unit: 'bytes/s', layout: 'lines', maxAtLeast: 10_000 },
      queries: [
        { id: 'disk.read', query: by('read_bytes'), name: named('read') },
        { id: 'disk.write', query: by('write_bytes'), name: named('write'), mirrored: true },
      ],
      hint,
    },
    {
      id: 'operations',
      title: 'Disk operations',
      shape: { unit: 'ops/s', layout: 'lines', maxAtLeast: 10 },
      queries: [
        { id: 'operations.read', query: by('read_requests'), name: named('read') },
        {
          id: 'operations.write',
          query: by('write_requests'),
          name: named('write'),
          mirrored: true,
        },
      ],
      hint,
    },
    {
      id: 'latency',
      title: 'Disk latency per operation',
      shape: { unit: 'seconds', layout: 'lines', maxAtLeast: 0.001 },
      queries: [
        {
          id: 'latency.read',
          query: `${by('read_time_seconds')} / ${by('read_requests')}`,
          name: named('read'),
        },
        {
          id: 'latency.write',
          query: `${by('write_time_seconds')} / ${by('write_requests')}`,
          name: named('write'),
        },
      ],
      hint: 'Latency exists only while there are operations.',
    },
  ];
}
