import { readFileSync } from 'node:fs';
import { ENCODED_BYTES_MAX, loadKernel } from '../../../store/embedded/kernel-module.ts';
import type { Kernel } from '../../../store/embedded/kernel-module.ts';

export const KERNEL: Uint8Array = readFileSync(
  new URL('../../../dist/store/kernel.wasm', import.meta.url),
);

/** A kernel with its workspace, ready for columns. */
export function freshKernel(): Kernel {
  const kernel = loadKernel(KERNEL);
  const { calls } = kernel;
  calls.beginWorkspace(calls.allocate(calls.WORKSPACE_BYTES.value));
  return kernel;
}

/** As `freshKernel`, and with an empty head. */
export function freshHead(): Kernel {
  const kernel = freshKernel();
  kernel.calls.beginHead();
  kernel.calls.beginSeries(0x1234_5678_9abc_def0n);
  kernel.calls.beginTimelines();
  return kernel;
}

/** Copies bytes to an address of the kernel's memory that has room for them and slack behind. */
export function place(kernel: Kernel, bytes: Uint8Array): number {
  const at = kernel.calls.allocate(bytes.length + 64);
  bytesAt(kernel, at, bytes.length).set(bytes);
  return at;
}

export function bytesAt(kernel: Kernel, at: number, length: number): Uint8Array {
  return new Uint8Array(kernel.memory.buffer, at, length);
}

export function encodedBytes(
  kernel: Kernel,
  encode: 'encodeValues' | 'encodeTimes',
  column: BigUint64Array | BigInt64Array,
): Uint8Array {
  const { calls } = kernel;
  const source = place(kernel, new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
  const target = calls.allocate(ENCODED_BYTES_MAX);
  const work = calls.allocate(calls.COLUMN_WORK_BYTES.value);
  const end = calls[encode](source, column.length, target, work);
  const encoded = bytesAt(kernel, target, end - target).slice();
  calls.release(work, calls.COLUMN_WORK_BYTES.value);
  calls.release(target, ENCODED_BYTES_MAX);
  calls.release(source, column.byteLength + 64);
  return encoded;
}

export function decodedBits(
  kernel: Kernel,
  decode: 'decodeValues' | 'decodeTimes',
  encoded: Uint8Array,
  count: number,
): BigUint64Array {
  const { calls } = kernel;
  const source = place(kernel, encoded);
  const target = calls.allocate(count * 8);
  const work = calls.allocate(calls.COLUMN_WORK_BYTES.value);
  calls[decode](source, count, target, work);
  const decoded = new BigUint64Array(kernel.memory.buffer, target, count).slice();
  calls.release(work, calls.COLUMN_WORK_BYTES.value);
  calls.release(target, count * 8);
  calls.release(source, encoded.length + 64);
  return decoded;
}

/** The samples of a series: times and the bits of values. */
export function samplesOf(kernel: Kernel, id: number): [bigint, bigint][] {
  const { calls } = kernel;
  const count = calls.samplesOf(id);
  if (count === 0) return [];
  const times = calls.allocate(count * 8);
  const values = calls.allocate(count * 8);
  calls.readSeries(id, times, values);
  const timeColumn = new BigInt64Array(kernel.memory.buffer, times, count);
  const valueColumn = new BigUint64Array(kernel.memory.buffer, values, count);
  const samples = Array.from(timeColumn, (time, i): [bigint, bigint] => [time, valueColumn[i]!]);
  calls.release(times, count * 8);
  calls.release(values, count * 8);
  return samples;
}

const STAGING_BYTES = 1 << 20;

/** Takes samples of one reading, all of them newer than their series, into a head that `beginJournal` was called for. */
export function append(
  kernel: Kernel,
  time: bigint,
  samples: readonly (readonly [number, bigint])[],
): void {
  const { calls } = kernel;
  const staging = calls.allocate(STAGING_BYTES);
  const ids = place(kernel, new Uint8Array(Uint32Array.from(samples, ([id]) => id).buffer));
  const times = place(
    kernel,
    new Uint8Array(Float64Array.from(samples, () => Number(time)).buffer),
  );
  const values = place(
    kernel,
    new Uint8Array(BigUint64Array.from(samples, ([, bits]) => bits).buffer),
  );
  calls.beginStaging(staging, STAGING_BYTES, 1);
  const taken = calls.stageRows(ids, times, values, 0, samples.length);
  if (taken !== samples.length) throw new Error(`row ${taken} is late`);
  if (!calls.applyStaged()) throw new Error('no memory');
  calls.release(values, samples.length * 8 + 64);
  calls.release(times, samples.length * 8 + 64);
  calls.release(ids, samples.length * 4 + 64);
  calls.release(staging, STAGING_BYTES);
}
