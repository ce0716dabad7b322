import { TemplateFailure } from './failure.ts';
import { floatText } from './numbers.ts';
import { compositeText, valueText } from './text.ts';
import { GoList, GoMap, GoNamed, GoStruct, typeName } from './values.ts';
import type { Value } from './values.ts';

/** Width and precision are user input, and a text of that many characters is made for each. */
const WIDTH_MAX = 10_000;

interface Verb {
  readonly letter: string;
  readonly minus: boolean;
  readonly plus: boolean;
  readonly space: boolean;
  readonly sharp: boolean;
  readonly zero: boolean;
  readonly width: number | undefined;
  readonly precision: number | undefined;
}

/** As Go's Sprintf, with its in-band error texts: `%!d(float64=3)`, `%!s(MISSING)`, `%!(EXTRA …)`. */
export function sprintf(format: string, values: readonly Value[]): string {
  let text = '';
  let next = 0;
  let reordered = false;
  let at = 0;
  for (;;) {
    const percent = format.indexOf('%', at);
    if (percent < 0) {
      text += format.slice(at);
      break;
    }
    text += format.slice(at, percent);
    const cursor: Cursor = { at: percent + 1, next, reordered, values };
    const verb = readVerb(format, cursor);
    ({ at, next, reordered } = cursor);
    if (verb.letter === '') text += '%!(NOVERB)';
    else if (verb.letter === '%') text += '%';
    else if (next >= values.length || next < 0) {
      text += `%!${verb.letter}(${next < 0 ? 'BADINDEX' : 'MISSING'})`;
      if (next < 0) next = 0;
    } else text += formatted(verb, values[next++]);
  }
  if (!reordered && next < values.length) {
    const extra = values.slice(next).map((value) => described(value));
    text += `%!(EXTRA ${extra.join(', ')})`;
  }
  return text;
}

interface Cursor {
  at: number;
  next: number;
  reordered: boolean;
  readonly values: readonly Value[];
}

function readVerb(format: string, cursor: Cursor): Verb {
  const flags = new Set<string>();
  while ('+-# 0'.includes(format[cursor.at] ?? 'x')) flags.add(format[cursor.at++]!);
  readIndex(format, cursor);
  let width = readNumber(format, cursor);
  let precision: number | undefined;
  if (format[cursor.at] === '.') {
    cursor.at++;
    readIndex(format, cursor);
    precision = readNumber(format, cursor) ?? 0;
    if (precision < 0) precision = undefined;
  }
  readIndex(format, cursor);
  const minus = flags.has('-') || (width ?? 0) < 0;
  if (width !== undefined) width = Math.abs(width);
  const point = format.codePointAt(cursor.at);
  const letter = point === undefined ? '' : String.fromCodePoint(point);
  cursor.at += letter.length;
  return {
    letter,
    minus,
    plus: flags.has('+'),
    space: flags.has(' '),
    sharp: flags.has('#'),
    zero: flags.has('0') && !minus,
    width,
    precision,
  };
}

/** `[2]` chooses the argument that comes next. */
function readIndex(format: string, cursor: Cursor): void {
  if (format[cursor.at] !== '[') return;
  const digits = /^\[(\d{1,6})\]/.exec(format.slice(cursor.at, cursor.at + 9));
  cursor.reordered = true;
  if (!digits) {
    const end = format.indexOf(']', cursor.at);
    cursor.at = end < 0 ? cursor.at + 1 : end + 1;
    cursor.next = -1;
    return;
  }
  cursor.at += digits[0].length;
  const index = Number(digits[1]) - 1;
  cursor.next = index < cursor.values.length ? index : -1;
}

function readNumber(format: string, cursor: Cursor): number | undefined {
  if (format[cursor.at] === '*') {
    cursor.at++;
    const value = cursor.values[cursor.next++];
    if (typeof value !== 'bigint') return undefined;
    return bounded(Number(value));
  }
  let digits = '';
  while (/[0-9]/.test(format[cursor.at] ?? '')) digits += format[cursor.at++]!;
  return digits === '' ? undefined : bounded(Number(digits));
}

function bounded(count: number): number {
  if (Math.abs(count) <= WIDTH_MAX) return count;
  throw new TemplateFailure('limit', `printf width or precision ${count} is over ${WIDTH_MAX}`);
}

function formatted(verb: Verb, value: Value): string {
  if (verb.letter === 'T') return padded(verb, typeName(value));
  if (value === undefined) return verb.letter === 'v' ? padded(verb, '<nil>') : bad(verb, value);
  if (typeof value === 'string') return formattedString(verb, value);
  if (typeof value === 'bigint') return formattedInteger(verb, value) ?? bad(verb, value);
  if (typeof value === 'number') return formattedFloat(verb, value) ?? bad(verb, value);
  if (typeof value === 'boolean') {
    const fits = verb.letter === 'v' || verb.letter === 't';
    return fits ? padded(verb, String(value)) : bad(verb, value);
  }
  if (value instanceof GoMap || value instanceof GoList || value instanceof GoStruct) {
    return compositeText(value, (element) => formatted(verb, element));
  }
  if (value instanceof GoNamed && !'vsqxX'.includes(verb.letter)) {
    return formattedInteger(verb, value.value) ?? bad(verb, value);
  }
  return formattedString(verb, valueText(value));
}

function described(value: Value): string {
  return value === undefined ? '<nil>' : `${typeName(value)}=${valueText(value)}`;
}

function bad(verb: Verb, value: Value): string {
  return `%!${verb.letter}(${described(value)})`;
}

function padded(verb: Verb, text: string, zeros = false): string {
  const missing = (verb.width ?? 0) - Array.from(text).length;
  if (missing <= 0) return text;
  if (verb.minus) return text + ' '.repeat(missing);
  if (!verb.zero || !zeros) return ' '.repeat(missing) + text;
  const sign = /^[+\- ]/.exec(text)?.[0] ?? '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}

function formattedString(verb: Verb, value: string): string {
  const { precision } = verb;
  const cut = precision === undefined ? value : Array.from(value).slice(0, precision).join('');
  switch (verb.letter) {
    case 'v':
      return padded(verb, verb.sharp ? quotedText(cut) : cut, true);
    case 's':
      return padded(verb, cut, true);
    case 'q':
      return padded(verb, verb.sharp && !cut.includes('`') ? `\`${cut}\`` : quotedText(cut), true);
    case 'x':
    case 'X': {
      const bytes = new TextEncoder().encode(value).subarray(0, precision);
      const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
      const lead = verb.sharp && hex.length > 0 ? '0x' : '';
      const text = lead + hex.join(verb.space ? ` ${lead}` : '');
      return padded(verb, verb.letter === 'X' ? text.toUpperCase() : text);
    }
    default:
      return bad(verb, value);
  }
}

const RADIX: ReadonlyMap<string, readonly [number, string]> = new Map([
  ['v', [10, '']],
  ['d', [10, '']],
  ['b', [2, '0b']],
  ['o', [8, '0']],
  ['O', [8, '0o']],
  ['x', [16, '0x']],
  ['X', [16, '0X']],
]);

function formattedInteger(verb: Verb, value: bigint): string | undefined {
  const { letter, precision } = verb;
  if (letter === 'c' || letter === 'q' || letter === 'U') return formattedCharacter(verb, value);
  const form = RADIX.get(letter);
  if (!form) return undefined;
  const [radix, prefix] = form;
  let digits = (value < 0n ? -value : value).toString(radix);
  if (letter === 'X') digits = digits.toUpperCase();
  if (precision !== undefined) digits = digits.padStart(precision, '0');
  if (precision === 0 && value === 0n) digits = '';
  if ((verb.sharp && letter !== 'v') || letter === 'O') digits = prefix + digits;
  return padded(verb, signOf(verb, value < 0n) + digits, precision === undefined);
}

function formattedCharacter(verb: Verb, value: bigint): string {
  const valid = value >= 0n && value <= 0x10ffffn && !(value >= 0xd800n && value <= 0xdfffn);
  if (verb.letter === 'U') {
    return padded(verb, `U+${value.toString(16).toUpperCase().padStart(4, '0')}`);
  }
  const char = valid ? String.fromCodePoint(Number(value)) : '\ufffd';
  if (verb.letter === 'c') return padded(verb, char);
  const inside = char === '"' ? char : quotedText(char).slice(1, -1);
  return padded(verb, `'${char === "'" ? "\\'" : inside}'`);
}

function formattedFloat(verb: Verb, value: number): string | undefined {
  const lower = verb.letter.toLowerCase();
  const kind = lower === 'v' ? 'g' : lower;
  if ((kind !== 'e' && kind !== 'f' && kind !== 'g') || verb.letter === 'V') return undefined;
  // %e and %f have six decimals unless told otherwise; %g is the shortest.
  const precision = verb.precision ?? (kind === 'g' ? undefined : 6);
  const plain = floatText(value, kind, precision);
  const negative = plain.startsWith('-');
  let magnitude = plain.replace(/^[+-]/, '');
  if (verb.sharp && Number.isFinite(value)) magnitude = withSharp(magnitude, kind, precision);
  if (verb.letter !== lower)
    magnitude = Number.isFinite(value) ? magnitude.toUpperCase() : magnitude;
  // Plus infinity always shows its sign, which is how one tells it from a word.
  const sign = value === Infinity && !verb.space ? '+' : signOf(verb, negative);
  return padded(verb, sign + magnitude, Number.isFinite(value));
}

/** `#` keeps the decimal point, and for %g the trailing zeros. */
function withSharp(text: string, kind: 'e' | 'f' | 'g', precision: number | undefined): string {
  const [mantissa = '', exponent] = text.split('e');
  let shown = mantissa.includes('.') ? mantissa : `${mantissa}.`;
  if (kind === 'g') {
    const digits = shown.replace(/^0?\.?0*/, '').replace('.', '').length;
    shown += '0'.repeat(Math.max((precision ?? 6) - Math.max(digits, 1), 0));
  }
  return exponent === undefined ? shown : `${shown}e${exponent}`;
}

function signOf(verb: Verb, negative: boolean): string {
  if (negative) return '-';
  if (verb.plus) return '+';
  return verb.space ? ' ' : '';
}

const QUOTED: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
]);

/** As Go's strconv.Quote. */
export function quotedText(text: string): string {
  let quoted = '"';
  for (const char of text) {
    const escape = QUOTED.get(char);
    const point = char.codePointAt(0)!;
    if (escape !== undefined) quoted += escape;
    else if (point < 0x20 || point === 0x7f) quoted += `\\x${point.toString(16).padStart(2, '0')}`;
    else if (char !== ' ' && /[\p{C}\p{Z}]/u.test(char)) {
      const hex = point.toString(16);
      quoted += point > 0xffff ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`;
    } else quoted += char;
  }
  return `${quoted}"`;
}
