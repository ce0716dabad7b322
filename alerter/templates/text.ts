import { timeText } from './time.ts';
import { floatText } from './numbers.ts';
import { GoList, GoMap, GoNamed, GoStruct, GoTime } from './values.ts';
import type { Value } from './values.ts';

/** As Go's `%v`. */
export function valueText(value: Value): string {
  if (value === undefined) return '<nil>';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return floatText(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return value.toString();
  return compositeText(value, valueText);
}

/** A container with each element turned to text by `each`. */
export function compositeText(
  value: GoMap | GoList | GoStruct | GoNamed | GoTime,
  each: (element: Value) => string,
): string {
  if (value instanceof GoMap) {
    const pairs = value.sortedKeys().map((key) => `${each(key)}:${each(value.get(key))}`);
    return `map[${pairs.join(' ')}]`;
  }
  if (value instanceof GoList) return `[${value.items.map(each).join(' ')}]`;
  if (value instanceof GoStruct) return `{${[...value.fields.values()].map(each).join(' ')}}`;
  if (value instanceof GoNamed) return value.text;
  return timeText(value);
}

/** What an action prints: nil has a text of its own there. */
export function printedText(value: Value): string {
  return value === undefined ? '<no value>' : valueText(value);
}

/** As Go's Sprint: a space between two operands when neither is a string. */
export function sprint(values: readonly Value[]): string {
  let text = '';
  values.forEach((value, i) => {
    const between =
      i > 0 && typeof value !== 'string' && typeof values[i - 1] !== 'string' ? ' ' : '';
    text += between + valueText(value);
  });
  return text;
}
