import { metric } from '../../../model/labels.ts';
import type { Labels } from '../../../model/labels.ts';
import { bytesOf } from '../../parsing/byte-scan.ts';
import { RowCache } from '../../parsing/row-cache.ts';
import type { SampleSink, Source } from '../../source.ts';
import type { Host, HostFile } from './host.ts';

/**
 * /proc/stat, which two collectors of node_exporter read: `cpu` (the lines cpu0, cpu1, …) and `stat` (all
 * the others). It is among the dearer files, so one reading serves both when they wake for the same slot.
 */
export function createProcStatSources(host: Host): readonly Source[] {
  const file = host.reader.file('/proc/stat');
  const reading = new ProcStat(host, file);
  return [
    {
      name: 'cpu',
      intervalMs: host.fastMs,
      sample: (sink) => reading.sampleCpus(sink),
      close: () => file.close(),
    },
    { name: 'stat', intervalMs: host.fastMs, sample: (sink) => reading.sampleRest(sink) },
  ];
}

/** USER_HZ: the unit of /proc/stat, 100 on every architecture that runs KVM. */
const TICKS_PER_SECOND = 100;

const MODES = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;
const GUEST_MODES = ['user', 'nice'] as const;
const COLUMNS = MODES.length + GUEST_MODES.length;
const IDLE = 3;

/**
 * The kernel's idle and iowait may step back a little, because a CPU's sleep is accounted in pieces; such a
 * step is held, as node_exporter does. Idle time lost beyond this means that the CPU went and came back.
 */
const RESTART_SECONDS = 3;

interface Cpu {
  readonly series: readonly Labels[];
  readonly seconds: Float64Array;
  columns: number;
  generation: number;
}

const CPU = bytesOf('cpu');
const DIGIT_0 = 48;
const DIGIT_9 = 57;

interface Single {
  readonly key: Uint8Array;
  readonly series: Labels;
  value: number;
}

function single(key: string, name: string): Single {
  return { key: bytesOf(key), series: metric(name), value: Number.NaN };
}

const SOFTIRQ = bytesOf('softirq');
const VECTORS = [
  'hi',
  'timer',
  'net_tx',
  'net_rx',
  'block',
  'block_iopoll',
  'tasklet',
  'sched',
  'hrtimer',
  'rcu',
] as const;

class ProcStat {
  readonly #host: Host;
  readonly #file: HostFile;
  readonly #cpus = new RowCache<Cpu>(makeCpu);
  readonly #cpuRows: Cpu[] = [];
  #generation = 0;
  readonly #singles: readonly Single[] = [
    single('intr', 'node_intr_total'),
    single('ctxt', 'node_context_switches_total'),
    single('btime', 'node_boot_time_seconds'),
    single('processes', 'node_forks_total'),
    single('procs_running', 'node_procs_running'),
    single('procs_blocked', 'node_procs_blocked'),
  ];
  readonly #softirqs = VECTORS.map((vector) => metric('node_softirqs_total', { vector }));
  readonly #softirqCounts = new Float64Array(VECTORS.length);
  #readMs = Number.NEGATIVE_INFINITY;
  #readable = false;

  constructor(host: Host, file: HostFile) {
    this.#host = host;
    this.#file = file;
  }

  sampleCpus(sink: SampleSink): void {
    this.#read();
    for (const cpu of this.#cpuRows) {
      for (let i = 0; i < cpu.columns; i++) sink.push(cpu.series[i]!, cpu.seconds[i]!);
    }
  }

  sampleRest(sink: SampleSink): void {
    if (this.#host.clock.monotonic() - this.#readMs > this.#host.fastMs / 2) this.#read();
    if (!this.#readable) return;
    for (const { series, value } of this.#singles) {
      if (value === value) sink.push(series, value);
    }
    for (let i = 0; i < VECTORS.length; i++) {
      const count = this.#softirqCounts[i]!;
      if (count === count) sink.push(this.#softirqs[i]!, count);
    }
  }

  #read(): void {
    this.#generation++;
    this.#cpuRows.length = 0;
    for (const one of this.#singles) one.value = Number.NaN;
    this.#softirqCounts.fill(Number.NaN);
    this.#readMs = this.#host.clock.monotonic();
    this.#readable = false;
    this.#file.mustRead();
    this.#readable = true;
    const { scan } = this.#host.reader;
    this.#cpus.begin();
    do {
      if (!scan.word()) continue;
      if (this.#startsCpuLine()) this.#readCpu();
      else if (scan.wordIs(SOFTIRQ)) this.#readSoftirqs();
      else this.#readSingle();
    } while (scan.nextLine());
    this.#cpus.finish();
  }

  /** `cpu0`, not the sum `cpu`. The word becomes the number alone. */
  #startsCpuLine(): boolean {
    const { scan } = this.#host.reader;
    const { bytes, wordStart, wordEnd } = scan;
    if (wordEnd - wordStart <= CPU.length) return false;
    for (let i = 0; i < CPU.length; i++) if (bytes[wordStart + i] !== CPU[i]) return false;
    const digit = bytes[wordStart + CPU.length]!;
    if (digit < DIGIT_0 || digit > DIGIT_9) return false;
    scan.wordStart += CPU.length;
    return true;
  }

  #readCpu(): void {
    const { scan } = this.#host.reader;
    const cpu = this.#cpus.row(scan);
    const { seconds } = cpu;
    // A CPU that was not in the last reading starts anew.
    if (cpu.generation !== this.#generation - 1) seconds.fill(0);
    cpu.generation = this.#generation;
    cpu.columns = 0;
    for (let i = 0; i < COLUMNS; i++) {
      const ticks = scan.number();
      if (ticks !== ticks) break;
      fresh[i] = ticks / TICKS_PER_SECOND;
      cpu.columns++;
    }
    if (cpu.columns > IDLE && seconds[IDLE]! - fresh[IDLE]! >= RESTART_SECONDS) seconds.fill(0);
    for (let i = 0; i < cpu.columns; i++) seconds[i] = Math.max(seconds[i]!, fresh[i]!);
    this.#cpuRows.push(cpu);
  }

  #readSoftirqs(): void {
    const { scan } = this.#host.reader;
    scan.number();
    for (let i = 0; i < VECTORS.length; i++) this.#softirqCounts[i] = scan.number();
  }

  #readSingle(): void {
    const { scan } = this.#host.reader;
    for (const one of this.#singles) {
      if (!scan.wordIs(one.key)) continue;
      one.value = scan.number();
      return;
    }
  }
}

const fresh = new Float64Array(COLUMNS);

function makeCpu(cpu: string): Cpu {
  return {
    series: [
      ...MODES.map((mode) => metric('node_cpu_seconds_total', { cpu, mode })),
      ...GUEST_MODES.map((mode) => metric('node_cpu_guest_seconds_total', { cpu, mode })),
    ],
    seconds: new Float64Array(COLUMNS),
    columns: 0,
    generation: 0,
  };
}
