import { METRIC_NAME } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import type {
  Aggregation,
  Binary,
  DurationExpression,
  Expression,
  Matching,
  Pin,
  Shift,
  VectorSelector,
} from './ast.ts';
import { quoted } from './literals.ts';

/** As Go's `%v` prints a number: shortest digits, an exponent of two digits beyond the usual sizes. */
function literalText(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  if (Number.isNaN(value)) return 'NaN';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [digits, exponent] = value.toExponential().split('e') as [string, string];
  const power = Number(exponent);
  // Within these sizes JavaScript prints without an exponent, too.
  if (power >= -4 && power < 21) return String(value);
  const size = String(Math.abs(power)).padStart(2, '0');
  return `${digits}e${power < 0 ? '-' : '+'}${size}`;
}

const LEGACY_LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const LEGACY_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** The canonical text of an expression, as Prometheus prints it; reading it again gives the same text. */
export function printExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'number':
      return expression.isDuration
        ? durationLiteral(expression.value)
        : literalText(expression.value);
    case 'string':
      return quoted(expression.value);
    case 'selector':
      return `${bareSelector(expression)}${edges(expression)}${shift(expression)}`;
    case 'matrix': {
      const { selector } = expression;
      return `${bareSelector(selector)}[${duration(expression.range)}]${edges(selector)}${shift(selector)}`;
    }
    case 'subquery': {
      const step = expression.step ? duration(expression.step) : '';
      return `${printExpression(expression.inner)}[${duration(expression.range)}:${step}]${shift(expression)}`;
    }
    case 'call':
      return `${expression.name}(${expression.arguments.map(printExpression).join(', ')})`;
    case 'aggregation':
      return aggregation(expression);
    case 'binary':
      return binary(expression);
    case 'unary':
      return `${expression.operator}${printExpression(expression.inner)}`;
    case 'parentheses':
      return `(${printExpression(expression.inner)})`;
  }
}

function bareSelector(selector: VectorSelector): string {
  const { name } = selector;
  const plain = name !== undefined && LEGACY_METRIC.test(name);
  const parts: string[] = [];
  if (name !== undefined && !plain) parts.push(quoted(name));
  for (const matcher of selector.matchers) {
    const isName =
      name !== undefined &&
      matcher.name === METRIC_NAME &&
      matcher.operator === '=' &&
      matcher.value === name;
    if (!isName) parts.push(matcherText(matcher));
  }
  if (parts.length === 0) return plain ? name : '{}';
  return `${plain ? name : ''}{${parts.join(',')}}`;
}

function matcherText({ name, operator, value }: Matcher): string {
  return `${labelText(name)}${operator}${quoted(value)}`;
}

function labelText(name: string): string {
  return LEGACY_LABEL.test(name) ? name : quoted(name);
}

function edges(selector: VectorSelector): string {
  return selector.edges ? ` ${selector.edges}` : '';
}

function shift({ offset, pin }: Shift): string {
  return `${pin ? pinText(pin) : ''}${offset ? ` offset ${duration(offset)}` : ''}`;
}

function pinText(pin: Pin): string {
  return pin.kind === 'time' ? ` @ ${(pin.timeMs / 1000).toFixed(3)}` : ` @ ${pin.kind}()`;
}

function duration(expression: DurationExpression): string {
  switch (expression.kind) {
    case 'number':
      return durationLiteral(expression.seconds);
    case 'step':
    case 'range':
      return `${expression.kind}()`;
    case 'min_of':
    case 'max_of':
      return `${expression.kind}(${duration(expression.left)}, ${duration(expression.right)})`;
    case 'binary':
      return `${duration(expression.left)} ${expression.operator} ${duration(expression.right)}`;
    case 'unary':
      return `${expression.operator === '-' ? '-' : ''}${duration(expression.inner)}`;
    case 'parentheses':
      return `(${duration(expression.inner)})`;
  }
}

/** Whole milliseconds print with units (`1h30m`); anything finer stays a number. */
function durationLiteral(seconds: number): string {
  const ms = Math.round(Math.abs(seconds) * 1000);
  if (!Number.isSafeInteger(ms) || Math.abs(ms / 1000 - Math.abs(seconds)) > 1e-9) {
    return literalText(seconds);
  }
  const sign = seconds < 0 ? '-' : '';
  if (ms === 0) return '0s';
  let rest = ms;
  let text = sign;
  for (const [unit, size, exactOnly] of UNITS) {
    if (exactOnly && rest % size !== 0) continue;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}

const UNITS: readonly (readonly [unit: string, ms: number, exactOnly: boolean])[] = [
  ['y', 31_536_000_000, true],
  ['w', 604_800_000, true],
  ['d', 86_400_000, false],
  ['h', 3_600_000, false],
  ['m', 60_000, false],
  ['s', 1000, false],
  ['ms', 1, false],
];

function aggregation(node: Aggregation): string {
  const labels = node.grouping.map(labelText).join(', ');
  const clause = node.without
    ? ` without (${labels}) `
    : node.grouping.length > 0
      ? ` by (${labels}) `
      : '';
  const parameter = node.parameter ? `${printExpression(node.parameter)}, ` : '';
  return `${node.operator}${clause}(${parameter}${printExpression(node.inner)})`;
}

function binary(node: Binary): string {
  const bool = node.returnBool ? ' bool' : '';
  const matching = node.matching ? matchingText(node.matching) : '';
  return `${printExpression(node.left)} ${node.operator}${bool}${matching} ${printExpression(node.right)}`;
}

function matchingText(matching: Matching): string {
  let text = '';
  const labels = matching.labels.map(labelText).join(', ');
  const grouped = matching.cardinality === 'many-to-one' || matching.cardinality === 'one-to-many';
  if (matching.on) text += ` on (${labels})`;
  else if (matching.labels.length > 0 || grouped) text += ` ignoring (${labels})`;
  if (grouped) {
    const side = matching.cardinality === 'many-to-one' ? 'left' : 'right';
    text += ` group_${side} (${matching.include.map(labelText).join(', ')})`;
  }
  const { fillLeft, fillRight } = matching;
  if (fillLeft !== undefined && Object.is(fillLeft, fillRight)) {
    return `${text} fill (${literalText(fillLeft)})`;
  }
  if (fillLeft !== undefined) text += ` fill_left (${literalText(fillLeft)})`;
  if (fillRight !== undefined) text += ` fill_right (${literalText(fillRight)})`;
  return text;
}
