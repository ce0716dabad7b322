import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runScript } from './upstream.ts';
import type { Verdict } from './upstream.ts';

/**
 * Prometheus's own scripts are not ours to keep here: PROMQL_SCRIPTS names a folder that has them, and a
 * copy beside the repository is found by itself. The floors only ever rise.
 */
const folder =
  process.env['PROMQL_SCRIPTS'] ??
  new URL('../../../shared/promql/scripts', import.meta.url).pathname;

const FLOOR_PERCENT = 100;

test(
  "Prometheus's scripts: evaluations without native histograms pass",
  { timeout: 120_000 },
  async (context) => {
    if (!existsSync(folder)) context.skip('no folder of Prometheus test scripts (PROMQL_SCRIPTS)');
    const verdicts: Verdict[] = [];
    for (const file of readdirSync(folder)
      .filter((name) => name.endsWith('.test'))
      .sort()) {
      verdicts.push(...(await runScript(file, readFileSync(join(folder, file), 'utf8'))));
    }
    const plain = verdicts.filter((verdict) => verdict.kind === 'plain');
    const faultOf = (verdict: Verdict): string | undefined =>
      verdict.fault ?? verdict.rangeFault ?? verdict.notesFault;
    const passed = plain.filter((verdict) => faultOf(verdict) === undefined);
    const all = verdicts.filter((verdict) => verdict.fault === undefined);
    console.log(
      `PromQL scripts: ${passed.length} of ${plain.length} evaluations without native histograms, ` +
        `${all.length} of all ${verdicts.length}`,
    );
    const faults = plain
      .filter((verdict) => faultOf(verdict) !== undefined)
      .map(
        (verdict) => `${verdict.file}:${verdict.line} ${verdict.expression}: ${faultOf(verdict)}`,
      );
    expect(plain.length).toBeGreaterThan(0);
    expect((100 * passed.length) / plain.length, faults.join('\n')).toBeGreaterThanOrEqual(
      FLOOR_PERCENT,
    );
  },
);
