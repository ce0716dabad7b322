/**
 * A cursor over the bytes of one reading of a kernel file. Numbers are read where they stand, without
 * making a string: on the path that runs every second nothing is allocated. All methods stay within the
 * line that the cursor is on; only `nextLine` leaves it. Nothing here throws, whatever the bytes are.
 */
export class ByteScan {
  bytes: Uint8Array = new Uint8Array(0);
  /** The next byte to look at, and the end of what was read. */
  at = 0;
  end = 0;
  /** The bounds of the word that `word` took last. */
  wordStart = 0;
  wordEnd = 0;

  load(bytes: Uint8Array, length: number): void {
    this.bytes = bytes;
    this.at = 0;
    this.end = Math.min(length, bytes.length);
    this.wordStart = 0;
    this.wordEnd = 0;
  }

  /** Moves to the first byte of the next line; false when the text ends before it. */
  nextLine(): boolean {
    const next = this.bytes.indexOf(LINE_BREAK, this.at);
    this.at = next === -1 || next >= this.end ? this.end : next + 1;
    return this.at < this.end;
  }

  /** Moves to the first byte of the line so many further on; false when the text ends before it. */
  skipLines(count: number): boolean {
    const { bytes, end } = this;
    let at = this.at;
    for (let left = count; left > 0 && at < end; at++) if (bytes[at] === LINE_BREAK) left--;
    this.at = at;
    return at < end;
  }

  /** Back to the first byte. */
  rewind(): void {
    this.at = 0;
  }

  /** Where the current line ends: its line break, or the end of the text. */
  lineEnd(): number {
    const next = this.bytes.indexOf(LINE_BREAK, this.at);
    return next === -1 || next > this.end ? this.end : next;
  }

  skipBlanks(): void {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end && (bytes[at] === BLANK || bytes[at] === TAB)) at++;
    this.at = at;
  }

  /** Takes the word that comes next, up to a blank, the line's end or the byte `stop`; false for none. */
  word(stop: number = BLANK): boolean {
    this.skipBlanks();
    const { bytes, end } = this;
    let at = this.at;
    this.wordStart = at;
    while (at < end) {
      const byte = bytes[at]!;
      if (byte === BLANK || byte === TAB || byte === LINE_BREAK || byte === stop) break;
      at++;
    }
    this.wordEnd = at;
    this.at = at;
    return at > this.wordStart;
  }

  /** Passes over words; fewer when the line ends first. */
  skipWords(count: number): void {
    for (let i = 0; i < count; i++) if (!this.word()) return;
  }

  /** Passes over this byte if it comes next. */
  take(byte: number): boolean {
    if (this.at >= this.end || this.bytes[this.at] !== byte) return false;
    this.at++;
    return true;
  }

  /**
   * The decimal number that comes next, with an optional sign and fraction; NaN when something else does,
   * and then the cursor stays before it.
   */
  number(): number {
    this.skipBlanks();
    const { bytes, end } = this;
    const start = this.at;
    let at = start;
    const negative = at < end && bytes[at] === MINUS;
    if (negative) at++;
    const digitsStart = at;
    let value = 0;
    let digits = 0;
    while (at < end) {
      const digit = bytes[at]! - DIGIT_0;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      at++;
    }
    digits = at - digitsStart;
    if (digits === 0) return Number.NaN;
    if (at + 1 < end && bytes[at] === POINT) {
      let divisor = 1;
      let inFraction = at + 1;
      while (inFraction < end) {
        const digit = bytes[inFraction]! - DIGIT_0;
        if (digit < 0 || digit > 9) break;
        value = value * 10 + digit;
        divisor *= 10;
        inFraction++;
      }
      digits += inFraction - at - 1;
      if (inFraction > at + 1) at = inFraction;
      // Both are exact up to 15 digits, so that this one division rounds once, as reading the text would.
      value /= divisor;
    }
    this.at = at;
    if (digits > EXACT_DIGITS) return Number(this.text(start, at));
    return negative ? -value : value;
  }

  /** The hexadecimal number that comes next, with or without 0x; NaN when something else does. */
  hexadecimal(): number {
    this.skipBlanks();
    const { bytes, end } = this;
    let at = this.at;
    if (at + 1 < end && bytes[at] === DIGIT_0 && bytes[at + 1] === LETTER_X) at += 2;
    const start = at;
    let value = 0;
    while (at < end) {
      const digit = hexDigit(bytes[at]!);
      if (digit === -1) break;
      value = value * 16 + digit;
      at++;
    }
    if (at === start) return Number.NaN;
    this.at = at;
    return value;
  }

  /** The bytes as text. Ill-formed UTF-8 becomes U+FFFD. */
  text(from: number, to: number): string {
    return decoder.decode(this.bytes.subarray(from, Math.min(to, this.end)));
  }

  wordText(): string {
    return this.text(this.wordStart, this.wordEnd);
  }

  /** Whether the last word is these bytes. */
  wordIs(expected: Uint8Array): boolean {
    const length = this.wordEnd - this.wordStart;
    return length === expected.length && this.#startsAt(this.wordStart, expected);
  }

  /** Whether the text goes on with these bytes; passes over them if so. */
  takeBytes(expected: Uint8Array): boolean {
    if (this.at + expected.length > this.end || !this.#startsAt(this.at, expected)) return false;
    this.at += expected.length;
    return true;
  }

  #startsAt(start: number, expected: Uint8Array): boolean {
    const { bytes } = this;
    for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected[i]) return false;
    return true;
  }
}

const LINE_BREAK = 10;
const TAB = 9;
const BLANK = 32;
const MINUS = 45;
const POINT = 46;
const DIGIT_0 = 48;
const LETTER_X = 120;

/** Up to here every decimal number is exact in a double, while it is built up digit by digit. */
const EXACT_DIGITS = 15;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  if (byte >= 97 && byte <= 102) return byte - 87;
  if (byte >= 65 && byte <= 70) return byte - 55;
  return -1;
}

export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}
