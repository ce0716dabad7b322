import type { Platform } from '../../platform/platform.ts';
import { seededRandom } from '../../platform/random.ts';
import type { Random } from '../../platform/random.ts';
import { RecordingLog } from './recording-log.ts';
import { RecordingTelemetry } from './recording-telemetry.ts';
import { SIMULATION_START_MS, SimulatedClock } from './simulated-clock.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedFiles } from './simulated-files.ts';
import type { FileOperation } from './simulated-files.ts';
import { SimulatedKernel } from './simulated-kernel.ts';
import { SimulatedMail } from './simulated-mail.ts';
import { SimulatedNetwork } from './simulated-network.ts';

/** A platform whose every part a test can look into. It is one process's; `restart` gives the next one. */
export interface SimulatedPlatform extends Platform {
  readonly clock: SimulatedClock;
  readonly files: SimulatedFiles;
  readonly network: SimulatedNetwork;
  readonly mail: SimulatedMail;
  readonly kernel: SimulatedKernel;
  readonly random: Random;
  readonly log: RecordingLog;
  readonly telemetry: RecordingTelemetry;
  /**
   * Ends this process without a word and gives the platform of its successor on the same machine:
   * `kill` leaves the page cache alone, `power-cut` loses of it what chance decides.
   * Let nothing that runs on the old platform be awaited: it never settles.
   */
  restart(kind: 'kill' | 'power-cut'): SimulatedPlatform;
  /** A second process on the same machine, beside this one. */
  beside(): SimulatedPlatform;
}

export interface SimulationOptions {
  readonly startMs?: number;
  readonly capacityBytes?: number;
  /** How long a call to the disk takes; without it calls settle at once and no clock need be turned. */
  readonly diskLatencyMs?: (operation: FileOperation, random: Random) => number;
  /** Directories that exist, durably, from the beginning. */
  readonly directories?: readonly string[];
}

interface Machine {
  readonly clock: SimulatedClock;
  readonly disk: SimulatedDisk;
  readonly network: SimulatedNetwork;
  readonly mail: SimulatedMail;
  readonly kernel: SimulatedKernel;
  readonly random: Random;
  readonly options: SimulationOptions;
  processes: number;
}

/** A machine from a seed, with its first process. The directory `/data` is there unless told otherwise. */
export function simulatedPlatform(
  seed: number,
  options: SimulationOptions = {},
): SimulatedPlatform {
  const random = seededRandom(seed);
  const clock = new SimulatedClock(options.startMs ?? SIMULATION_START_MS);
  const disk = new SimulatedDisk(
    seededRandom(Math.floor(random.next() * 4_294_967_296)),
    options.capacityBytes,
  );
  for (const directory of options.directories ?? ['/data']) {
    disk.makeDirectory(directory);
  }
  disk.syncEverything();
  const machine: Machine = {
    clock,
    disk,
    network: new SimulatedNetwork(),
    mail: new SimulatedMail(clock),
    kernel: new SimulatedKernel(),
    random,
    options,
    processes: 0,
  };
  return startProcess(machine);
}

function startProcess(machine: Machine): SimulatedPlatform {
  const { clock, disk, network, mail, kernel, random, options } = machine;
  const processId = ++machine.processes;
  const latencyMs = options.diskLatencyMs;
  const latencies = seededRandom(Math.floor(random.next() * 4_294_967_296));
  const files = new SimulatedFiles(disk, {
    clock,
    owner: `process ${processId}`,
    ...(latencyMs && { latencyMs: (operation) => latencyMs(operation, latencies) }),
  });
  return {
    clock,
    files,
    network,
    mail,
    kernel,
    random: seededRandom(Math.floor(random.next() * 4_294_967_296)),
    log: new RecordingLog(clock),
    telemetry: new RecordingTelemetry(),
    machine: { hostname: 'simulated', processId, runtimeVersion: 'v20.19.0' },
    kernelTree: () => kernel,
    restart(kind) {
      files.end();
      clock.dropAllWakes();
      mail.forgetAttempts();
      network.dropConnections();
      if (kind === 'power-cut') disk.losePower();
      return startProcess(machine);
    },
    beside: () => startProcess(machine),
  };
}
