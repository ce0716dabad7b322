import { CALENDAR_FUNCTIONS } from './calendar.ts';

/** Functions of one number; every series keeps its place and loses its name. */
export const ELEMENTWISE: Readonly<Record<string, (value: number) => number>> = {
  abs: Math.abs,
  ceil: Math.ceil,
  floor: Math.floor,
  exp: Math.exp,
  sqrt: Math.sqrt,
  ln: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sgn: Math.sign,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  deg: (radians) => (radians * 180) / Math.PI,
  rad: (degrees) => (degrees * Math.PI) / 180,
  ...CALENDAR_FUNCTIONS,
};

/** Functions of one number and one or two scalars. */
export const ELEMENTWISE_WITH_SCALARS: Readonly<
  Record<string, (value: number, first: number, second: number) => number>
> = {
  clamp: (value, least, most) => Math.max(least, Math.min(most, value)),
  clamp_min: (value, least) => Math.max(least, value),
  clamp_max: (value, most) => Math.min(most, value),
  round(value, nearest) {
    // Multiplying by the inverse is what makes 0.1 a friendly unit.
    const inverse = 1 / (nearest === nearest ? nearest : NaN);
    return Math.floor(value * inverse + 0.5) / inverse;
  },
};
