import { expect, test } from 'vitest';
import { startCollector } from '../../collector/collector.ts';
import type { CollectorOptions } from '../../collector/collector.ts';
import { labelsToText } from '../../model/labels.ts';
import { isStale } from '../../model/staleness.ts';
import { RecordingLog } from '../simulation/recording-log.ts';
import { RecordingTelemetry } from '../simulation/recording-telemetry.ts';
import { SimulatedClock } from '../simulation/simulated-clock.ts';
import { SimulatedKernel } from '../simulation/simulated-kernel.ts';
import { SimulatedNetwork } from '../simulation/simulated-network.ts';

const device = (name: string): string => `${name}: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n`;

function startOn(kernel: SimulatedKernel, options: Partial<CollectorOptions> = {}) {
  const clock = new SimulatedClock();
  const log = new RecordingLog(clock);
  const lines: string[] = [];
  const roots: string[] = [];
  const collector = startCollector(
    options,
    async ({ labels, values }) => {
      labels.forEach((series, i) => {
        lines.push(`${labelsToText(series)} ${isStale(values[i]!) ? 'end' : values[i]}`);
      });
    },
    {
      clock,
      log,
      telemetry: new RecordingTelemetry(),
      network: new SimulatedNetwork(),
      machine: { hostname: 'host-1', processId: 1, runtimeVersion: 'v20' },
      kernelTree(root) {
        roots.push(root);
        return kernel;
      },
    },
  );
  return { clock, log, lines, roots, collector };
}

function smallMachine(): SimulatedKernel {
  const kernel = new SimulatedKernel();
  kernel.setAll({
    '/proc/stat': 'cpu0 1 2 3 4 5 6 7 8 9 10\nctxt 1\n',
    '/proc/meminfo': 'MemTotal: 10 kB\n',
    '/proc/net/dev': device('eth0') + device('tap0'),
  });
  return kernel;
}

test('a machine without libvirt is a normal machine', async () => {
  const { clock, log, lines, collector } = startOn(smallMachine());
  await clock.advance(3500);
  expect(log.find('warn')).toEqual([]);
  expect(log.find('error')).toEqual([]);
  expect(collector.status().sources.every(({ state }) => state === 'reads')).toBe(true);
  expect(lines).toContain('node_memory_MemTotal_bytes{instance="host-1", job="node"} 10240');
  expect(lines).toContain('up{instance="host-1", job="node"} 1');
  await clock.complete(collector.stop());
});

test('a network device that is unplugged ends its series, and no others', async () => {
  const kernel = smallMachine();
  const { clock, lines, collector } = startOn(kernel);
  await clock.advance(2500);
  kernel.set('/proc/net/dev', device('eth0'));
  await clock.advance(2000);
  const ended = lines.filter((line) => line.endsWith(' end'));
  expect(ended).toHaveLength(16);
  expect(ended.every((line) => line.includes('device="tap0"'))).toBe(true);
  await clock.complete(collector.stop());
});

test('root, instance and interval are as asked, and libvirt can be left out', async () => {
  const { clock, lines, roots, collector } = startOn(smallMachine(), {
    intervalMs: 200,
    root: '/recorded',
    instance: 'rack-7',
    libvirt: { enabled: false, sockets: [] },
  });
  await clock.advance(1050);
  expect(roots).toEqual(['/recorded']);
  const context = 'node_context_switches_total{instance="rack-7", job="node"} 1';
  expect(lines.filter((line) => line === context)).toHaveLength(5);
  expect(lines.filter((line) => line.includes('job="libvirt"'))).toEqual([]);
  expect(collector.status()).toMatchObject({ instance: 'rack-7', intervalMs: 200 });
  await clock.complete(collector.stop());
});

test('a machine whose /proc cannot be read says so in its self-metrics', async () => {
  const { clock, lines, collector } = startOn(new SimulatedKernel());
  await clock.advance(1500);
  const success = (name: string, value: number): string =>
    `node_scrape_collector_success{collector="${name}", instance="host-1", job="node"} ${value}`;
  expect(lines).toContain(success('cpu', 0));
  expect(lines).toContain(success('meminfo', 0));
  expect(lines).toContain(success('conntrack', 1));
  await clock.complete(collector.stop());
});

test('an interval outside its bounds is refused', () => {
  expect(() => startOn(smallMachine(), { intervalMs: 50 })).toThrow('from 100 ms to an hour');
});
