/**
 * What a value measures. Rates of bytes are decimal (kB/s, MB/s, as network and disk vendors count);
 * amounts of memory are binary (MiB, GiB). `ratio` is 0 to 1, shown as per cent.
 */
export type Unit =
  | 'ratio'
  | 'bytes'
  | 'bytes/s'
  | 'seconds'
  | 'ops/s'
  | 'cores'
  | 'packets/s'
  | 'number';

/** What is shown for a value that does not exist. */
export const NO_VALUE = '–';

interface Scale {
  readonly divisor: number;
  readonly suffix: string;
}

const DECIMAL_BYTES: readonly Scale[] = [
  { divisor: 1e12, suffix: 'TB/s' },
  { divisor: 1e9, suffix: 'GB/s' },
  { divisor: 1e6, suffix: 'MB/s' },
  { divisor: 1e3, suffix: 'kB/s' },
  { divisor: 1, suffix: 'B/s' },
];
const BINARY_BYTES: readonly Scale[] = [
  { divisor: 2 ** 40, suffix: 'TiB' },
  { divisor: 2 ** 30, suffix: 'GiB' },
  { divisor: 2 ** 20, suffix: 'MiB' },
  { divisor: 2 ** 10, suffix: 'KiB' },
  { divisor: 1, suffix: 'B' },
];
const SECONDS: readonly Scale[] = [
  { divisor: 1, suffix: 's' },
  { divisor: 1e-3, suffix: 'ms' },
  { divisor: 1e-6, suffix: 'µs' },
  { divisor: 1e-9, suffix: 'ns' },
];

function thousands(word: string): readonly Scale[] {
  return [
    { divisor: 1e9, suffix: `G${word}` },
    { divisor: 1e6, suffix: `M${word}` },
    { divisor: 1e3, suffix: `k${word}` },
    { divisor: 1, suffix: word },
  ];
}

const SCALES: Readonly<Record<Unit, readonly Scale[]>> = {
  ratio: [{ divisor: 0.01, suffix: '%' }],
  bytes: BINARY_BYTES,
  'bytes/s': DECIMAL_BYTES,
  seconds: SECONDS,
  'ops/s': thousands('op/s'),
  'packets/s': thousands('pkt/s'),
  cores: [{ divisor: 1, suffix: 'cores' }],
  number: thousands(''),
};

export interface Quantity {
  readonly number: string;
  readonly suffix: string;
}

/** A value with three significant digits and the prefix that suits it. */
export function quantity(unit: Unit, value: number | null | undefined): Quantity {
  if (value === null || value === undefined || Number.isNaN(value)) {
    return { number: NO_VALUE, suffix: '' };
  }
  if (!Number.isFinite(value)) return { number: value > 0 ? '∞' : '−∞', suffix: '' };
  const scale = scaleFor(unit, value);
  return { number: digits(unit, value / scale.divisor), suffix: scale.suffix };
}

export function formatValue(unit: Unit, value: number | null | undefined): string {
  const { number, suffix } = quantity(unit, value);
  return suffix === '' ? number : `${number} ${suffix}`;
}

/** What something has, rather than what it uses: 4 GiB, not 4.00 GiB. */
export function formatCapacity(unit: Unit, value: number | null | undefined): string {
  const { number, suffix } = quantity(unit, value);
  const short = number.includes('.') ? number.replace(/0+$/, '').replace(/\.$/, '') : number;
  return suffix === '' ? short : `${short} ${suffix}`;
}

/** Labels of an axis: one prefix for all of them, and as many decimals as tell neighbours apart. */
export function formatTicks(unit: Unit, ticks: readonly number[]): string[] {
  const largest = ticks.reduce((most, tick) => Math.max(most, Math.abs(tick)), 0);
  const scale = scaleFor(unit, largest);
  const scaled = ticks.map((tick) => tick / scale.divisor);
  const decimals = decimalsApart(scaled);
  return scaled.map((tick) => {
    if (tick === 0) return '0';
    const number = Math.abs(tick).toFixed(decimals);
    return scale.suffix === '' ? number : `${number} ${scale.suffix}`;
  });
}

function scaleFor(unit: Unit, value: number): Scale {
  const scales = SCALES[unit];
  const size = Math.abs(value);
  // A nought takes the unit itself: 0 s, not 0 ns.
  if (size === 0) return scales.find((scale) => scale.divisor === 1) ?? scales[0]!;
  // 999.6 kB/s would round to 1000 kB/s: it is 1 MB/s.
  return scales.find((scale) => size >= scale.divisor * 0.9995) ?? scales.at(-1)!;
}

function digits(unit: Unit, value: number): string {
  const size = Math.abs(value);
  const text =
    size === 0
      ? '0'
      : unit === 'ratio'
        ? value.toFixed(size < 99.95 ? 1 : 0)
        : size < 9.995
          ? value.toFixed(2)
          : size < 99.95
            ? value.toFixed(1)
            : value.toFixed(0);
  return text.replace('-', '−');
}

function decimalsApart(values: readonly number[]): number {
  for (let decimals = 0; decimals < 4; decimals++) {
    const rounded = values.map((value) => value.toFixed(decimals));
    const exact = values.every(
      (value, i) => Math.abs(value - Number(rounded[i])) <= Math.abs(value) * 1e-6,
    );
    if (exact) return decimals;
  }
  return 4;
}

/** `now`, `7 s ago`, `3 min ago`, `2 h ago`, `5 d ago`. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 1) return 'now';
  if (seconds < 120) return `${seconds} s ago`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min ago`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.round(hours / 24)} d ago`;
}
