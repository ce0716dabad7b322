/**
 * The published grammar lags the language in three places, which this scan bridges without moving a single
 * character: keywords of duration expressions are written in lower case, and `max_of` and `min_of`
 * outside durations borrow the spelling of a function with as many letters; and a number may end in its
 * point (`5.`). Names are always read from
 * the original text, never from the masked one.
 */
export interface Masked {
  readonly text: string;
  /** The deepest nesting of brackets, and where it is. */
  readonly depth: number;
  readonly deepest: number;
}

const TOKEN =
  /"(?:[^"\\]|\\[^])*"?|'(?:[^'\\]|\\[^])*'?|`[^`]*`?|#[^\n]*|[A-Za-z_:][A-Za-z0-9_:]*|[0-9][A-Za-z0-9_.]*|\s+|[^]/g;

const DURATION_WORDS: ReadonlySet<string> = new Set(['step', 'range', 'min_of', 'max_of']);
const STAND_IN = 'vector';

export function mask(text: string): Masked {
  let masked = '';
  let depth = 0;
  let deepest = 0;
  let deepestAt = 0;
  // For each open bracket: whether a duration is written inside.
  const open: boolean[] = [];
  let afterOffset = false;
  for (const token of text.match(TOKEN) ?? []) {
    const inDuration = afterOffset || open.at(-1) === true;
    let shown = token;
    if (/^\s|^#/.test(token)) {
      // A comment would be a node of its own in the middle of others.
      masked += token.startsWith('#') ? ' '.repeat(token.length) : token;
      continue;
    }
    if (token === '(' || token === '[' || token === '{') {
      open.push(token === '[' || (token === '(' && inDuration));
      depth++;
      if (depth > deepest) {
        deepest = depth;
        deepestAt = masked.length;
      }
      afterOffset = false;
    } else if (token === ')' || token === ']' || token === '}') {
      open.pop();
      depth--;
      afterOffset = false;
    } else if (/^[A-Za-z]/.test(token)) {
      const lower = token.toLowerCase();
      const isCall = /^\s*\(/.test(
        text.slice(masked.length + token.length, masked.length + token.length + 64),
      );
      if (inDuration && DURATION_WORDS.has(lower) && isCall) shown = lower;
      else if ((token === 'min_of' || token === 'max_of') && isCall) shown = STAND_IN;
      if (!(inDuration && DURATION_WORDS.has(lower))) afterOffset = lower === 'offset';
    } else {
      if (token !== '-' && token !== '+') afterOffset = false;
      if (/^\d+\.(?:e\d+)?$/i.test(token)) shown = withoutBarePoint(token);
    }
    masked += shown;
  }
  return { text: masked, depth: deepest, deepest: deepestAt };
}

/** `5.` and `5.e3` as text of the same length that the grammar knows. */
function withoutBarePoint(number: string): string {
  return number.endsWith('.') ? `${number.slice(0, -1)} ` : `0${number.replace('.', '')}`;
}
