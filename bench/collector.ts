/**
 * What reading the host costs:
 *
 *     npm run bench -- collector [seconds]
 *
 * First each source alone, read again and again, in microseconds a reading: for finding what is dear. Then
 * the whole: our process with only the collector role, writing each second into its store, beside a
 * node_exporter that is scraped each second with the collectors that we have, for so long (30 s), in CPU
 * seconds of all threads as the kernel counts them.
 */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { hostSources } from '../collector/sources.ts';
import type { SampleSink, Source } from '../collector/source.ts';
import { nodeClock } from '../platform/node/clock.ts';
import { nodeKernelTree } from '../platform/node/kernel-tree.ts';
import { startNodeExporter } from '../test/real/node-exporter.ts';
import { until } from '../test/real/until.ts';

const seconds = Number(process.argv[2] ?? 30);
/** Until the compiler and the first collections of garbage have calmed down, and all sources were read. */
const WARM_UP_SECONDS = 40;
const ENTRY = fileURLToPath(new URL('../dist/cli/nephoscope.js', import.meta.url));

/** Ours that have another name there, or are part of another. */
const COLLECTOR_THERE: Readonly<Record<string, string | undefined>> = {
  diskinfo: undefined,
  cpuinfo: undefined,
  clocksource: undefined,
};

await main();

async function main(): Promise<void> {
  const sources = hostSources(nodeKernelTree(''), nodeClock, 1000).map(({ source }) => source);
  await eachSource(sources);
  await besideNodeExporter(sources.map(({ name }) => name));
}

async function eachSource(sources: readonly Source[]): Promise<void> {
  const rows: { readonly name: string; readonly each: number; readonly series: number }[] = [];
  for (const source of sources) {
    let series = 0;
    const sink: SampleSink = { push: () => void series++, end() {} };
    const signal = new AbortController().signal;
    const readings = source.intervalMs <= 1000 ? 2000 : 200;
    for (let i = 0; i < readings; i++) await source.sample(sink, signal);
    series = 0;
    const started = performance.now();
    for (let i = 0; i < readings; i++) await source.sample(sink, signal);
    const each = ((performance.now() - started) / readings) * 1000;
    rows.push({ name: source.name, each, series: series / readings });
    await source.close?.();
  }
  console.log('source            µs a reading   series   every');
  for (const [i, { name, each, series }] of rows.entries()) {
    const every = `${sources[i]!.intervalMs / 1000} s`;
    const columns = [each.toFixed(1).padStart(12), String(series).padStart(8), every.padStart(7)];
    console.log(`${name.padEnd(18)}${columns.join(' ')}`);
  }
  const eachSecond = rows.filter((_, i) => sources[i]!.intervalMs === 1000);
  const sum = eachSecond.reduce((total, { each }) => total + each, 0);
  console.log(`${'each second'.padEnd(18)}${sum.toFixed(1).padStart(12)}\n`);
}

async function besideNodeExporter(names: readonly string[]): Promise<void> {
  const matched = new Set(
    names.map((name) => (name in COLLECTOR_THERE ? COLLECTOR_THERE[name] : name)),
  );
  const flags = [...matched].flatMap((name) => (name === undefined ? [] : [`--collector.${name}`]));
  const started = await startNodeExporter(['--collector.disable-defaults', ...flags]);
  if (started.kind === 'unavailable') console.log(`not compared: ${started.reason}`);
  const exporter = started.kind === 'ready' ? started.exporter : undefined;
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'nephoscope-bench-'));
  const ours = spawn(
    process.execPath,
    [
      ENTRY,
      'serve',
      '--roles=collector',
      '--listen=127.0.0.1:0',
      `--data=${directory}`,
      '--set=collector.libvirt.enabled=false',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  ours.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-10_000)));
  try {
    await until('nephoscope to be ready', 30_000, () => log.includes('"ready"'));
    const scraping = exporter && scrapeEachSecond(exporter.url);
    await pass(WARM_UP_SECONDS);
    const watched = [
      { name: 'nephoscope, collector into its store', processId: ours.pid! },
      ...(exporter ? [{ name: 'node_exporter, scraped', processId: exporter.processId }] : []),
    ].map((one) => ({ ...one, before: cpuSeconds(one.processId) }));
    await pass(seconds);
    const spent = watched.map(({ name, processId, before }) => ({
      name,
      processId,
      cpu: cpuSeconds(processId) - before,
    }));
    for (const { name, processId, cpu } of spent) {
      const share = ((cpu / seconds) * 100).toFixed(2);
      console.log(
        `${name.padEnd(38)} ${cpu.toFixed(2)} CPU s in ${seconds} s (${share} % of a core), ` +
          `${memoryMegabytes(processId)} MB anonymous memory`,
      );
    }
    if (exporter) console.log(`ratio ${(spent[0]!.cpu / spent[1]!.cpu).toFixed(2)}`);
    scraping?.();
  } finally {
    ours.kill('SIGTERM');
    await new Promise((resolve) => ours.once('close', resolve));
    await exporter?.close();
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

function pass(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}

/** As Prometheus does it: one connection, compressed answers. */
function scrapeEachSecond(url: string): () => void {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const timer = setInterval(() => {
    http
      .get(url, { agent, headers: { 'accept-encoding': 'gzip' } }, (answer) => answer.resume())
      .on('error', (error) => console.log(`a scrape failed: ${error.message}`));
  }, 1000);
  return () => {
    clearInterval(timer);
    agent.destroy();
  };
}

/** User and system time of all its threads. */
function cpuSeconds(processId: number): number {
  const text = fs.readFileSync(`/proc/${processId}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function memoryMegabytes(processId: number): string {
  const status = fs.readFileSync(`/proc/${processId}/status`, 'utf8');
  return (Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN) / 1024).toFixed(0);
}
