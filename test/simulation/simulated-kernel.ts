import type { FileSystemSpace, KernelFile, KernelTree } from '../../platform/kernel-tree.ts';

export type KernelText = string | (() => string);

/**
 * `/proc` and `/sys` as a map that a test writes. A file's text is taken anew at every read, so a function
 * can let counters grow; a file that is removed fails the readers that hold it open.
 */
export class SimulatedKernel implements KernelTree {
  readonly #texts = new Map<string, KernelText>();
  readonly #links = new Map<string, string>();
  readonly #spaces = new Map<string, FileSystemSpace | 'silent'>();
  #open = 0;
  reads = 0;

  get openFiles(): number {
    return this.#open;
  }

  set(path: string, text: KernelText): void {
    this.#texts.set(path, text);
  }

  setAll(texts: Readonly<Record<string, KernelText>>): void {
    for (const [path, text] of Object.entries(texts)) this.set(path, text);
  }

  link(path: string, target: string): void {
    this.#links.set(path, target);
  }

  setSpace(path: string, space: FileSystemSpace | 'silent'): void {
    this.#spaces.set(path, space);
  }

  /** A file, a link, or a directory with all that is in it. */
  remove(path: string): void {
    for (const map of [this.#texts, this.#links]) {
      for (const known of map.keys()) {
        if (known === path || known.startsWith(`${path}/`)) map.delete(known);
      }
    }
  }

  open(path: string): KernelFile | undefined {
    if (!this.#texts.has(path)) return undefined;
    this.#open++;
    let isOpen = true;
    return {
      path,
      read: (target) => {
        const text = this.#text(path);
        if (!isOpen || text === undefined) return -1;
        const bytes = new TextEncoder().encode(text).subarray(0, target.length);
        target.set(bytes);
        return bytes.length;
      },
      close: () => {
        if (isOpen) this.#open--;
        isOpen = false;
      },
    };
  }

  list(directory: string): readonly string[] {
    const prefix = directory === '/' ? '/' : `${directory.replace(/\/+$/, '')}/`;
    const names = new Set<string>();
    for (const path of [...this.#texts.keys(), ...this.#links.keys()]) {
      if (path.startsWith(prefix)) names.add(path.slice(prefix.length).split('/')[0]!);
    }
    return [...names];
  }

  readText(path: string): string | undefined {
    return this.#text(path)?.trimEnd();
  }

  readLink(path: string): string | undefined {
    return this.#links.get(path);
  }

  async fileSystem(path: string): Promise<FileSystemSpace> {
    const space = this.#spaces.get(path);
    if (space === 'silent') return new Promise(() => {});
    if (!space) throw new Error(`nothing is mounted at ${path}`);
    return space;
  }

  #text(path: string): string | undefined {
    this.reads++;
    const text = this.#texts.get(path);
    return typeof text === 'function' ? text() : text;
  }
}
