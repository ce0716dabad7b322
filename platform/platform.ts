import type { Clock } from './clock.ts';
import type { Files } from './files.ts';
import type { KernelTree } from './kernel-tree.ts';
import type { Log } from './log.ts';
import type { MailTransport } from './mail.ts';
import type { Network } from './network.ts';
import type { Random } from './random.ts';
import type { Telemetry } from './telemetry.ts';

/**
 * Everything that Nephoscope can do to, or learn from, the outside world. There are two: the real one
 * (`node.ts`) and the one of the simulation tests. A part takes only the members that it needs.
 */
export interface Platform {
  readonly clock: Clock;
  readonly files: Files;
  readonly network: Network;
  readonly mail: MailTransport;
  readonly random: Random;
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly machine: Machine;
  /** The kernel's files, below a prefix: empty for the machine's own, else a recorded tree. */
  kernelTree(root: string): KernelTree;
}

/** Facts about the machine and process that do not change while we run. */
export interface Machine {
  readonly hostname: string;
  readonly processId: number;
  readonly runtimeVersion: string;
}
