import { RE2JS } from 're2js';
import { Failure, messageOf } from './failure.ts';
import { labelValue } from './labels.ts';
import type { Labels } from './labels.ts';

/** One condition on one label. A label that a series does not have counts as the empty string. */
export interface Matcher {
  readonly name: string;
  readonly operator: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

/** The text of a pattern and its length are user input; the regex engine is linear, the text is not free. */
export const PATTERN_CHARACTERS_MAX = 4096;

/** A matcher made ready: tells whether a value of its label satisfies it. Patterns are anchored RE2. */
export interface CompiledMatcher extends Matcher {
  readonly accepts: (value: string) => boolean;
}

/** Fails with code `bad-pattern` when the regular expression cannot be read. */
export function compileMatcher(matcher: Matcher): CompiledMatcher {
  const { operator, value } = matcher;
  switch (operator) {
    case '=':
      return { ...matcher, accepts: (candidate) => candidate === value };
    case '!=':
      return { ...matcher, accepts: (candidate) => candidate !== value };
    case '=~':
      return { ...matcher, accepts: compilePattern(value) };
    case '!~': {
      const accepts = compilePattern(value);
      return { ...matcher, accepts: (candidate) => !accepts(candidate) };
    }
  }
}

/** A function that tells whether a whole text matches an RE2 pattern; each distinct text is matched once. */
export function compilePattern(pattern: string): (text: string) => boolean {
  if (pattern.length > PATTERN_CHARACTERS_MAX) {
    throw new Failure(
      'bad-pattern',
      `a regular expression of ${pattern.length} characters is too long (limit ${PATTERN_CHARACTERS_MAX})`,
    );
  }
  if (pattern === '.*') return () => true;
  if (pattern === '.+') return (text) => text !== '';
  const words = plainAlternation(pattern);
  if (words) return (text) => words.has(text);
  let compiled: RE2JS;
  try {
    // DOTALL as in Prometheus: a dot matches a line break, too.
    compiled = RE2JS.compile(`^(?:${pattern})$`, RE2JS.DOTALL);
  } catch (thrown) {
    throw new Failure(
      'bad-pattern',
      `the regular expression "${pattern}" cannot be read: ${messageOf(thrown)}`,
      { cause: thrown },
    );
  }
  const known = new Map<string, boolean>();
  return (text) => {
    let verdict = known.get(text);
    if (verdict === undefined) {
      verdict = compiled.matches(text);
      if (known.size < 100_000) known.set(text, verdict);
    }
    return verdict;
  };
}

/** `a|b|c` without any special character needs no regex engine. */
function plainAlternation(pattern: string): ReadonlySet<string> | undefined {
  return /^[\p{L}\p{N}_:/@ ,=%&~-]+(?:\|[\p{L}\p{N}_:/@ ,=%&~-]+)*$/u.test(pattern)
    ? new Set(pattern.split('|'))
    : undefined;
}

export function matchesAll(matchers: readonly CompiledMatcher[], labels: Labels): boolean {
  return matchers.every((matcher) => matcher.accepts(labelValue(labels, matcher.name)));
}

/** As in a query: `job=~"node|libvirt"`. */
export function matcherText(matcher: Matcher): string {
  return `${matcher.name}${matcher.operator}${JSON.stringify(matcher.value)}`;
}
