/**
 * What it costs to take samples in:
 *
 *     npm run bench -- ingest [rounds]
 *
 * The real process is fed over HTTP, each of 30 hosts on a connection of its own, as fast as it
 * acknowledges: 60 seconds of 300 series at 1 s. Where VictoriaMetrics or Prometheus are installed (in
 * PATH, or in the folders of NEPHOSCOPE_PEERS) they get the same bodies, in turns with us. Each round
 * begins with an empty directory; the median of the rounds (3) is appended to bench/results.md. The sender
 * shares the machine, so CPU time is the figure to trust: the kernel counts it for each process.
 */
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as os from 'node:os';
import * as path from 'node:path';
import { until } from '../test/real/until.ts';
import { makeBodies } from './ingest/bodies.ts';
import type { Bodies } from './ingest/bodies.ts';
import { findReceivers, start } from './ingest/receivers.ts';
import type { Receiver } from './ingest/receivers.ts';
import { addSection } from './ingest/results-page.ts';

const LOAD = { hosts: 30, seriesPerHost: 300, ticks: 60 };
/** What is done after the last acknowledgement belongs to the price too. */
const SETTLE_MS = 5000;
const FOUND_MS_MAX = 30_000;
/** The kernel's USER_HZ, the same on every architecture that Node.js runs on. */
const TICKS_PER_SECOND = 100;

/** Of one round, each for the load as a whole. */
interface Cost {
  readonly cpuSeconds: number;
  readonly feedingSeconds: number;
  readonly peakBytes: number;
  readonly diskBytes: number;
}

await main();

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 3);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('rounds is a number from 1 on');
  const load = os.loadavg()[0]!;
  const receivers = findReceivers();
  const costs = new Map<Receiver, Cost[]>(receivers.map((receiver) => [receiver, []]));
  console.log(`making bodies; receivers: ${receivers.map(({ name }) => name).join(', ')}`);
  const bodies = makeBodies(LOAD, Date.now() - LOAD.ticks * 1000);
  for (let round = 1; round <= rounds; round++) {
    for (const receiver of receivers) {
      const cost = await measure(receiver, bodies);
      costs.get(receiver)!.push(cost);
      const figures = columns(cost, bodies.samples).map(([name, figure]) => `${name} ${figure}`);
      console.log(`round ${round}, ${receiver.name}: ${figures.join(', ')}`);
    }
  }
  console.log(`\n${report(costs, bodies, { rounds, load })}`);
}

function report(
  costs: ReadonlyMap<Receiver, readonly Cost[]>,
  { samples, bytes }: Bodies,
  { rounds, load }: { readonly rounds: number; readonly load: number },
): string {
  const rows = [...costs].map(([{ name, version }, ofRounds]) => ({
    title: version === undefined ? name : `${name} ${version}`,
    cost: medians(ofRounds),
  }));
  const [ours, ...peers] = rows;
  const ratios = peers.map(({ title, cost }) => [
    `nephoscope / ${title}`,
    ...columns(ours!.cost, samples).map(([, , figure], i) =>
      (figure / columns(cost, samples)[i]![2]).toFixed(2),
    ),
  ]);
  return addSection(
    {
      title: 'ingest: remote write over HTTP',
      command: `npm run bench -- ingest ${rounds}`,
      remarks: [
        `Load: ${LOAD.hosts} hosts × ${LOAD.seriesPerHost} series × ${LOAD.ticks} s at 1 s, a body for each host ` +
          `and second, ${(bytes / samples).toFixed(1)} bytes a sample on the wire; medians of ${rounds} rounds from an empty directory`,
      ],
      columns: ['', ...columns(ours!.cost, samples).map(([name]) => name)],
      rows: [
        ...rows.map(({ title, cost }) => [
          title,
          ...columns(cost, samples).map(([, figure]) => figure),
        ]),
        ...ratios,
      ],
    },
    load,
  );
}

/** Name, figure as text, and as number. */
function columns(cost: Cost, samples: number): readonly (readonly [string, string, number])[] {
  const cpu = cost.cpuSeconds / (samples / 1e6);
  const rate = samples / cost.feedingSeconds;
  const peak = cost.peakBytes / 1024 ** 2;
  const disk = cost.diskBytes / samples;
  return [
    ['CPU s / million samples', cpu.toFixed(2), cpu],
    ['acknowledged samples/s', rate.toFixed(0), rate],
    ['peak RSS, MiB', peak.toFixed(0), peak],
    ['disk bytes / sample', disk.toFixed(2), disk],
  ];
}

function medians(costs: readonly Cost[]): Cost {
  const median = (figure: (cost: Cost) => number): number => {
    const sorted = costs.map(figure).sort((a, b) => a - b);
    const [low, high] = [sorted[(sorted.length - 1) >> 1]!, sorted[sorted.length >> 1]!];
    return (low + high) / 2;
  };
  return {
    cpuSeconds: median((cost) => cost.cpuSeconds),
    feedingSeconds: median((cost) => cost.feedingSeconds),
    peakBytes: median((cost) => cost.peakBytes),
    diskBytes: median((cost) => cost.diskBytes),
  };
}

async function measure(receiver: Receiver, bodies: Bodies): Promise<Cost> {
  const data = fs.mkdtempSync(path.join(os.tmpdir(), 'nephoscope-bench-'));
  try {
    const running = await start(receiver, data);
    let cost: Omit<Cost, 'diskBytes'>;
    try {
      const cpuBefore = cpuSeconds(running.processId);
      const startedMs = performance.now();
      await feed(running.url, bodies);
      const feedingSeconds = (performance.now() - startedMs) / 1000;
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      cost = {
        feedingSeconds,
        cpuSeconds: cpuSeconds(running.processId) - cpuBefore,
        peakBytes: peakBytes(running.processId),
      };
      await findAll(running.url, bodies);
    } finally {
      await running.stop();
    }
    return { ...cost, diskBytes: diskBytes(data) };
  } finally {
    fs.rmSync(data, { recursive: true, force: true });
  }
}

/** Each host sends its bodies one after the other; anything but an acknowledgement ends the benchmark. */
async function feed(url: string, { ofHosts }: Bodies): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: ofHosts.length });
  try {
    await Promise.all(
      ofHosts.map(async (bodies) => {
        for (const body of bodies) await post(`${url}/api/v1/write`, body, agent);
      }),
    );
  } finally {
    agent.destroy();
  }
}

function post(url: string, body: Uint8Array, agent: http.Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'content-length': body.length,
      'x-prometheus-remote-write-version': '0.1.0',
    };
    const request = http.request(url, { method: 'POST', agent, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const { statusCode = 0 } = answer;
        if (statusCode >= 200 && statusCode < 300) resolve();
        else reject(new Error(`${url} answered ${statusCode}: ${text.slice(0, 500)}`));
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** What was acknowledged must be there, or the figures are worth nothing. */
async function findAll(url: string, { samples, lastTimeMs }: Bodies): Promise<void> {
  const parameters = new URLSearchParams({
    query: `sum(count_over_time({job="bench"}[${LOAD.ticks + 60}s]))`,
    time: String(lastTimeMs / 1000),
  });
  await until(`${samples} samples to be found`, FOUND_MS_MAX, async () => {
    const answer = await fetch(`${url}/api/v1/query?${parameters.toString()}`);
    const { data, error } = (await answer.json()) as {
      readonly data?: { readonly result: readonly { readonly value: [number, string] }[] };
      readonly error?: string;
    };
    const found = Number(data?.result[0]?.value[1]);
    if (found !== samples) throw new Error(error ?? `found ${found} of ${samples} samples`);
    return true;
  });
}

/** User and system time of all threads, and of children that have ended. */
function cpuSeconds(processId: number): number {
  const text = fs.readFileSync(`/proc/${processId}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return ticks / TICKS_PER_SECOND;
}

function peakBytes(processId: number): number {
  const status = fs.readFileSync(`/proc/${processId}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)![1]) * 1024;
}

/** What the file system has given out, which also counts what was reserved and not yet written. */
function diskBytes(folder: string): number {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => fs.statSync(path.join(folder, name)))
    .reduce((sum, { blocks }) => sum + blocks * 512, 0);
}
