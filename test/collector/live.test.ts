import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { startCollector } from '../../collector/collector.ts';
import { labelValue, labelsToText, metricName } from '../../model/labels.ts';
import { SILENT } from '../../platform/log.ts';
import { nodeClock } from '../../platform/node/clock.ts';
import { nodeKernelTree } from '../../platform/node/kernel-tree.ts';
import { NO_TELEMETRY } from '../../platform/telemetry.ts';
import type { SampleBatch } from '../../model/sample.ts';
import { SimulatedNetwork } from '../simulation/simulated-network.ts';

/** The seconds of each CPU and mode, by series text, as /proc/stat has them now. */
function cpuSeconds(): ReadonlyMap<string, number> {
  const modes = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'];
  const seconds = new Map<string, number>();
  for (const line of readFileSync('/proc/stat', 'utf8').split('\n')) {
    const [, cpu, rest] = /^cpu(\d+) (.*)$/.exec(line) ?? [];
    if (rest === undefined) continue;
    rest.split(' ').forEach((ticks, i) => {
      if (modes[i]) seconds.set(`${cpu}/${modes[i]}`, Number(ticks) / 100);
    });
  }
  return seconds;
}

test('on this machine the collector delivers what the kernel says', async (context) => {
  if (!existsSync('/proc/stat')) return context.skip('this machine has no /proc/stat');
  const clock = nodeClock;
  const batches: SampleBatch[] = [];
  let delivered = (): void => {};
  const threeBatches = new Promise<void>((resolve) => {
    delivered = resolve;
  });
  const before = cpuSeconds();
  const collector = startCollector(
    { intervalMs: 100, libvirt: { enabled: false, sockets: [] } },
    async (batch) => {
      if (batches.push(batch) === 3) delivered();
    },
    {
      clock,
      log: SILENT,
      telemetry: NO_TELEMETRY,
      network: new SimulatedNetwork(),
      machine: { hostname: hostname(), processId: process.pid, runtimeVersion: process.version },
      kernelTree: nodeKernelTree,
    },
  );
  await threeBatches;
  const status = collector.status();
  await collector.stop();
  const after = cpuSeconds();

  const seen = new Map<string, number>();
  const names = new Set<string>();
  for (const { labels, values, times } of batches) {
    labels.forEach((series, i) => {
      names.add(metricName(series));
      expect(labelValue(series, 'instance'), labelsToText(series)).toBe(hostname());
      expect(Math.abs(times[i]! - clock.now())).toBeLessThan(60_000);
      if (metricName(series) !== 'node_cpu_seconds_total') return;
      const key = `${labelValue(series, 'cpu')}/${labelValue(series, 'mode')}`;
      seen.set(key, values[i]!);
    });
  }
  expect([...seen.keys()].sort()).toEqual([...before.keys()].sort());
  for (const [key, seconds] of seen) {
    // Idle time may step back a little between two readings of the kernel's own.
    expect(seconds, key).toBeGreaterThanOrEqual(before.get(key)! - 0.05);
    expect(seconds, key).toBeLessThanOrEqual(after.get(key)! + 0.05);
  }
  expect([...names]).toEqual(
    expect.arrayContaining([
      'up',
      'node_load1',
      'node_memory_MemTotal_bytes',
      'node_network_receive_bytes_total',
      'node_boot_time_seconds',
      'node_uname_info',
      'node_scrape_collector_success',
    ]),
  );
  const sick = status.sources.filter(({ state }) => state === 'fails' || state === 'hangs');
  expect(sick).toEqual([]);
});
