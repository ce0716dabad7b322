import type { Verdict } from './ledger.ts';

const TEXTS_MAX = 50;

/** What was found to break a promise, in words. */
export class Violations {
  readonly texts: string[] = [];

  add(text: string): void {
    if (this.texts.length < TEXTS_MAX) this.texts.push(text);
  }

  judged(when: string, { acknowledged, lost, doubled, wrong, examples }: Verdict): void {
    if (lost + doubled + wrong === 0) return;
    this.add(
      `${when}: of ${acknowledged} acknowledged samples ${lost} are lost; ${doubled} are there twice, ` +
        `${wrong} were never sent:\n    ${examples.join('\n    ')}`,
    );
  }
}
