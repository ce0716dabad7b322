import { parseDuration } from '../../model/duration.ts';

const SIMPLE_ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
  "'": 39,
  '"': 34,
};

/** The value of a quoted text in one of PromQL's three kinds of quotes, or the reason why it has none. */
export function unquote(quoted: string): { readonly value: string } | { readonly fault: string } {
  const quote = quoted[0];
  if (quoted.length < 2 || quoted.at(-1) !== quote) return { fault: 'unterminated quoted string' };
  const body = quoted.slice(1, -1);
  if (quote === '`') return { value: body };
  if (body.includes('\n')) return { fault: 'unterminated quoted string' };
  if (!body.includes('\\')) return { value: body };
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  let at = 0;
  while (at < body.length) {
    if (body[at] !== '\\') {
      const next = body.indexOf('\\', at);
      const plain = next === -1 ? body.slice(at) : body.slice(at, next);
      for (const byte of encoder.encode(plain)) bytes.push(byte);
      at += plain.length;
      continue;
    }
    const escape = readEscape(body, at + 1, quote!);
    if (typeof escape === 'string') return { fault: escape };
    bytes.push(
      ...(escape.isByte ? [escape.code] : encoder.encode(String.fromCodePoint(escape.code))),
    );
    at = escape.next;
  }
  try {
    return {
      value: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
        Uint8Array.from(bytes),
      ),
    };
  } catch {
    return { fault: 'the string is not valid UTF-8' };
  }
}

function readEscape(
  body: string,
  at: number,
  quote: string,
): { readonly code: number; readonly isByte: boolean; readonly next: number } | string {
  const letter = body[at];
  if (letter === undefined) return 'escape sequence not terminated';
  const simple = SIMPLE_ESCAPES[letter];
  if (simple !== undefined && ((letter !== "'" && letter !== '"') || letter === quote)) {
    return { code: simple, isByte: true, next: at + 1 };
  }
  const shape =
    { x: [1, 2, 16], u: [1, 4, 16], U: [1, 8, 16] }[letter] ??
    (/[0-7]/.test(letter) ? [0, 3, 8] : undefined);
  if (!shape) return `unknown escape sequence \\${letter}`;
  const [skip, length, base] = shape as [number, number, number];
  const digits = body.slice(at + skip, at + skip + length);
  const fits =
    (base === 8 ? /^[0-7]{3}$/ : /^[0-9a-fA-F]+$/).test(digits) && digits.length === length;
  if (!fits) return `illegal character in escape sequence \\${letter}`;
  const code = Number.parseInt(digits, base);
  const isByte = letter === 'x' || base === 8;
  if (isByte ? code > 255 : code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
    return 'escape sequence is an invalid Unicode code point';
  }
  return { code, isByte, next: at + skip + length };
}

/** A number as PromQL writes it: decimal, hexadecimal, with underscores, infinite, or a duration in seconds. */
export function parseNumber(
  text: string,
): { readonly value: number; readonly isDuration: boolean } | undefined {
  const sign = text.startsWith('-') ? -1 : 1;
  const bare = text.replace(/^[+-]/, '').trimStart();
  const lower = bare.toLowerCase();
  if (lower === 'inf') return { value: sign * Infinity, isDuration: false };
  if (lower === 'nan') return { value: NaN, isDuration: false };
  if (/^0x[0-9a-f]+$/.test(lower)) {
    return { value: sign * Number.parseInt(lower.slice(2), 16), isDuration: false };
  }
  if (/[a-z]$/.test(bare)) {
    const ms = parseDuration(bare);
    return ms === undefined ? undefined : { value: (sign * ms) / 1000, isDuration: true };
  }
  const digits = bare.replaceAll('_', '');
  // A leading zero means octal, as in the reference implementation.
  if (/^0[0-7]+$/.test(digits))
    return { value: sign * Number.parseInt(digits, 8), isDuration: false };
  const value = Number(digits);
  return digits === '' || Number.isNaN(value)
    ? undefined
    : { value: sign * value, isDuration: false };
}

/** A string literal in double quotes, as Go prints it. */
export function quoted(text: string): string {
  let out = '"';
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (character === '"' || character === '\\') out += `\\${character}`;
    else if (character === '\n') out += '\\n';
    else if (character === '\t') out += '\\t';
    else if (character === '\r') out += '\\r';
    else if (code < 32 || code === 127) out += `\\x${code.toString(16).padStart(2, '0')}`;
    else out += character;
  }
  return `${out}"`;
}
