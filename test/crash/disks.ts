import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from '../real/until.ts';

/**
 * Disks that may be filled, taken away and cut from their power: file systems in files and in memory,
 * mounted where only we see them. The mounts live in a mount namespace that a helper process holds; it ends
 * with its standard input, so that they vanish with this process and what it started, however it ends, and
 * the kernel lets go of a loop device with its last mount.
 */
const run = promisify(execFile);

export type JournalledKind = 'ext4' | 'xfs';

/** XFS takes nothing below 300 MiB; the file is sparse. */
const IMAGE_BYTES = 384 * 1024 * 1024;
const MAKE: Readonly<Record<JournalledKind, readonly string[]>> = {
  ext4: ['mkfs.ext4', '-q', '-F', '-E', 'nodiscard'],
  xfs: ['mkfs.xfs', '-q', '-f', '-K'],
};
const PROGRAMS = [
  'unshare',
  'nsenter',
  'losetup',
  'mount',
  'umount',
  'mkfs.ext4',
  'mkfs.xfs',
  'xfs_io',
];
const PLACES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Why there can be no such disks here; undefined when there can. */
export async function whyNoDisks(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root, to mount file systems of its own';
  const missing = PROGRAMS.filter(
    (program) => !PLACES.some((place) => fs.existsSync(join(place, program))),
  );
  if (missing.length > 0) return `needs ${missing.join(', ')}`;
  if (!fs.existsSync('/dev/loop-control')) return 'needs loop devices';
  try {
    const room = await MountRoom.open();
    await room.close();
    return undefined;
  } catch (thrown) {
    return `cannot mount here: ${String(thrown)}`;
  }
}

/** A mount namespace of our own. */
export class MountRoom {
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  static async open(): Promise<MountRoom> {
    const holder = spawn('unshare', ['--mount', '--propagation', 'private', 'cat'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const room = new MountRoom(holder);
    const ours = fs.readlinkSync('/proc/self/ns/mnt');
    await until('a mount namespace', 5000, () => {
      if (holder.exitCode !== null) throw new Error('unshare ended');
      return holder.pid && fs.readlinkSync(`/proc/${holder.pid}/ns/mnt`) !== ours;
    });
    return room;
  }

  /** Runs a command among our mounts, by exec. */
  get through(): readonly string[] {
    return ['nsenter', `--mount=/proc/${this.#holder.pid}/ns/mnt`, '--'];
  }

  /** A path among our mounts, as this process can reach it. */
  outside(path: string): string {
    return `/proc/${this.#holder.pid}/root${path}`;
  }

  async run(...command: readonly string[]): Promise<void> {
    const [first, ...words] = [...this.through, ...command];
    await run(first!, words, { timeout: 30_000 });
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#holder.once('close', resolve));
    this.#holder.stdin!.end();
    await ended;
  }
}

/** A file system on a disk of its own, of which the power can be cut. */
export class JournalledDisk {
  readonly room: MountRoom;
  /** Where it is mounted, among the mounts of the room. */
  readonly path: string;
  readonly #image: string;

  private constructor(room: MountRoom, path: string, image: string) {
    this.room = room;
    this.path = path;
    this.#image = image;
  }

  static async make(
    room: MountRoom,
    directory: string,
    kind: JournalledKind,
  ): Promise<JournalledDisk> {
    const image = join(directory, `${kind}.img`);
    const path = join(directory, 'disk');
    fs.mkdirSync(path, { recursive: true });
    fs.writeFileSync(image, '');
    fs.truncateSync(image, IMAGE_BYTES);
    const [command, ...words] = MAKE[kind];
    await run(command!, [...words, image], { timeout: 60_000 });
    const disk = new JournalledDisk(room, path, image);
    await disk.mount();
    return disk;
  }

  mount(): Promise<void> {
    return this.room.run('mount', '-o', 'loop', this.#image, this.path);
  }

  /** From the moment of the call on nothing more reaches the disk; what was not synced is gone. */
  cutPower(): Promise<void> {
    return this.room.run('xfs_io', '-x', '-c', 'shutdown', this.path);
  }

  /** What the kernel does by itself to a file system in which it finds an error; ext4 only. */
  turnReadOnlyByError(): Promise<void> {
    return this.room.run('mount', '-o', 'remount,abort', this.path);
  }

  async remount(how: 'ro' | 'rw'): Promise<void> {
    await this.room.run('mount', '-o', `remount,${how}`, this.path);
  }

  /** After a cut: as the machine would find it when it comes up again. Nothing may have a file open. */
  async restorePower(): Promise<void> {
    await this.room.run('umount', this.path);
    await this.#untilDetached();
    await this.mount();
  }

  async close(): Promise<void> {
    await this.room.run('umount', this.path);
    await this.#untilDetached();
    fs.rmSync(this.#image);
  }

  /** The kernel detaches a loop device a moment after its mount is gone; one that stays is detached by name. */
  async #untilDetached(): Promise<void> {
    await until(`${this.#image} to be detached`, 10_000, async () => {
      const { stdout } = await run('losetup', [
        '--noheadings',
        '--output',
        'NAME',
        '-j',
        this.#image,
      ]);
      const devices = stdout.split('\n').filter((line) => line !== '');
      for (const device of devices) await run('losetup', ['--detach', device.trim()]);
      return devices.length === 0;
    });
  }
}

/** A small disk in memory. */
export async function mountSmallDisk(
  room: MountRoom,
  directory: string,
  bytes: number,
): Promise<string> {
  const path = join(directory, 'small');
  fs.mkdirSync(path, { recursive: true });
  await room.run('mount', '-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path);
  return path;
}
