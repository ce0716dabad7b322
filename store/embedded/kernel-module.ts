import { assert } from '../../model/assert.ts';

/**
 * The door to the kernel: the loops over bytes that JavaScript is too slow for, written in AssemblyScript in
 * `kernel/` and compiled to WebAssembly by the build. All addresses are offsets into one shared memory. The
 * kernel trusts its caller about addresses and counts, and nobody about what the bytes there say.
 */
export interface Kernel {
  readonly memory: WebAssembly.Memory;
  readonly calls: KernelCalls;
}

/** What the functions do and what bounds hold stands beside them in `kernel/`. */
export interface KernelCalls {
  readonly bytesUsed: { readonly value: bigint };
  beginMemory(base: number): void;
  /** 0: memory is exhausted. */
  allocate(bytes: number): number;
  release(piece: number, bytes: number): void;

  readonly WORKSPACE_BYTES: { readonly value: number };
  readonly COLUMN_WORK_BYTES: { readonly value: number };
  beginWorkspace(base: number): void;

  encodeValues(values: number, count: number, target: number, work: number): number;
  decodeValues(source: number, count: number, values: number, work: number): number;
  encodeTimes(times: number, count: number, target: number, work: number): number;
  decodeTimes(source: number, count: number, times: number, work: number): number;
  encodeChunkTimes(times: number, count: number, target: number, work: number): number;
  decodeChunkTimes(
    source: number,
    count: number,
    first: number,
    times: number,
    work: number,
  ): number;
  isRegular(times: number, count: number): number;

  snappyLength(source: number, length: number): bigint;
  snappyDecompress(source: number, length: number, target: number, declared: number): number;

  readonly seriesCount: { readonly value: number };
  readonly tableUsed: { readonly value: number };
  beginSeries(hashSeed: bigint): number;
  createSeries(): number;
  findSeries(key: number, length: number): number;
  bindKey(key: number, length: number, id: number): number;
  setToken(id: number, token: number): void;
  forgetSeries(ids: number, count: number): void;

  beginTimelines(): void;
  beginHead(): void;
  freezeHead(): void;
  dropFrozen(): void;
  idleSeries(ids: number, idsMax: number): number;
  readonly headSamples: { readonly value: number };
  readonly headMin: { readonly value: number };
  readonly headMax: { readonly value: number };
  readonly frozenSamples: { readonly value: number };
  readonly frozenMin: { readonly value: number };
  readonly frozenMax: { readonly value: number };
  readonly readFrom: { readonly value: number };
  readSamples(id: number, part: number, fromMs: number, times: number, values: number): number;
  readSeries(id: number, times: number, values: number): number;
  samplesIn(id: number, part: number): number;
  samplesOf(id: number): number;
  mayHold(id: number, fromMs: number, toMs: number): number;
  newestOf(id: number): number;
  raiseNewest(id: number, timeMs: number): void;

  readonly missed: { readonly value: number };
  readonly late: { readonly value: number };
  readonly accepted: { readonly value: number };
  readonly stoppedAt: { readonly value: number };
  readonly stoppedFor: { readonly value: number };
  scanWriteRequest(
    request: number,
    length: number,
    from: number,
    missList: number,
    missMax: number,
    lateList: number,
    lateMax: number,
    oldestMs: number,
    latestMs: number,
    token: number,
  ): number;

  beginStaging(buffer: number, bytes: number, segment: number): void;
  moveStaging(buffer: number, bytes: number): void;
  stagedBytes(): number;
  stagedRowOf(id: number): number;
  stageRows(ids: number, times: number, values: number, from: number, count: number): number;
  stageLate(id: number, timeMs: number, low: number, high: number): number;
  readonly undefinedRows: { readonly value: number };
  undefinedSeries(ids: number): void;
  applyStaged(): number;
  unstage(mark: number): void;

  beginJournal(buffer: number, bytes: number, chapter: number): void;
  journalEnd(): number;
  readonly replayed: { readonly value: number };
  readonly unplaced: { readonly value: number };
  readonly replayedLate: { readonly value: number };
  readonly replayedTo: { readonly value: number };
  beginReplay(): void;
  replayJournal(
    from: number,
    end: number,
    chapter: number,
    ids: number,
    idsCount: number,
    lateList: number,
    lateMax: number,
  ): number;
}

/** Values or times in one column at most. */
export const COLUMN_MAX = 4096;
/** Room that the longest encoded column needs, with slack for whoever reads whole words. */
export const ENCODED_BYTES_MAX: number = 300 + 20 * COLUMN_MAX + 16;

const PAGE_BYTES = 65_536;
const INITIAL_PAGES = 16;
/** 4 GiB: all that 32-bit addresses reach. Reserving costs nothing, growing happens as needed. */
const MAXIMUM_PAGES = 65_536;

/** Compiles the kernel and gives it a memory of its own, in which everything above the first page is free. */
export function loadKernel(bytes: Uint8Array, maximumPages: number = MAXIMUM_PAGES): Kernel {
  const memory = new WebAssembly.Memory({
    initial: INITIAL_PAGES,
    maximum: maximumPages,
    shared: true,
  });
  const instance = new WebAssembly.Instance(compiled(bytes), { env: { memory } });
  const { start } = instance.exports;
  assert(typeof start === 'function', 'the kernel exports start');
  (start as () => void)();
  // The names were checked when both sides were written; a missing one fails at its first call, in tests.
  const calls = instance.exports as unknown as KernelCalls;
  calls.beginMemory(PAGE_BYTES);
  return { memory, calls };
}

const modules = new WeakMap<Uint8Array, WebAssembly.Module>();

/** Compiling takes milliseconds; whoever opens several stores hands in the same bytes. */
function compiled(bytes: Uint8Array): WebAssembly.Module {
  let module = modules.get(bytes);
  if (!module) modules.set(bytes, (module = new WebAssembly.Module(bytes)));
  return module;
}
