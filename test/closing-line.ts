import type { Reporter } from 'vitest/node';

type Modules = Parameters<NonNullable<Reporter['onTestRunEnd']>>[0];

/**
 * Ends a test run with one line that cannot be misread: `N passed, M failed, K skipped`, followed by the
 * reasons of what was skipped. Errors outside tests, files that do not load and tests that never finished
 * count as failures.
 */
export class ClosingLine implements Reporter {
  onTestRunEnd(modules: Modules, errors: readonly unknown[], reason: string): void {
    let passed = 0;
    let skipped = 0;
    let failed = errors.length + (reason === 'interrupted' ? 1 : 0);
    const reasons = new Map<string, number>();
    for (const module of modules) {
      failed += module.errors().length;
      for (const suite of module.children.allSuites()) failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') passed++;
        else if (result.state === 'skipped') {
          skipped++;
          const note = result.note ?? 'no reason given';
          reasons.set(note, (reasons.get(note) ?? 0) + 1);
        } else failed++;
      }
    }
    // At exit, so that nothing is printed after it.
    process.once('exit', () => {
      for (const [note, count] of reasons) console.log(`skipped ${count}: ${note}`);
      const tail = skipped > 0 ? `, ${skipped} skipped` : '';
      console.log(`${passed} passed, ${failed} failed${tail}`);
    });
  }
}
