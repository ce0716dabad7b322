import * as os from 'node:os';
import { builtFile } from './node/built-file.ts';
import { nodeClock } from './node/clock.ts';
import { nodeFiles } from './node/files.ts';
import { nodeKernelTree } from './node/kernel-tree.ts';
import { nodeLog } from './node/log.ts';
import type { LogLevel } from './node/log.ts';
import { nodeMail } from './node/mail.ts';
import { nodeNetwork } from './node/network.ts';
import { nodeRandom } from './node/random.ts';
import { nodeTelemetry } from './node/telemetry.ts';
import type { Platform } from './platform.ts';

export type { LogLevel } from './node/log.ts';

/** The real platform, with what only the server needs: its own metrics as text, and the store's kernel. */
export interface NodePlatform extends Platform {
  /** Everything counted through `telemetry`, and the process's own figures, in the text format. */
  metrics(): Promise<string>;
  readonly metricsContentType: string;
  /** The store's kernel, as the build made it. */
  storeKernel(): Promise<Uint8Array>;
}

/** The machine this process runs on. Only `cli` and tests call this. */
export function nodePlatform(options: { readonly logLevel?: LogLevel } = {}): NodePlatform {
  const { telemetry, registry } = nodeTelemetry();
  return {
    clock: nodeClock,
    files: nodeFiles,
    network: nodeNetwork,
    mail: nodeMail,
    random: nodeRandom,
    log: nodeLog(options.logLevel ?? 'info'),
    telemetry,
    machine: {
      hostname: os.hostname(),
      processId: process.pid,
      runtimeVersion: process.version,
    },
    kernelTree: nodeKernelTree,
    metrics: () => registry.metrics(),
    storeKernel: () => builtFile('store/kernel.wasm'),
    metricsContentType: registry.contentType,
  };
}
