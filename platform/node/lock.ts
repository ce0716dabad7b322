import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { FileFailure } from '../files.ts';
import { hasErrorCode } from './file-errors.ts';

/**
 * A directory belongs to the process that its `lock` names. Node has no flock, so the name itself is the
 * lock: a symbolic link whose target is no path but says who the owner is. It appears whole or not at all,
 * fails when the name is taken, and, being short, lies in its inode: a full disk does not keep a server from
 * starting. A pid alone would say too little, since pids are used again: an owner is alive only while a
 * process with this pid and this start time runs on this boot of the machine.
 *
 * A dead owner's link is moved aside before a new one is made. Between judging and moving, another process
 * may have taken over; who finds that it moved a living owner's link puts it back, and who has taken over
 * looks again after a moment whether the link is still its own.
 *
 * Processes in different pid namespaces (containers) that share one directory do not see each other.
 */
const LOCK_NAME = 'lock';
const ATTEMPTS_MAX = 20;
const SETTLE_MS = 50;
const BOOT_ID_CHARACTERS = 8;

interface Owner {
  readonly pid: number;
  /** In clock ticks since boot, as text. */
  readonly startedTicks: string;
  readonly bootId: string;
  readonly token: string;
}

export async function lockDirectory(directory: string): Promise<{ release(): Promise<void> }> {
  const lockPath = `${directory}/${LOCK_NAME}`;
  const self: Owner = {
    pid: process.pid,
    startedTicks: (await startedTicks(process.pid)) ?? '',
    bootId: await bootId(),
    token: randomBytes(8).toString('hex'),
  };
  await take(directory, lockPath, self);
  return {
    async release() {
      if ((await ownerOf(lockPath))?.token === self.token) await fs.rm(lockPath, { force: true });
    },
  };
}

async function take(directory: string, lockPath: string, self: Owner): Promise<void> {
  let tookOver = false;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (await linked(self, lockPath)) {
      if (tookOver) await pause();
      const now = await ownerOf(lockPath);
      if (now?.token === self.token) return;
      if (now && (await isAlive(now))) throw inUse(directory, lockPath, now);
      continue;
    }
    const owner = await ownerOf(lockPath);
    if (owner && (await isAlive(owner))) throw inUse(directory, lockPath, owner);
    if (owner === undefined) continue;
    await moveAside(lockPath, owner, self);
    tookOver = true;
  }
  throw new FileFailure(
    'in-use',
    `cannot lock ${directory}: other processes keep taking ${lockPath}; start one at a time`,
  );
}

async function linked(owner: Owner, lockPath: string): Promise<boolean> {
  const { pid, startedTicks, bootId, token } = owner;
  try {
    await fs.symlink([pid, startedTicks, bootId, token].join('.'), lockPath);
    return true;
  } catch (thrown) {
    if (hasErrorCode(thrown, 'EEXIST')) return false;
    throw thrown;
  }
}

async function moveAside(lockPath: string, dead: Owner, self: Owner): Promise<void> {
  const aside = `${lockPath}.dead.${self.token}`;
  try {
    await fs.rename(lockPath, aside);
  } catch (thrown) {
    if (hasErrorCode(thrown, 'ENOENT')) return;
    throw thrown;
  }
  const moved = await ownerOf(aside);
  if (moved && moved.token !== dead.token) await linked(moved, lockPath);
  await fs.rm(aside, { force: true });
}

/** Undefined when there is nothing; what is no link of ours names nobody alive. */
async function ownerOf(path: string): Promise<Owner | undefined> {
  let target: string;
  try {
    target = await fs.readlink(path);
  } catch (thrown) {
    if (hasErrorCode(thrown, 'ENOENT')) return undefined;
    if (!hasErrorCode(thrown, 'EINVAL')) throw thrown;
    target = '';
  }
  const [pid = '', startedTicks = '', bootId = '', token = ''] = target.split('.');
  return { pid: /^\d+$/.test(pid) ? Number(pid) : 0, startedTicks, bootId, token };
}

async function isAlive(owner: Owner): Promise<boolean> {
  if (owner.pid === 0 || owner.bootId !== (await bootId())) return false;
  return (await startedTicks(owner.pid)) === owner.startedTicks;
}

async function bootId(): Promise<string> {
  const whole = await fs.readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  // Enough to tell one boot from the next, and short enough for the inode.
  return whole.slice(0, BOOT_ID_CHARACTERS);
}

/** Field 22 of `stat`; the second field may itself hold spaces and brackets. Undefined: no such process. */
async function startedTicks(pid: number): Promise<string | undefined> {
  let text: string;
  try {
    text = await fs.readFile(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // A zombie has already given up its files.
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

function inUse(directory: string, lockPath: string, owner: Owner): FileFailure {
  return new FileFailure(
    'in-use',
    `${directory} is in use by process ${owner.pid}: stop that process, or choose another directory ` +
      `(the owner is named in ${lockPath})`,
  );
}

function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, SETTLE_MS);
  });
}
