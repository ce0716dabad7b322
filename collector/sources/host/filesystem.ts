import { messageOf } from '../../../model/failure.ts';
import { DeadlinePassed, withDeadline } from '../../../platform/clock.ts';
import type { FileSystemSpace } from '../../../platform/kernel-tree.ts';
import type { SampleSink, Source } from '../../source.ts';
import type { Host } from './host.ts';
import { parseMountinfo } from './mounts.ts';
import type { Mount } from './mounts.ts';
import { SeriesPool } from './series-pool.ts';

const MOUNT_POINTS_NOT_SHOWN =
  /^\/(?:dev|proc|run\/credentials\/.+|sys|var\/lib\/docker\/.+|var\/lib\/containers\/storage\/.+)(?:$|\/)/;

const TYPES_NOT_SHOWN: ReadonlySet<string> = new Set(
  (
    'autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs erofs fusectl hugetlbfs ' +
    'iso9660 mqueue nsfs overlay proc procfs pstore rpc_pipefs securityfs selinuxfs squashfs sysfs tracefs'
  ).split(' '),
);

/** These ask another machine or process, and wait without end when it is gone. */
const REMOTE = /^(?:nfs|cifs|smb|ceph|9p|afs|gfs|ocfs|lustre|glusterfs|fuse)/;

/** How long one file system may take to answer. */
const ANSWER_MS = 2000;

/** A machine that has more is misconfigured or runs containers whose mounts nobody wants to see. */
const MOUNTS_MAX = 2000;

/** What `node_filesystem_device_error` gives as the reason when there was no answer. */
const NO_ANSWER = 'mountpoint timeout';
const REASON_CHARACTERS_MAX = 200;

/**
 * Space on the mounted file systems. A question to a dead server blocks one of the few threads that the
 * whole process has for its disk, until the server comes back. Therefore file systems are asked one after
 * the other in two lanes, local and remote, and a lane whose question is unanswered asks nothing more: a
 * dead server costs one thread, however many mounts it serves, and hides no local disk.
 */
export function createFilesystemSource(host: Host): Source {
  const pool = new SeriesPool();
  const machines = host.reader.file('/proc/1/mountinfo');
  const own = host.reader.file('/proc/self/mountinfo');
  const local = new Lane(host);
  const remote = new Lane(host);
  return {
    name: 'filesystem',
    intervalMs: host.slowMs,
    async sample(sink, signal) {
      // The mounts of process 1 are the machine's; ours may be fewer in a container.
      const mounts = shownMounts(machines.readText() || own.readText());
      const report = (mount: Mount, answer: Answer): void => push(pool, sink, mount, answer);
      await Promise.all([
        local.ask(
          mounts.filter(({ type }) => !REMOTE.test(type)),
          report,
          signal,
        ),
        remote.ask(
          mounts.filter(({ type }) => REMOTE.test(type)),
          report,
          signal,
        ),
      ]);
      pool.finish();
    },
    close() {
      machines.close();
      own.close();
    },
  };
}

type Answer =
  | { readonly kind: 'space'; readonly space: FileSystemSpace }
  | { readonly kind: 'error'; readonly reason: string };

class Lane {
  readonly #host: Host;
  /** The mount point that did not answer in time. It is asked again, alone, until it does. */
  #stuck: string | undefined;
  #isUnderWay = false;

  constructor(host: Host) {
    this.#host = host;
  }

  async ask(
    mounts: readonly Mount[],
    report: (mount: Mount, answer: Answer) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const stuck = mounts.find(({ mountPoint }) => mountPoint === this.#stuck);
    // It has been unmounted.
    if (stuck === undefined && !this.#isUnderWay) this.#stuck = undefined;
    const inOrder = stuck ? [stuck, ...mounts.filter((mount) => mount !== stuck)] : mounts;
    for (const mount of inOrder) {
      const answer = await this.#askOne(mount.mountPoint, signal);
      if (signal.aborted) return;
      report(mount, answer);
    }
  }

  async #askOne(mountPoint: string, signal: AbortSignal): Promise<Answer> {
    if (this.#stuck !== undefined && this.#stuck !== mountPoint) {
      return { kind: 'error', reason: `not asked: ${this.#stuck} is stuck` };
    }
    if (this.#isUnderWay) return { kind: 'error', reason: NO_ANSWER };
    const { clock, tree } = this.#host;
    this.#isUnderWay = true;
    const question = tree.fileSystem(mountPoint).finally(() => {
      this.#isUnderWay = false;
    });
    try {
      const space = await withDeadline(clock, ANSWER_MS, mountPoint, () => question, signal);
      this.#stuck = undefined;
      return { kind: 'space', space };
    } catch (thrown) {
      if (thrown instanceof DeadlinePassed) {
        this.#stuck = mountPoint;
        return { kind: 'error', reason: NO_ANSWER };
      }
      this.#stuck = undefined;
      return { kind: 'error', reason: messageOf(thrown).slice(0, REASON_CHARACTERS_MAX) };
    }
  }
}

function shownMounts(mountinfo: string): readonly Mount[] {
  const seen = new Set<string>();
  const shown: Mount[] = [];
  for (const mount of parseMountinfo(mountinfo)) {
    const { device, mountPoint, type } = mount;
    if (TYPES_NOT_SHOWN.has(type) || MOUNT_POINTS_NOT_SHOWN.test(mountPoint)) continue;
    // What is mounted twice on one place is one series.
    const key = `${device}\n${mountPoint}\n${type}`;
    if (seen.has(key) || seen.size >= MOUNTS_MAX) continue;
    seen.add(key);
    shown.push(mount);
  }
  return shown;
}

function push(pool: SeriesPool, sink: SampleSink, mount: Mount, answer: Answer): void {
  const { device, mountPoint: mountpoint, type: fstype, major, minor } = mount;
  const labels = {
    device,
    mountpoint,
    fstype,
    device_error: answer.kind === 'error' ? answer.reason : '',
  };
  const put = (name: string, value: number): void =>
    pool.push(sink, `node_filesystem_${name}`, labels, value);
  put('device_error', answer.kind === 'error' ? 1 : 0);
  put('readonly', mount.isReadOnly ? 1 : 0);
  const place = { device, major, minor, mountpoint };
  pool.push(sink, 'node_filesystem_mount_info', place, 1);
  if (answer.kind === 'error') return;
  const { space } = answer;
  put('size_bytes', space.sizeBytes);
  put('free_bytes', space.freeBytes);
  put('avail_bytes', space.availableBytes);
  put('files', space.files);
  put('files_free', space.filesFree);
}
