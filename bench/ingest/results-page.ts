/** The sections of bench/results.md: what was measured, on what, from which commit. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import { fileURLToPath } from 'node:url';

const PAGE = fileURLToPath(new URL('../results.md', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Section {
  readonly title: string;
  readonly command: string;
  readonly remarks: readonly string[];
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Adds the section at the end of the page, and returns its text. */
export function addSection(
  { title, command, remarks, columns, rows }: Section,
  load: number,
): string {
  const isBusy = load > os.cpus().length / 4;
  const text = [
    `## ${new Date().toISOString().slice(0, 10)} ${title}`,
    '',
    `- Machine: ${os.cpus().length} × ${os.cpus()[0]?.model.trim()}, ${gibibytes(os.totalmem())} GiB, ` +
      `Linux ${os.release()}, Node.js ${process.versions.node}; load before the run ${load.toFixed(1)}` +
      (isBusy
        ? ' (the machine was busy with other work: trust the ratios before the figures)'
        : ''),
    `- Commit: ${commit()}`,
    `- Command: \`${command}\``,
    ...remarks.map((remark) => `- ${remark}`),
    '',
    ...table([columns, columns.map((_, i) => (i === 0 ? '---' : '--:')), ...rows]),
    '',
  ].join('\n');
  fs.appendFileSync(PAGE, `\n${text}`);
  return text;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row, at) => {
    const cells = row.map((cell, i) => {
      const width = widths[i]!;
      if (at === 1) return i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`;
      return i === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    return `| ${cells.join(' | ')} |`;
  });
}

function gibibytes(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(0);
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  const isChanged = git('status', '--porcelain', '--', '.', ':!bench/results.md') !== '';
  return git('rev-parse', '--short', 'HEAD') + (isChanged ? ', with changes' : '');
}
