import { RE2JS } from 're2js';
import { messageOf } from '../../model/failure.ts';
import { labelValue, METRIC_NAME, withLabels } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { PATTERN_CHARACTERS_MAX } from '../../model/matcher.ts';
import type { Series } from '../engine/value.ts';
import { mergeEqual } from '../engine/value.ts';
import { QueryFailure } from '../query.ts';

/** `label_replace(v, dst, replacement, src, regex)`. */
export function labelReplace(
  series: readonly Series[],
  [target, replacement, source, pattern]: readonly string[],
): readonly Series[] {
  const expand = replacer(pattern!, replacement!);
  checkLabel('destination', 'label_replace', target!);
  return relabelled(series, target!, (labels) => expand(labelValue(labels, source!)));
}

/** `label_join(v, dst, separator, src…)`. */
export function labelJoin(
  series: readonly Series[],
  [target, separator, ...sources]: readonly string[],
): readonly Series[] {
  for (const source of sources) checkLabel('source', 'label_join', source);
  checkLabel('destination', 'label_join', target!);
  return relabelled(series, target!, (labels) =>
    joined(
      sources.map((source) => labelValue(labels, source)),
      separator!,
    ),
  );
}

/**
 * Longer than any label that is stored, and short enough that calls within calls, each of which may multiply
 * its input, cannot fill the memory.
 */
const MADE_VALUE_CHARACTERS_MAX = 16_384;

/** Joins the parts of a label value, counting before it does. */
function joined(parts: readonly string[], separator: string): string {
  let characters = Math.max(0, parts.length - 1) * separator.length;
  for (const part of parts) characters += part.length;
  if (characters > MADE_VALUE_CHARACTERS_MAX) {
    throw new QueryFailure(
      'execution',
      `a label value of ${characters} characters would be made (limit ${MADE_VALUE_CHARACTERS_MAX})`,
    );
  }
  return parts.join(separator);
}

/** Sets one label of each series; undefined leaves the series alone. */
function relabelled(
  series: readonly Series[],
  target: string,
  valueOf: (labels: Labels) => string | undefined,
): readonly Series[] {
  return mergeEqual(
    series.map((each) => {
      const value = valueOf(each.labels);
      if (value === undefined) return each;
      return {
        ...each,
        labels: withLabels(each.labels, { [target]: value }),
        // A name that was just given is meant to stay.
        dropName: target === METRIC_NAME ? false : each.dropName,
      };
    }),
  );
}

function checkLabel(role: string, name: string, label: string): void {
  if (label === '') {
    throw new QueryFailure('execution', `invalid ${role} label name in ${name}(): ""`);
  }
}

/** A function from a label's value to its replacement; undefined where the pattern does not match. */
function replacer(pattern: string, replacement: string): (value: string) => string | undefined {
  if (pattern.length > PATTERN_CHARACTERS_MAX) {
    throw new QueryFailure(
      'execution',
      `the regular expression in label_replace() has ${pattern.length} characters (limit ${PATTERN_CHARACTERS_MAX})`,
    );
  }
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(`^(?s:${pattern})$`);
  } catch (thrown) {
    throw new QueryFailure(
      'execution',
      `invalid regular expression in label_replace(): ${pattern} (${messageOf(thrown)})`,
      { cause: thrown },
    );
  }
  const names = compiled.namedGroups() as Readonly<Record<string, number>>;
  const parts = templateParts(replacement, names, compiled.groupCount());
  const known = new Map<string, string | undefined>();
  return (value) => {
    if (known.has(value)) return known.get(value);
    const match = compiled.matcher(value);
    const replaced = match.matches()
      ? joined(
          parts.map((part) => (typeof part === 'string' ? part : (match.group(part) ?? ''))),
          '',
        )
      : undefined;
    known.set(value, replaced);
    return replaced;
  };
}

/** A template as text and group numbers: `$1`, `$name`, `${name}`, and `$$` for a dollar sign. */
function templateParts(
  template: string,
  names: Readonly<Record<string, number>>,
  groups: number,
): readonly (string | number)[] {
  const parts: (string | number)[] = [];
  let at = 0;
  for (const found of template.matchAll(/\$(?:\$|([\p{L}\p{N}_]+)|\{([\p{L}\p{N}_]+)\})/gu)) {
    parts.push(template.slice(at, found.index));
    at = found.index + found[0].length;
    const name = found[1] ?? found[2];
    if (name === undefined) {
      parts.push('$');
      continue;
    }
    const group = /^\d+$/.test(name)
      ? Number(name)
      : Object.hasOwn(names, name)
        ? names[name]!
        : -1;
    // A group that the pattern does not have is empty.
    if (group >= 0 && group <= groups) parts.push(group);
  }
  parts.push(template.slice(at));
  return parts;
}
