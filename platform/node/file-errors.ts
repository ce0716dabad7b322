import { messageOf } from '../../model/failure.ts';
import { FileFailure } from '../files.ts';
import type { FileFailureCode } from '../files.ts';

/** What the system's error codes mean to us, and what the operator can do. */
const MEANINGS: Readonly<Record<string, readonly [FileFailureCode, string]>> = {
  ENOENT: ['not-found', 'it does not exist'],
  ENOTDIR: ['not-found', 'a part of the path is not a directory'],
  EEXIST: ['exists', 'it exists already'],
  ENOTEMPTY: ['exists', 'the directory is not empty'],
  ENOSPC: ['no-space', 'the disk is full: free some space'],
  EDQUOT: ['no-space', 'the disk quota is used up: free some space or raise the quota'],
  EROFS: ['read-only', 'the file system is read-only: remount it or choose another directory'],
  EACCES: ['no-permission', 'permission denied: check the owner and mode of the path'],
  EPERM: ['no-permission', 'not permitted: check the owner and mode of the path'],
  ELOOP: ['io-error', 'it is a symbolic link, and links are not followed here: remove it'],
  EFBIG: ['too-large', 'the file would be larger than the system allows'],
  EMFILE: ['too-many-open', 'too many open files: raise the limit (ulimit -n, LimitNOFILE)'],
  ENFILE: ['too-many-open', 'the machine has too many open files'],
};

export function fileFailure(what: string, path: string, thrown: unknown): FileFailure {
  if (thrown instanceof FileFailure) return thrown;
  const code = errorCode(thrown);
  const [ours, advice] = (code && MEANINGS[code]) || ['io-error' as const, messageOf(thrown)];
  return new FileFailure(ours, `cannot ${what} ${path}: ${advice}`, { cause: thrown });
}

export function errorCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

export function hasErrorCode(thrown: unknown, code: string): boolean {
  return errorCode(thrown) === code;
}
