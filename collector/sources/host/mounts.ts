/** One line of mountinfo, as far as we need it. */
export interface Mount {
  readonly device: string;
  readonly mountPoint: string;
  readonly type: string;
  readonly major: string;
  readonly minor: string;
  readonly isReadOnly: boolean;
}

/**
 * Reads /proc/PID/mountinfo (proc(5)):
 *
 *     36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/sda1 rw,errors=continue
 *     id parent major:minor root where options [tags…] - type device options
 *
 * Lines that do not have this form are left out.
 */
export function parseMountinfo(text: string): readonly Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    const fields = line.split(' ');
    const separator = fields.indexOf('-', 6);
    const [, , numbers, , mountPoint, options] = fields;
    const type = fields[separator + 1];
    const device = fields[separator + 2];
    if (separator === -1 || numbers === undefined || mountPoint === undefined) continue;
    if (options === undefined || type === undefined || device === undefined) continue;
    const [major = '', minor = ''] = numbers.split(':');
    const superOptions = fields[separator + 3] ?? '';
    mounts.push({
      device: unescape(device),
      mountPoint: unescape(mountPoint),
      type,
      major,
      minor,
      isReadOnly: isReadOnly(options) || isReadOnly(superOptions),
    });
  }
  return mounts;
}

/** The kernel writes blanks, tabs, line breaks and backslashes as three octal digits. */
function unescape(text: string): string {
  return text.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

function isReadOnly(options: string): boolean {
  return options.split(',').includes('ro');
}
