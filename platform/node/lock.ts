import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { FileFailure } from '../files.ts';
import { hasErrorCode } from './file-errors.ts';

/**
 * A directory belongs to the process that its file `lock` names. Node has no flock, so the file itself is
 * the lock: it is written under another name and appears with its full content by link(), which fails when
 * the name is taken. A pid alone would say too little, since pids are used again: an owner is
 * alive only while a process with this pid and this start time runs on this boot of the machine.
 *
 * A dead owner's file is moved aside before a new one is linked. Between judging and moving, another
 * process may have taken over; who finds that it moved a living owner's file puts it back, and who has
 * taken over looks again after a moment whether the file is still its own.
 *
 * Processes in different pid namespaces (containers) that share one directory do not see each other.
 */
const LOCK_NAME = 'lock';
const ATTEMPTS_MAX = 20;
const SETTLE_MS = 50;

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
    token: randomBytes(16).toString('hex'),
  };
  const draft = `${lockPath}.${self.token}`;
  await fs.writeFile(draft, JSON.stringify(self), { flag: 'wx', mode: 0o640 });
  try {
    await take(directory, lockPath, draft, self);
  } finally {
    await fs.rm(draft, { force: true });
  }
  return {
    async release() {
      if ((await ownerOf(lockPath))?.token === self.token) await fs.rm(lockPath, { force: true });
    },
  };
}

async function take(
  directory: string,
  lockPath: string,
  draft: string,
  self: Owner,
): Promise<void> {
  let tookOver = false;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (await linked(draft, lockPath)) {
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

async function linked(draft: string, lockPath: string): Promise<boolean> {
  try {
    await fs.link(draft, lockPath);
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
  if (moved && moved.token !== dead.token) await linked(aside, lockPath);
  await fs.rm(aside, { force: true });
}

/** Undefined when there is no file; an unreadable one (a power cut may leave that) names nobody alive. */
async function ownerOf(path: string): Promise<Owner | undefined> {
  let written: string;
  try {
    written = await fs.readFile(path, 'utf8');
  } catch (thrown) {
    if (hasErrorCode(thrown, 'ENOENT')) return undefined;
    throw thrown;
  }
  let content: Readonly<Record<string, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(written);
    if (typeof parsed === 'object' && parsed !== null) content = { ...parsed };
  } catch {
    // Falls through to an owner that cannot be alive.
  }
  const text = (name: string): string => {
    const value = content[name];
    return typeof value === 'string' ? value : '';
  };
  const pid = content['pid'];
  return {
    pid: typeof pid === 'number' && pid > 0 ? pid : 0,
    startedTicks: text('startedTicks'),
    bootId: text('bootId'),
    token: text('token'),
  };
}

async function isAlive(owner: Owner): Promise<boolean> {
  if (owner.pid === 0 || owner.bootId !== (await bootId())) return false;
  return (await startedTicks(owner.pid)) === owner.startedTicks;
}

async function bootId(): Promise<string> {
  return (await fs.readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
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
