import { FLAGS } from '../flags.ts';

const WIDTH = Math.max(...FLAGS.map(({ name, value }) => name.length + value.length)) + 3;

const TEXT = `nephoscope: watches clouds of KVM hosts

  nephoscope serve [flags]    collect, store, query, alert and show, in one process
  nephoscope check [flags]    explain the configuration: every setting, its value and its origin
  nephoscope version
  nephoscope help

Flags of serve and check:
${FLAGS.map(({ name, value, doc }) => `  ${`${name} ${value}`.padEnd(WIDTH)} ${doc}`).join('\n')}

Flags win over the file. Exit codes: 0 stopped as asked, 1 failed while running, 2 cannot start as asked.
`;

export function help(): number {
  process.stdout.write(TEXT);
  return 0;
}
