import { TemplateFailure } from './failure.ts';

/**
 * Cuts a template into tokens as Go's text/template does. Space is a token of its own, because `.A.B` is
 * one operand and `.A .B` are two.
 */
export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'space'
  | 'identifier'
  | 'field'
  | 'variable'
  | 'dot'
  | 'number'
  | 'character'
  | 'string'
  | 'symbol'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Source text; of a string or character its value. */
  readonly text: string;
  readonly line: number;
}

const OPEN = '{{';
const CLOSE = '}}';
const SPACE = /[ \t\r\n]/;
const WORD = /[\p{L}\p{Nd}_]/u;

export function tokenize(source: string): Token[] {
  return new Lexer(source).run();
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  #counted = 0;

  constructor(source: string) {
    this.#source = source;
  }

  run(): Token[] {
    let trimNext = false;
    for (;;) {
      const open = this.#source.indexOf(OPEN, this.#at);
      const end = open < 0 ? this.#source.length : open;
      const trimLeft = open >= 0 && this.#source[open + 2] === '-' && this.#isSpace(open + 3);
      let text = this.#source.slice(this.#at, end);
      if (trimNext) text = trimSpaceStart(text);
      if (trimLeft) text = trimSpaceEnd(text);
      if (text !== '') this.#push('text', text);
      this.#at = end;
      if (open < 0) break;
      this.#at += trimLeft ? 4 : 2;
      trimNext = this.#source.startsWith('/*', this.#at) ? this.#comment() : this.#action();
    }
    this.#push('end', '');
    return this.#tokens;
  }

  #isSpace(at: number): boolean {
    const char = this.#source[at];
    return char !== undefined && SPACE.test(char);
  }

  /** Returns whether the text that follows is to be trimmed. */
  #comment(): boolean {
    const end = this.#source.indexOf('*/', this.#at + 2);
    if (end < 0) throw this.#failure('unclosed comment');
    this.#at = end + 2;
    if (this.#source.startsWith(CLOSE, this.#at)) {
      this.#at += 2;
      return false;
    }
    if (this.#isSpace(this.#at) && this.#source.startsWith(`-${CLOSE}`, this.#at + 1)) {
      this.#at += 4;
      return true;
    }
    throw this.#failure('comment ends before closing delimiter');
  }

  #action(): boolean {
    const { length } = this.#source;
    let depth = 0;
    this.#push('open', OPEN);
    while (this.#at < length) {
      if (this.#source.startsWith(CLOSE, this.#at)) {
        if (depth > 0) throw this.#failure('unclosed left paren');
        this.#at += 2;
        this.#push('close', CLOSE);
        return false;
      }
      const char = this.#source[this.#at]!;
      if (SPACE.test(char)) {
        let end = this.#at + 1;
        while (this.#isSpace(end)) end++;
        this.#at = end;
        if (this.#source.startsWith(`-${CLOSE}`, end)) {
          if (depth > 0) throw this.#failure('unclosed left paren');
          this.#at += 3;
          this.#push('close', CLOSE);
          return true;
        }
        this.#push('space', ' ');
        continue;
      }
      if (char === '(') depth++;
      if (char === ')' && --depth < 0) throw this.#failure('unexpected right paren');
      this.#token(char);
    }
    throw this.#failure('unclosed action');
  }

  #token(char: string): void {
    const next = this.#source[this.#at + 1] ?? '';
    if (char === '"') this.#quoted('"', 'string');
    else if (char === "'") this.#quoted("'", 'character');
    else if (char === '`') this.#raw();
    else if (char === ':') {
      if (next !== '=') throw this.#failure('expected :=');
      this.#symbol(':=');
    } else if ('=|,()'.includes(char)) this.#symbol(char);
    else if (char === '$') this.#word('variable', 1);
    else if (char === '.' && !/[0-9]/.test(next)) this.#word('field', 1);
    else if (/[0-9.+-]/.test(char)) this.#number();
    else if (WORD.test(this.#characterAt(this.#at))) this.#word('identifier', 0);
    else throw this.#failure(`unexpected ${JSON.stringify(this.#characterAt(this.#at))} in action`);
  }

  #symbol(text: string): void {
    this.#at += text.length;
    this.#push('symbol', text);
  }

  #characterAt(at: number): string {
    const point = this.#source.codePointAt(at);
    return point === undefined ? '' : String.fromCodePoint(point);
  }

  #word(kind: 'field' | 'variable' | 'identifier', prefix: number): void {
    const start = this.#at;
    let end = start + prefix;
    for (;;) {
      const char = this.#characterAt(end);
      if (char === '' || !WORD.test(char)) break;
      end += char.length;
    }
    const follower = this.#source[end];
    const ends =
      follower === undefined ||
      SPACE.test(follower) ||
      '.,|:=)('.includes(follower) ||
      this.#source.startsWith(CLOSE, end);
    if (!ends) throw this.#failure(`bad character ${JSON.stringify(this.#characterAt(end))}`);
    this.#at = end;
    const text = this.#source.slice(start, end);
    this.#push(text === '.' ? 'dot' : kind, text);
  }

  #number(): void {
    const rest = this.#source.slice(this.#at, this.#at + 400);
    const shape =
      /^[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]+)?)/;
    const text = shape.exec(rest)?.[0];
    if (text === undefined || WORD.test(this.#characterAt(this.#at + text.length))) {
      throw this.#failure(`bad number syntax: ${JSON.stringify(rest.slice(0, 20))}`);
    }
    this.#at += text.length;
    this.#push('number', text);
  }

  #raw(): void {
    const end = this.#source.indexOf('`', this.#at + 1);
    if (end < 0) throw this.#failure('unterminated raw quoted string');
    const text = this.#source.slice(this.#at + 1, end);
    this.#at = end + 1;
    this.#push('string', text);
  }

  #quoted(quote: string, kind: 'string' | 'character'): void {
    const start = this.#at;
    let end = start + 1;
    while (this.#source[end] !== quote) {
      const char = this.#source[end];
      if (char === undefined || char === '\n') {
        throw this.#failure(
          kind === 'string' ? 'unterminated quoted string' : 'unterminated character constant',
        );
      }
      end += char === '\\' ? 2 : 1;
    }
    this.#at = end + 1;
    const value = unquote(this.#source.slice(start + 1, end), quote);
    if (value === undefined || (kind === 'character' && Array.from(value).length !== 1)) {
      throw this.#failure(`invalid syntax: ${this.#source.slice(start, end + 1).slice(0, 100)}`);
    }
    this.#push(kind, value);
  }

  #push(kind: TokenKind, text: string): void {
    this.#tokens.push({ kind, text, line: this.#lineHere() });
  }

  #lineHere(): number {
    for (; this.#counted < this.#at; this.#counted++) {
      if (this.#source[this.#counted] === '\n') this.#line++;
    }
    return this.#line;
  }

  #failure(message: string): TemplateFailure {
    return new TemplateFailure('syntax', `line ${this.#lineHere()}: ${message}`);
  }
}

function trimSpaceStart(text: string): string {
  let start = 0;
  while (start < text.length && SPACE.test(text[start]!)) start++;
  return text.slice(start);
}

function trimSpaceEnd(text: string): string {
  let end = text.length;
  while (end > 0 && SPACE.test(text[end - 1]!)) end--;
  return text.slice(0, end);
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\\', '\\'],
]);

/** The value of a Go string or rune literal's inside; undefined when an escape is wrong. */
function unquote(inside: string, quote: string): string | undefined {
  if (!inside.includes('\\')) return inside;
  let bytes: number[] = [];
  let text = '';
  // \x and octal escapes are bytes, and several of them may make up one character.
  const flush = (): void => {
    if (bytes.length > 0) text += new TextDecoder('utf-8').decode(Uint8Array.from(bytes));
    bytes = [];
  };
  for (let i = 0; i < inside.length; i++) {
    if (inside[i] !== '\\') {
      flush();
      text += inside[i]!;
      continue;
    }
    const kind = inside[++i] ?? '';
    const simple = kind === quote ? quote : ESCAPES.get(kind);
    if (simple !== undefined) {
      flush();
      text += simple;
      continue;
    }
    const numeric = numericEscape(inside.slice(i, i + 9));
    if (!numeric) return undefined;
    i += numeric.length - 1;
    if (numeric.isByte) bytes.push(numeric.code);
    else {
      flush();
      text += String.fromCodePoint(numeric.code);
    }
  }
  flush();
  return text;
}

function numericEscape(
  rest: string,
): { readonly code: number; readonly length: number; readonly isByte: boolean } | undefined {
  const octal = /^[0-7]{3}/.exec(rest)?.[0];
  if (octal !== undefined) {
    const code = Number.parseInt(octal, 8);
    return code > 255 ? undefined : { code, length: 3, isByte: true };
  }
  const digits = { x: 2, u: 4, U: 8 }[rest[0] as 'x' | 'u' | 'U'];
  if (!digits) return undefined;
  const hex = rest.slice(1, 1 + digits);
  if (hex.length < digits || !/^[0-9a-fA-F]+$/.test(hex)) return undefined;
  const code = Number.parseInt(hex, 16);
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  return { code, length: 1 + digits, isByte: digits === 2 };
}
