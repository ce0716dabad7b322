import { assert } from '../../model/assert.ts';
import type { Random } from '../../platform/random.ts';

/**
 * What a disk and its page cache hold. Reads see every write at once; a power cut sees only what was synced,
 * and of the rest whatever chance decides:
 *
 *     append ──→ live bytes ──dataSync──→ durable bytes ──→ survives a power cut
 *                     └── each un-synced 512-byte sector: kept, lost or torn
 *     create, rename, remove ──→ live names ──syncDirectory──→ durable names
 *                     └── each un-synced operation: kept or lost
 *
 * This is deliberately harsher than any one file system: it allows whatever some file system may do.
 */
export const SECTOR_BYTES = 512;

export type SimulatedNode = SimulatedInode | SimulatedDirectory;

/** A file without its name. */
export class SimulatedInode {
  readonly kind = 'file';
  #live = new Uint8Array(SECTOR_BYTES);
  #size = 0;
  /** May be longer than what is durable; zero beyond that. */
  #durable = new Uint8Array(0);
  #durableSize = 0;
  /** How many writes the last finished sync covered. */
  #writesSynced = 0;
  /** Sector to the number of the write that last touched it, so that a sync covers only earlier writes. */
  #dirty = new Map<number, number>();
  #sizeIsDirty = false;
  #writes = 0;

  get size(): number {
    return this.#size;
  }

  get durableBytes(): Uint8Array<ArrayBuffer> {
    return this.#durable.slice(0, this.#durableSize);
  }

  get liveBytes(): Uint8Array<ArrayBuffer> {
    return this.#live.slice(0, this.#size);
  }

  get isDirty(): boolean {
    return this.#sizeIsDirty || this.#dirty.size > 0;
  }

  readAt(offset: number, target: Uint8Array): number {
    const count = Math.max(0, Math.min(target.length, this.#size - offset));
    target.set(this.#live.subarray(offset, offset + count));
    return count;
  }

  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const end = this.#size + bytes.length;
    this.#live = withRoom(this.#live, end);
    this.#live.set(bytes, this.#size);
    this.#touch(this.#size, end);
    this.#size = end;
  }

  truncate(size: number): void {
    if (size > this.#size) {
      this.append(new Uint8Array(size - this.#size));
      return;
    }
    this.#live.fill(0, size, this.#size);
    this.#touch(size, this.#size);
    this.#size = size;
    this.#sizeIsDirty = true;
  }

  /** What a sync that begins now will make durable; `finish` is called when it succeeds. */
  beginSync(): { finish(): void } {
    const size = this.#size;
    const writes = this.#writes;
    const sectors = [...this.#dirty].map(([sector, write]) => ({
      sector,
      write,
      bytes: this.#live.slice(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES),
    }));
    return {
      finish: () => {
        // A sync that began later and has finished covered all of this, and perhaps more.
        if (writes < this.#writesSynced) return;
        this.#writesSynced = writes;
        this.#setDurableSize(size);
        for (const { sector, write, bytes } of sectors) {
          place(this.#durable.subarray(0, size), sector, bytes);
          if (this.#dirty.get(sector) === write) this.#dirty.delete(sector);
        }
        if (this.#writes === writes) this.#sizeIsDirty = false;
      },
    };
  }

  /**
   * A sync that failed: the kernel gives up on the dirty pages, marks them clean and keeps showing their
   * content. A later sync succeeds without having written them.
   */
  failSync(random: Random): void {
    this.#keepByChance(random);
  }

  /** Leaves what the platter holds after a power cut. */
  losePower(random: Random): void {
    this.#keepByChance(random);
    this.#live = this.durableBytes;
    this.#size = this.#durableSize;
  }

  #touch(from: number, to: number): void {
    this.#writes++;
    this.#sizeIsDirty = true;
    const last = Math.floor((Math.max(to, from + 1) - 1) / SECTOR_BYTES);
    for (let sector = Math.floor(from / SECTOR_BYTES); sector <= last; sector++) {
      this.#dirty.set(sector, this.#writes);
    }
  }

  /** Decides what of the un-synced has reached the platter; afterwards nothing is un-synced. */
  #keepByChance(random: Random): void {
    if (this.#sizeIsDirty) {
      const before = this.#durableSize;
      const choice = random.next();
      if (choice < 1 / 3) this.#setDurableSize(this.#size);
      else if (choice < 2 / 3) {
        const between = Math.floor(random.next() * Math.abs(this.#size - before));
        this.#setDurableSize(Math.min(before, this.#size) + between);
      }
    }
    const durable = this.#durable.subarray(0, this.#durableSize);
    for (const sector of this.#dirty.keys()) {
      const start = sector * SECTOR_BYTES;
      const choice = random.next();
      if (choice < 1 / 3) continue;
      const kept = choice < 2 / 3 ? SECTOR_BYTES : Math.floor(random.next() * SECTOR_BYTES);
      place(durable, sector, this.#live.subarray(start, start + kept));
    }
    this.#dirty.clear();
    this.#sizeIsDirty = false;
    this.#writesSynced = this.#writes;
  }

  #setDurableSize(size: number): void {
    this.#durable = withRoom(this.#durable, size);
    if (size < this.#durableSize) this.#durable.fill(0, size, this.#durableSize);
    this.#durableSize = size;
  }
}

/** The bytes of a sector, as far as they lie inside the file. */
function place(file: Uint8Array, sector: number, bytes: Uint8Array): void {
  const start = sector * SECTOR_BYTES;
  if (start < file.length) file.set(bytes.subarray(0, file.length - start), start);
}

function withRoom(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  if (size <= bytes.length) return bytes;
  const larger = new Uint8Array(Math.max(size, bytes.length * 2));
  larger.set(bytes);
  return larger;
}

type NameChange =
  | { readonly kind: 'put'; readonly name: string; readonly node: SimulatedNode }
  | { readonly kind: 'drop'; readonly name: string }
  | {
      readonly kind: 'rename';
      readonly from: string;
      readonly to: string;
      readonly node: SimulatedNode;
    };

export class SimulatedDirectory {
  readonly kind = 'directory';
  readonly names = new Map<string, SimulatedNode>();
  #durable = new Map<string, SimulatedNode>();
  #changes: NameChange[] = [];

  get hasUnsyncedNames(): boolean {
    return this.#changes.length > 0;
  }

  put(name: string, node: SimulatedNode): void {
    this.names.set(name, node);
    this.#changes.push({ kind: 'put', name, node });
  }

  drop(name: string): void {
    this.names.delete(name);
    this.#changes.push({ kind: 'drop', name });
  }

  /** Within this directory, in one step: after a power cut it has happened or it has not. */
  rename(from: string, to: string): void {
    const node = this.names.get(from);
    assert(node !== undefined, 'the caller has looked the name up');
    this.names.delete(from);
    this.names.set(to, node);
    this.#changes.push({ kind: 'rename', from, to, node });
  }

  sync(): void {
    this.#durable = new Map(this.names);
    this.#changes = [];
  }

  losePower(random: Random): void {
    const left = this.#durable;
    for (const change of this.#changes) {
      if (random.next() < 0.5) continue;
      if (change.kind === 'put') left.set(change.name, change.node);
      else if (change.kind === 'drop') left.delete(change.name);
      else {
        left.delete(change.from);
        left.set(change.to, change.node);
      }
    }
    this.names.clear();
    for (const [name, node] of left) this.names.set(name, node);
    this.#durable = new Map(left);
    this.#changes = [];
    for (const node of this.names.values()) node.losePower(random);
  }
}

/** The disk of one simulated machine: it outlives the processes that use it. */
export class SimulatedDisk {
  readonly root = new SimulatedDirectory();
  readonly random: Random;
  capacityBytes: number;
  /** Locked directory to its owner. Locks live in the kernel: they end with their process. */
  readonly locks = new Map<string, string>();

  constructor(random: Random, capacityBytes = Number.MAX_SAFE_INTEGER) {
    this.random = random;
    this.capacityBytes = capacityBytes;
  }

  /** With parents; returns the directory, or undefined when a file is in the way. */
  makeDirectory(path: string): SimulatedDirectory | undefined {
    let directory = this.root;
    for (const part of partsOf(path)) {
      let next = directory.names.get(part);
      if (!next) {
        next = new SimulatedDirectory();
        directory.put(part, next);
      }
      if (next.kind !== 'directory') return undefined;
      directory = next;
    }
    return directory;
  }

  get usedBytes(): number {
    const seen = new Set<SimulatedNode>();
    const sum = (directory: SimulatedDirectory): number => {
      let bytes = 0;
      for (const node of directory.names.values()) {
        if (seen.has(node)) continue;
        seen.add(node);
        bytes += node.kind === 'file' ? node.size : sum(node);
      }
      return bytes;
    };
    return sum(this.root);
  }

  losePower(): void {
    this.locks.clear();
    this.root.losePower(this.random);
  }

  /** Makes everything durable: how a machine is that was shut down in peace. */
  syncEverything(): void {
    const visit = (node: SimulatedNode): void => {
      if (node.kind === 'file') node.beginSync().finish();
      else {
        node.sync();
        for (const child of node.names.values()) visit(child);
      }
    };
    visit(this.root);
  }
}

export function partsOf(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  assert(!parts.includes('..'), 'simulated paths have no ..');
  return parts;
}
