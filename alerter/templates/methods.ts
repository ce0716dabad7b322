import { executionFailure } from './failure.ts';
import { fixed, textArgument } from './functions.ts';
import type { FunctionTable, TemplateFunction } from './functions.ts';
import { valueText } from './text.ts';
import { calendarOf, formatTime, goDuration, monthOf, unixSeconds, weekdayOf } from './time.ts';
import type { Calendar } from './time.ts';
import { GoNamed, GoTime, typeName } from './values.ts';
import type { Value } from './values.ts';

/** Methods that templates may call: `(toTime $value).Format "15:04"`. The receiver is the first argument. */
const TIME_METHODS: FunctionTable = new Map<string, TemplateFunction>([
  ['Format', fixed(2, ([time, layout]) => formatTime(asTime(time), textArgument(layout)))],
  ['String', fixed(1, ([time]) => valueText(time))],
  ['UTC', fixed(1, ([time]) => time)],
  ['Unix', fixed(1, ([time]) => unixSeconds(asTime(time)))],
  ['UnixMilli', fixed(1, ([time]) => asTime(time).unixNanoseconds / 1_000_000n)],
  ['UnixMicro', fixed(1, ([time]) => asTime(time).unixNanoseconds / 1000n)],
  ['UnixNano', fixed(1, ([time]) => asTime(time).unixNanoseconds)],
  ['Year', part((at) => BigInt(at.year))],
  ['Month', part(monthOf)],
  ['Day', part((at) => BigInt(at.day))],
  ['Weekday', part(weekdayOf)],
  ['YearDay', part((at) => BigInt(at.dayOfYear))],
  ['Hour', part((at) => BigInt(at.hour))],
  ['Minute', part((at) => BigInt(at.minute))],
  ['Second', part((at) => BigInt(at.second))],
  ['Nanosecond', part((at) => BigInt(at.nanosecond))],
  ['Add', fixed(2, ([time, by]) => new GoTime(asTime(time).unixNanoseconds + asNamed(by)))],
  [
    'Sub',
    fixed(2, ([time, other]) =>
      goDuration(asTime(time).unixNanoseconds - asTime(other).unixNanoseconds),
    ),
  ],
  ['Before', fixed(2, ([time, other]) => difference(time, other) < 0n)],
  ['After', fixed(2, ([time, other]) => difference(time, other) > 0n)],
  ['Equal', fixed(2, ([time, other]) => difference(time, other) === 0n)],
]);

const DURATION_METHODS: FunctionTable = new Map<string, TemplateFunction>([
  ['String', fixed(1, ([duration]) => valueText(duration))],
  ['Hours', fixed(1, ([duration]) => Number(asNamed(duration)) / 3.6e12)],
  ['Minutes', fixed(1, ([duration]) => Number(asNamed(duration)) / 6e10)],
  ['Seconds', fixed(1, ([duration]) => Number(asNamed(duration)) / 1e9)],
  ['Milliseconds', fixed(1, ([duration]) => asNamed(duration) / 1_000_000n)],
  ['Microseconds', fixed(1, ([duration]) => asNamed(duration) / 1000n)],
  ['Nanoseconds', fixed(1, ([duration]) => asNamed(duration))],
]);

const NAME_METHODS: FunctionTable = new Map([['String', fixed(1, ([name]) => valueText(name))]]);

export function methodsOf(value: Value): FunctionTable | undefined {
  if (value instanceof GoTime) return TIME_METHODS;
  if (!(value instanceof GoNamed)) return undefined;
  return value.type === 'time.Duration' ? DURATION_METHODS : NAME_METHODS;
}

function part(of: (at: Calendar) => Value): TemplateFunction {
  return fixed(1, ([time]) => of(calendarOf(asTime(time))));
}

function difference(time: Value, other: Value): bigint {
  return asTime(time).unixNanoseconds - asTime(other).unixNanoseconds;
}

function asTime(value: Value): GoTime {
  if (value instanceof GoTime) return value;
  throw executionFailure(`wrong type for value; expected time.Time; got ${typeName(value)}`);
}

function asNamed(value: Value): bigint {
  if (value instanceof GoNamed) return value.value;
  if (typeof value === 'bigint') return value;
  throw executionFailure(`wrong type for value; expected time.Duration; got ${typeName(value)}`);
}
