import { isSortedLabels, labelsToText } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { Refusals } from '../../model/refusal.ts';
import type { HeadSample } from './head.ts';

// Why the store does not keep a row, in words.

/** The most text that the labels of one series may have: far below what a journal record holds. */
const LABEL_CHARACTERS_MAX = 512 * 1024;

const QUIET_BIT = 0x80000;
const EXPONENT = 0x7ff00000;

/** Bit for bit, but for the quiet bit of a NaN, which an engine may set in passing. */
export function isSameValue(stored: HeadSample, low: number, high: number): boolean {
  if (stored.low !== low) return false;
  if (stored.high === high) return true;
  const isNaN = (high & EXPONENT) === EXPONENT && (low !== 0 || (high & 0xfffff) !== 0);
  return (
    isNaN && ((stored.high ^ high) & ~QUIET_BIT) === 0 && (low !== 0 || (high & 0x7ffff) !== 0)
  );
}

export function refuseTime(
  refusals: Refusals,
  labels: Labels,
  timeMs: number,
  oldestMs: number,
): void {
  if (Number.isInteger(timeMs) && timeMs < oldestMs) {
    refusals.add(
      'too-old',
      () => `${labelsToText(labels)} at ${timeMs} ms: before ${oldestMs} ms, where retention ends`,
    );
    return;
  }
  refusals.add(
    'bad-timestamp',
    () => `${labelsToText(labels)} at ${timeMs}: not a whole number of milliseconds up to 2^50`,
  );
}

export function refuseConflict(refusals: Refusals, labels: Labels, timeMs: number): void {
  refusals.add(
    'timestamp-conflict',
    () => `${labelsToText(labels)} has another value at ${timeMs} ms already`,
  );
}

/** What the files could not keep as it is. Callers check labels long before; this is the last door. */
export function refuseLabels(refusals: Refusals, labels: Labels): boolean {
  let characters = 0;
  for (const text of labels) {
    characters += text.length;
    if (!text.isWellFormed()) {
      refusals.add('bad-label-value', () => `${JSON.stringify(text)} is not Unicode text`);
      return true;
    }
  }
  if (characters > LABEL_CHARACTERS_MAX) {
    refusals.add(
      'label-value-too-long',
      () => `a label set of ${characters} characters (limit ${LABEL_CHARACTERS_MAX})`,
    );
    return true;
  }
  if (labels.length % 2 !== 0 || !isSortedLabels(labels)) {
    refusals.add(
      'bad-label-name',
      () => `${labelsToText(labels)} is not sorted, or has empty parts`,
    );
    return true;
  }
  return false;
}
