import { quoted } from './definition.ts';
import type { PanelDefinition } from './definition.ts';
import { DISKS, NICS } from './devices.ts';

const MODE_COLOURS: Readonly<Record<string, string>> = {
  user: '--series-1',
  system: '--series-2',
  nice: '--series-3',
  iowait: '--series-5',
  irq: '--series-4',
  softirq: '--series-6',
  steal: '--series-7',
};

/** The charts of one host. `window` is the window of rates. */
export function hostPanels(instance: string, window: string): readonly PanelDefinition[] {
  const of = (metric: string, more = ''): string =>
    `${metric}{job="node",instance=${quoted(instance)}${more === '' ? '' : `,${more}`}}`;
  const rate = (metric: string, more = ''): string => `rate(${of(metric, more)}[${window}])`;
  return [
    processors(rate),
    {
      id: 'load',
      title: 'Load average',
      shape: { unit: 'number', layout: 'lines', maxAtLeast: 1 },
      queries: [
        { id: 'load.1', query: of('node_load1'), name: () => '1 min' },
        { id: 'load.5', query: of('node_load5'), name: () => '5 min' },
        { id: 'load.15', query: of('node_load15'), name: () => '15 min' },
      ],
      order: ['1 min', '5 min', '15 min'],
      hint: 'The collector reads it from /proc/loadavg.',
    },
    memory(of),
    pressure(rate),
    network(rate),
    losses(rate),
    {
      id: 'disk',
      title: 'Disk throughput',
      shape: { unit: 'bytes/s', layout: 'lines', maxAtLeast: 10_000 },
      queries: [
        {
          id: 'disk.read',
          query: rate('node_disk_read_bytes_total', DISKS),
          name: ({ device }) => `${device} read`,
        },
        {
          id: 'disk.write',
          query: rate('node_disk_written_bytes_total', DISKS),
          name: ({ device }) => `${device} write`,
          mirrored: true,
        },
      ],
      hint: 'A machine without disks of its own has none to show.',
    },
    {
      id: 'disk-busy',
      title: 'Disk utilisation',
      shape: { unit: 'ratio', layout: 'lines', fixedMax: 1 },
      queries: [
        {
          id: 'disk-busy',
          query: rate('node_disk_io_time_seconds_total', DISKS),
          name: ({ device }) => device ?? '',
        },
      ],
      hint: 'A machine without disks of its own has none to show.',
    },
  ];
}

type Rate = (metric: string, more?: string) => string;

function processors(rate: Rate): PanelDefinition {
  return {
    id: 'cpu',
    title: 'CPU by mode',
    shape: { unit: 'ratio', layout: 'stacked', fixedMax: 1 },
    queries: [
      {
        id: 'cpu',
        query: `avg by (mode) (${rate('node_cpu_seconds_total', 'mode!="idle"')})`,
        name: ({ mode }) => mode ?? '',
        token: ({ mode }) => MODE_COLOURS[mode ?? ''],
      },
    ],
    order: ['user', 'nice', 'system', 'irq', 'softirq', 'steal', 'iowait'],
    hint: 'The collector of this host sends no CPU counters.',
  };
}

function memory(of: Rate): PanelDefinition {
  const available = of('node_memory_MemAvailable_bytes');
  const free = of('node_memory_MemFree_bytes');
  return {
    id: 'memory',
    title: 'Memory',
    shape: { unit: 'bytes', layout: 'stacked' },
    queries: [
      {
        id: 'memory.used',
        query: `${of('node_memory_MemTotal_bytes')} - ${available}`,
        name: () => 'used',
        token: () => '--series-1',
      },
      {
        id: 'memory.cache',
        query: `${available} - ${free}`,
        name: () => 'reclaimable',
        token: () => '--series-3',
      },
      { id: 'memory.free', query: free, name: () => 'free', token: () => '--series-8' },
    ],
    order: ['used', 'reclaimable', 'free'],
    hint: 'The collector reads it from /proc/meminfo.',
  };
}

function network(rate: Rate): PanelDefinition {
  return {
    id: 'network',
    title: 'Network',
    shape: { unit: 'bytes/s', layout: 'lines', maxAtLeast: 1000 },
    queries: [
      {
        id: 'network.in',
        query: rate('node_network_receive_bytes_total', NICS),
        name: ({ device }) => `${device} in`,
      },
      {
        id: 'network.out',
        query: rate('node_network_transmit_bytes_total', NICS),
        name: ({ device }) => `${device} out`,
        mirrored: true,
      },
    ],
    hint: 'Only loopback, bridges and interfaces of guests were seen, which are left out.',
  };
}

function losses(rate: Rate): PanelDefinition {
  const kinds = [
    ['drop', 'dropped'],
    ['errs', 'errors'],
  ] as const;
  return {
    id: 'losses',
    title: 'Network drops and errors',
    shape: { unit: 'packets/s', layout: 'lines', maxAtLeast: 1 },
    queries: kinds.flatMap(([metric, word]) => [
      {
        id: `${metric}.in`,
        query: rate(`node_network_receive_${metric}_total`, NICS),
        name: ({ device }) => `${device} ${word} in`,
      },
      {
        id: `${metric}.out`,
        query: rate(`node_network_transmit_${metric}_total`, NICS),
        name: ({ device }) => `${device} ${word} out`,
        mirrored: true,
      },
    ]),
    hint: 'Only loopback, bridges and interfaces of guests were seen, which are left out.',
  };
}

function pressure(rate: Rate): PanelDefinition {
  const kinds = [
    ['cpu', 'waiting', 'CPU: some wait'],
    ['io', 'waiting', 'I/O: some wait'],
    ['io', 'stalled', 'I/O: all stalled'],
    ['memory', 'waiting', 'memory: some wait'],
    ['memory', 'stalled', 'memory: all stalled'],
  ] as const;
  return {
    id: 'pressure',
    title: 'Pressure',
    shape: { unit: 'ratio', layout: 'lines', maxAtLeast: 0.05 },
    queries: kinds.map(([what, how, name]) => ({
      id: `pressure.${what}.${how}`,
      query: rate(`node_pressure_${what}_${how}_seconds_total`),
      name: () => name,
    })),
    order: kinds.map(([, , name]) => name),
    hint: 'The kernel of this host was built or started without pressure stall information (psi=1).',
  };
}
