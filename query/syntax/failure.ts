import { QueryFailure } from '../query.ts';
import type { Place } from './ast.ts';

/** `line:column` of an offset, both counted from one, as Prometheus prints places. */
export function lineAndColumn(text: string, offset: number): string {
  let line = 1;
  let lineStart = 0;
  for (let i = 0; i < Math.min(offset, text.length); i++) {
    if (text.charCodeAt(i) === 10) {
      line++;
      lineStart = i + 1;
    }
  }
  return `${line}:${offset - lineStart + 1}`;
}

export function parseFailure(text: string, place: Place, what: string): QueryFailure {
  return new QueryFailure('bad_data', `${lineAndColumn(text, place.from)}: parse error: ${what}`, {
    place: { from: place.from, to: place.to },
  });
}
