/**
 * A real libvirtd with real guests, for tests.
 *
 *     const started = await startLibvirt();
 *     if (started.kind === 'unavailable') return context.skip(started.reason);
 *     const { libvirt } = started;
 *     const guest = await libvirt.startGuest({ name: 'busy', work: 'spin' });
 *     … libvirt.socket, guest.uuid, libvirt.vcpuSeconds(guest), libvirt.destroyGuest(guest) …
 *     await libvirt.close();
 *
 * The daemon lives in a mount namespace in which its directories (/etc/libvirt, /run/libvirt,
 * /var/lib/libvirt, /var/log/libvirt) are folders of a temporary directory: it shares nothing with a
 * libvirtd that the machine may run, reads no configuration of it and starts no network. Its sockets lie
 * in the temporary directory and are reachable from everywhere; with `place: 'system'` they lie at libvirt's
 * own place, /run/libvirt, for tests of what is found without being told.
 *
 * A guest is a machine with one disk whose first sector is its whole software: `spin` keeps its vCPU busy,
 * `idle` halts it. `startGuest` resolves when that sector runs, which is after the firmware's own work.
 * KVM is used where it works, else emulation. Each guest has a tap as its NIC where one can be made.
 *
 * Needs root, libvirtd, virsh, qemu-system-x86_64 and unshare. Everything started here is ended by `close`,
 * and as a last resort when the process exits. Names of guests should be unlikely on a real host: the
 * control groups are the machine's.
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { until } from './until.ts';

export type Start =
  | { readonly kind: 'ready'; readonly libvirt: RealLibvirt }
  | { readonly kind: 'unavailable'; readonly reason: string };

export interface GuestSpecification {
  readonly name: string;
  readonly work: 'spin' | 'idle';
  /** Chosen at random by default. */
  readonly uuid?: string;
  readonly nova?: NovaMetadata;
  /** 1 by default. */
  readonly vcpus?: number;
  /** Defined, so that it stays known when it is off; by default it vanishes when it ends. */
  readonly isPersistent?: boolean;
}

export interface NovaMetadata {
  /** The end of the namespace; 1.1 by default. */
  readonly version?: '1.0' | '1.1';
  readonly instanceName: string;
  readonly flavor: string;
  readonly userName: string;
  readonly userUuid: string;
  readonly projectName: string;
  readonly projectUuid: string;
  readonly imageUuid: string;
}

export interface Guest {
  readonly name: string;
  readonly uuid: string;
  /** Of its QEMU. */
  readonly processId: number;
  /** The host's end of its NIC; undefined where none could be made. */
  readonly tap: string | undefined;
}

export interface RealLibvirt {
  /** The read-only socket. */
  readonly socket: string;
  /** What a client opens over it. */
  readonly uri: string;
  /** A command of virsh, and what it prints. */
  virsh(...words: readonly string[]): Promise<string>;
  startGuest(guest: GuestSpecification): Promise<Guest>;
  /** Pulls the plug. A guest that is not persistent is then gone. */
  destroyGuest(guest: Guest): Promise<void>;
  /** CPU time of its vCPU threads as the kernel's scheduler counts it. */
  vcpuSeconds(guest: Guest): number;
  /** Ends the daemon only: guests go on, as they do in life. */
  stopDaemon(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Starts it again on the same sockets; it finds its guests. */
  startDaemon(): Promise<void>;
  /** Freezes and thaws a process of ours: the daemon, or a guest's QEMU. */
  freeze(what: 'daemon' | Guest): void;
  thaw(what: 'daemon' | Guest): void;
  close(): Promise<void>;
}

const run = promisify(execFile);
const EMULATOR = '/usr/bin/qemu-system-x86_64';
const DAEMON = '/usr/sbin/libvirtd';
const DISK_BYTES = 1_048_576;

/** Never rejects because something is missing: then the reason is for `context.skip`. */
export async function startLibvirt(
  options: { readonly place?: 'private' | 'system' } = {},
): Promise<Start> {
  const reason = await whyUnavailable(options.place ?? 'private');
  if (reason !== undefined) return { kind: 'unavailable', reason };
  const libvirt = new OwnLibvirt(options.place ?? 'private');
  try {
    await libvirt.startDaemon();
  } catch (thrown) {
    const log = libvirt.daemonOutput();
    await libvirt.close();
    throw new Error(`libvirtd did not start: ${log}`, { cause: thrown });
  }
  return { kind: 'ready', libvirt };
}

async function whyUnavailable(place: 'private' | 'system'): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root, to run a libvirtd of its own';
  for (const program of [DAEMON, EMULATOR, '/usr/bin/virsh', '/usr/bin/unshare']) {
    if (!fs.existsSync(program)) return `needs ${program}`;
  }
  if (place === 'system' && (await accepts('/run/libvirt/libvirt-sock'))) {
    return 'the machine runs a libvirtd of its own at /run/libvirt';
  }
  return undefined;
}

function accepts(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = net.connect({ path: socket });
    connection.once('connect', () => resolve(true));
    connection.once('error', () => resolve(false));
    connection.once('connect', () => connection.destroy());
  });
}

class OwnLibvirt implements RealLibvirt {
  readonly uri = 'qemu:///system';
  readonly socket: string;
  readonly #directory: string;
  readonly #sockets: string;
  readonly #guests = new Map<string, Guest>();
  #daemon: ChildProcess | undefined;
  #taps = 0;
  #accelerator: 'kvm' | 'qemu' = fs.existsSync('/dev/kvm') ? 'kvm' : 'qemu';
  readonly #lastResort = (): void => this.#killAll();

  constructor(place: 'private' | 'system') {
    this.#directory = fs.mkdtempSync(path.join(os.tmpdir(), 'nephoscope-libvirt-'));
    // QEMU's monitor and libvirtd's clients go through here.
    fs.chmodSync(this.#directory, 0o755);
    for (const name of ['etc', 'run', 'lib', 'log', 'disks']) {
      fs.mkdirSync(path.join(this.#directory, name));
    }
    this.#sockets = place === 'system' ? '/run/libvirt' : path.join(this.#directory, 'run');
    this.socket = path.join(this.#sockets, 'libvirt-sock-ro');
    this.#writeConfiguration();
    process.once('exit', this.#lastResort);
  }

  #writeConfiguration(): void {
    const write = (name: string, lines: readonly string[]): void =>
      fs.writeFileSync(path.join(this.#directory, 'etc', name), `${lines.join('\n')}\n`);
    write('libvirtd.conf', [
      `unix_sock_dir = "${this.#sockets}"`,
      'unix_sock_group = "root"',
      'auth_unix_ro = "none"',
      'auth_unix_rw = "none"',
      // Machines without firmware tables leave libvirt without a host id.
      `host_uuid = "${randomUUID()}"`,
    ]);
    write('qemu.conf', [
      'user = "root"',
      'group = "root"',
      'dynamic_ownership = 0',
      'remember_owner = 0',
      'security_driver = "none"',
      'namespaces = []',
      // Else virtlogd would be needed.
      'stdio_handler = "file"',
    ]);
  }

  async startDaemon(): Promise<void> {
    if (this.#daemon) throw new Error('the daemon runs already');
    const runDirectory =
      this.#sockets === '/run/libvirt' ? '' : 'mount --bind "$1/run" /run/libvirt';
    const script = [
      'set -e',
      'mkdir -p /run/libvirt /var/lib/libvirt /var/log/libvirt',
      'mount --bind "$1/etc" /etc/libvirt',
      'mount --bind "$1/lib" /var/lib/libvirt',
      'mount --bind "$1/log" /var/log/libvirt',
      runDirectory,
      `exec ${DAEMON} --config /etc/libvirt/libvirtd.conf --pid-file "$1/libvirtd.pid"`,
    ].join('\n');
    const output = fs.openSync(path.join(this.#directory, 'libvirtd.out'), 'a');
    const words = [
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      script,
      'sh',
      this.#directory,
    ];
    const daemon = spawn('unshare', words, { stdio: ['ignore', output, output] });
    fs.closeSync(output);
    this.#daemon = daemon;
    // The first connection waits until the daemon knows what the emulators can do.
    await until('libvirtd to answer', 60_000, async () => {
      if (daemon.exitCode !== null) throw new Error(`libvirtd ended with ${daemon.exitCode}`);
      await this.virsh('list');
      return true;
    });
  }

  daemonOutput(): string {
    return fs.readFileSync(path.join(this.#directory, 'libvirtd.out'), 'utf8').slice(-2000);
  }

  async stopDaemon(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const daemon = this.#daemon;
    if (!daemon) return;
    this.#daemon = undefined;
    daemon.kill('SIGCONT');
    daemon.kill(signal);
    await until(
      'libvirtd to end',
      20_000,
      () => daemon.exitCode !== null || daemon.signalCode !== null,
    );
  }

  async virsh(...words: readonly string[]): Promise<string> {
    const uri = `qemu+unix:///system?socket=${path.join(this.#sockets, 'libvirt-sock')}`;
    const { stdout } = await run('virsh', ['--quiet', '--connect', uri, ...words], {
      timeout: 30_000,
    });
    return stdout;
  }

  async startGuest(specification: GuestSpecification): Promise<Guest> {
    const { name, work, isPersistent = false } = specification;
    const uuid = specification.uuid ?? randomUUID();
    const disk = path.join(this.#directory, 'disks', `${uuid}.raw`);
    if (!fs.existsSync(disk)) fs.writeFileSync(disk, bootDisk(work));
    const tap = await this.#makeTap();
    const start = async (): Promise<void> => {
      const file = path.join(this.#directory, 'disks', `${uuid}.xml`);
      fs.writeFileSync(
        file,
        domainXml({ ...specification, uuid, disk, tap, accelerator: this.#accelerator }),
      );
      if (!isPersistent) await this.virsh('create', file);
      else await this.virsh('define', file).then(() => this.virsh('start', name));
    };
    try {
      await start();
    } catch (thrown) {
      if (this.#accelerator === 'qemu') throw thrown;
      // The device is there but does not work: containers and nested machines are like that.
      this.#accelerator = 'qemu';
      await start();
    }
    const guest = { name, uuid, processId: this.#processOf(name), tap };
    this.#guests.set(uuid, guest);
    await this.#booted(guest, work);
    return guest;
  }

  #processOf(name: string): number {
    const file = path.join(this.#sockets, 'qemu', `${name}.pid`);
    return Number(fs.readFileSync(file, 'utf8'));
  }

  /** The firmware has read the boot sector; an idle guest has come to rest, too. */
  async #booted(guest: Guest, work: 'spin' | 'idle'): Promise<void> {
    let before = { seconds: this.vcpuSeconds(guest), at: performance.now() };
    await until(
      `the guest ${guest.name} to boot`,
      60_000,
      async () => {
        const stats = await this.virsh('domstats', '--block', guest.uuid);
        const reads = Number(/block\.0\.rd\.reqs=(\d+)/.exec(stats)?.[1]);
        const now = { seconds: this.vcpuSeconds(guest), at: performance.now() };
        const share = ((now.seconds - before.seconds) * 1000) / (now.at - before.at);
        before = now;
        return reads > 0 && (work === 'spin' || share < 0.1);
      },
      250,
    );
  }

  async #makeTap(): Promise<string | undefined> {
    const name = `nt${randomBytes(4).toString('hex')}${this.#taps++}`;
    try {
      await run('ip', ['tuntap', 'add', 'dev', name, 'mode', 'tap']);
      await run('ip', ['link', 'set', name, 'up']);
      return name;
    } catch {
      return undefined;
    }
  }

  async destroyGuest(guest: Guest): Promise<void> {
    await this.virsh('destroy', guest.uuid);
    this.#guests.delete(guest.uuid);
    await this.#removeTap(guest);
  }

  async #removeTap({ tap }: Guest): Promise<void> {
    if (tap !== undefined) await run('ip', ['link', 'delete', tap]).catch(() => undefined);
  }

  vcpuSeconds({ processId }: Guest): number {
    let nanoseconds = 0;
    const tasks = `/proc/${processId}/task`;
    for (const task of fs.readdirSync(tasks)) {
      const name = fs.readFileSync(`${tasks}/${task}/comm`, 'utf8');
      if (!name.startsWith('CPU ')) continue;
      nanoseconds += Number(fs.readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]);
    }
    return nanoseconds / 1e9;
  }

  freeze(what: 'daemon' | Guest): void {
    process.kill(this.#processIdOf(what), 'SIGSTOP');
  }

  thaw(what: 'daemon' | Guest): void {
    process.kill(this.#processIdOf(what), 'SIGCONT');
  }

  #processIdOf(what: 'daemon' | Guest): number {
    const id = what === 'daemon' ? this.#daemon?.pid : what.processId;
    if (id === undefined) throw new Error('the daemon does not run');
    return id;
  }

  async close(): Promise<void> {
    const guests = [...this.#guests.values()];
    await this.stopDaemon();
    this.#killAll();
    for (const guest of guests) {
      await until(`QEMU of ${guest.name} to end`, 20_000, () => !isRunning(guest));
      await this.#removeTap(guest);
    }
    process.removeListener('exit', this.#lastResort);
    fs.rmSync(this.#directory, { recursive: true, force: true });
  }

  #killAll(): void {
    this.#daemon?.kill('SIGKILL');
    for (const guest of this.#guests.values()) {
      if (isRunning(guest)) process.kill(guest.processId, 'SIGKILL');
    }
    this.#guests.clear();
  }
}

/** Process ids are used again: only one whose command line names the guest is the guest's. */
function isRunning({ processId, uuid }: Guest): boolean {
  try {
    return fs.readFileSync(`/proc/${processId}/cmdline`, 'utf8').includes(uuid);
  } catch {
    return false;
  }
}

/** `spin`: jump to itself. `idle`: interrupts on, halt, and again after each tick of the timer. */
function bootDisk(work: 'spin' | 'idle'): Uint8Array {
  const disk = new Uint8Array(DISK_BYTES);
  disk.set(work === 'spin' ? [0xeb, 0xfe] : [0xfb, 0xf4, 0xeb, 0xfd]);
  disk.set([0x55, 0xaa], 510);
  return disk;
}

function domainXml(
  guest: GuestSpecification & {
    readonly uuid: string;
    readonly disk: string;
    readonly tap: string | undefined;
    readonly accelerator: 'kvm' | 'qemu';
  },
): string {
  const { name, uuid, vcpus = 1, nova, disk, tap, accelerator } = guest;
  return `<domain type='${accelerator}'>
  <name>${escaped(name)}</name><uuid>${uuid}</uuid>
  ${nova ? novaXml(nova) : ''}
  <memory unit='MiB'>32</memory><vcpu>${vcpus}</vcpu>
  ${accelerator === 'kvm' ? "<cpu mode='custom' match='exact' check='none'><model fallback='allow'>qemu64</model></cpu>" : ''}
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
  <features><acpi/></features>
  <on_poweroff>destroy</on_poweroff><on_crash>destroy</on_crash>
  <devices>
    <emulator>${EMULATOR}</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='none' discard='unmap'/>
      <source file='${disk}'/><target dev='vda' bus='virtio'/><serial>volume-of-${escaped(name)}</serial>
    </disk>
    ${tap === undefined ? '' : `<interface type='ethernet'><target dev='${tap}' managed='no'/><model type='virtio'/><rom enabled='no'/></interface>`}
    <memballoon model='virtio'><stats period='2'/></memballoon>
  </devices>
</domain>`;
}

function novaXml(nova: NovaMetadata): string {
  const { version = '1.1' } = nova;
  return `<metadata><nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/${version}">
    <nova:package version="27.1.0"/>
    <nova:name>${escaped(nova.instanceName)}</nova:name>
    <nova:creationTime>2026-01-02 03:04:05</nova:creationTime>
    <nova:flavor name="${escaped(nova.flavor)}"><nova:memory>32</nova:memory><nova:disk>1</nova:disk><nova:swap>0</nova:swap><nova:ephemeral>0</nova:ephemeral><nova:vcpus>1</nova:vcpus></nova:flavor>
    <nova:owner>
      <nova:user uuid="${nova.userUuid}">${escaped(nova.userName)}</nova:user>
      <nova:project uuid="${nova.projectUuid}">${escaped(nova.projectName)}</nova:project>
    </nova:owner>
    <nova:root type="image" uuid="${nova.imageUuid}"/>
  </nova:instance></metadata>`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;');
}
