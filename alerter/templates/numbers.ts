/**
 * Floats as Go prints them. The digits of a fixed precision come from the exact decimal expansion of the
 * double and are rounded half to even, as Go does; JavaScript's own toFixed rounds halves up.
 */

/** value = 0.d1d2d3… × 10^point; no leading or trailing zeros; empty digits mean zero. */
interface Decimal {
  readonly digits: string;
  readonly point: number;
}

const bytes = new DataView(new ArrayBuffer(8));

function exactDecimal(magnitude: number): Decimal {
  if (magnitude === 0) return { digits: '', point: 0 };
  bytes.setFloat64(0, magnitude);
  const raw = bytes.getBigUint64(0);
  const biased = Number(raw >> 52n) & 0x7ff;
  const fraction = raw & 0xf_ffff_ffff_ffffn;
  const mantissa = biased === 0 ? fraction : fraction | 0x10_0000_0000_0000n;
  const exponent = (biased === 0 ? 1 : biased) - 1075;
  if (exponent >= 0) {
    const text = (mantissa << BigInt(exponent)).toString();
    return trimmed(text, text.length);
  }
  const text = (mantissa * 5n ** BigInt(-exponent)).toString();
  return trimmed(text, text.length + exponent);
}

function shortestDecimal(magnitude: number): Decimal {
  if (magnitude === 0) return { digits: '', point: 0 };
  const [mantissa, exponent] = magnitude.toExponential().split('e');
  return trimmed(mantissa!.replace('.', ''), Number(exponent) + 1);
}

function trimmed(text: string, point: number): Decimal {
  let end = text.length;
  while (end > 0 && text[end - 1] === '0') end--;
  return { digits: text.slice(0, end), point };
}

/** Keeps `count` digits (none or fewer may be left), half to even. */
function rounded({ digits, point }: Decimal, count: number): Decimal {
  if (count >= digits.length) return { digits, point };
  if (count < 0) return { digits: '', point: 0 };
  const next = digits[count]!;
  const exactHalf = next === '5' && digits.length === count + 1;
  const odd = count > 0 && Number(digits[count - 1]) % 2 === 1;
  const up = exactHalf ? odd : next >= '5';
  if (!up) return trimmed(digits.slice(0, count), point);
  let i = count - 1;
  while (i >= 0 && digits[i] === '9') i--;
  if (i < 0) return { digits: '1', point: point + 1 };
  return { digits: digits.slice(0, i) + String(Number(digits[i]) + 1), point };
}

function withExponent({ digits, point }: Decimal, precision: number): string {
  const first = digits[0] ?? '0';
  const rest = digits.slice(1).padEnd(precision, '0').slice(0, precision);
  const exponent = digits === '' ? 0 : point - 1;
  const sign = exponent < 0 ? '-' : '+';
  const shown = String(Math.abs(exponent)).padStart(2, '0');
  return `${first}${precision > 0 ? `.${rest}` : ''}e${sign}${shown}`;
}

function withPoint({ digits, point }: Decimal, precision: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0';
  if (precision <= 0) return whole;
  const lead = point < 0 ? '0'.repeat(Math.min(-point, precision)) : '';
  const fraction = (lead + digits.slice(Math.max(point, 0))).padEnd(precision, '0');
  return `${whole}.${fraction.slice(0, precision)}`;
}

/** From this decimal exponent on, `%g` without a precision shows an exponent. */
const SHORTEST_EXPONENT_MAX = 6;

export type FloatVerb = 'e' | 'f' | 'g';

/**
 * As Go's `%e`, `%f` and `%g`; without a precision the shortest text that reads back as the same number.
 * Never has a `+` sign except for `+Inf`.
 */
export function floatText(value: number, verb: FloatVerb = 'g', precision?: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  return sign + magnitudeText(Math.abs(value), verb, precision);
}

function magnitudeText(magnitude: number, verb: FloatVerb, precision: number | undefined): string {
  if (precision === undefined) {
    const shortest = shortestDecimal(magnitude);
    const { digits, point } = shortest;
    if (verb === 'e') return withExponent(shortest, Math.max(digits.length - 1, 0));
    if (verb === 'f') return withPoint(shortest, Math.max(digits.length - point, 0));
    const exponent = digits === '' ? 0 : point - 1;
    return exponent < -4 || exponent >= SHORTEST_EXPONENT_MAX
      ? withExponent(shortest, Math.max(digits.length - 1, 0))
      : withPoint(shortest, Math.max(digits.length - point, 0));
  }
  const exact = exactDecimal(magnitude);
  if (verb === 'e') return withExponent(rounded(exact, precision + 1), precision);
  if (verb === 'f') return withPoint(rounded(exact, exact.point + precision), precision);
  const wanted = Math.max(precision, 1);
  const { digits, point } = rounded(exact, wanted);
  const exponent = digits === '' ? 0 : point - 1;
  const limit = wanted > digits.length && digits.length >= point ? digits.length : wanted;
  return exponent < -4 || exponent >= Math.max(limit, digits === '' ? 1 : 0)
    ? withExponent({ digits, point }, Math.max(digits.length - 1, 0))
    : withPoint({ digits, point }, Math.max(digits.length - point, 0));
}

const FLOAT_SHAPE = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** As Go's ParseFloat reads, without hexadecimal floats; undefined when it would refuse. */
export function parseFloatText(text: string): number | undefined {
  if (FLOAT_SHAPE.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  switch (text.toLowerCase().replace(/^[+-]/, '')) {
    case 'inf':
    case 'infinity':
      return text.startsWith('-') ? -Infinity : Infinity;
    case 'nan':
      return /^[+-]/.test(text) ? undefined : NaN;
    default:
      return undefined;
  }
}
