// The real software that tests drive, from Debian's packages. What cannot be had is no failure: the suites
// that need it find so themselves and are reported as skipped, with the reason.
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { StepFailure, say, step } from './steps.mjs';

/** A program and the package that brings it. */
const PROGRAMS = [
  ['libvirtd', 'libvirt-daemon-system'],
  ['virsh', 'libvirt-clients'],
  ['qemu-system-x86_64', 'qemu-system-x86'],
  ['qemu-img', 'qemu-utils'],
  ['chromium', 'chromium'],
  ['ip', 'iproute2'],
  ['mkfs.ext4', 'e2fsprogs'],
  ['xfs_io', 'xfsprogs'],
];

const PLACES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export async function installDebianPackages() {
  const missing = PROGRAMS.filter(([program]) => !isInstalled(program));
  if (missing.length === 0) return;
  const packages = missing.map(([, name]) => name);
  const obstacle = obstacleToInstalling();
  if (obstacle) {
    say(
      `not installed: ${packages.join(' ')} (${obstacle}). Suites that need them will be skipped.`,
    );
    return;
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  try {
    await step('updating the list of Debian packages', 'apt-get', ['update', '--quiet'], { env });
    await step(
      `installing ${packages.join(' ')}`,
      'apt-get',
      ['install', '--yes', '--quiet', '--no-install-recommends', ...packages],
      { env },
    );
  } catch (thrown) {
    if (!(thrown instanceof StepFailure)) throw thrown;
    say(thrown.output.trim().split('\n').slice(-10).join('\n'));
    say(`${thrown.message}. Suites that need ${packages.join(', ')} will be skipped.`);
  }
}

function isInstalled(program) {
  const places = [...(process.env['PATH'] ?? '').split(delimiter), ...PLACES];
  return places.some((place) => place !== '' && existsSync(join(place, program)));
}

function obstacleToInstalling() {
  if (process.getuid?.() !== 0) return 'only root can install packages';
  let release = '';
  try {
    release = readFileSync('/etc/os-release', 'utf8');
  } catch {
    return 'this is not Debian';
  }
  if (!/^ID(_LIKE)?=.*\bdebian\b/m.test(release) || !isInstalled('apt-get')) {
    return 'this is not Debian';
  }
  return undefined;
}
