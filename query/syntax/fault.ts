import type { QueryFailure } from '../query.ts';
import { parseFailure } from './failure.ts';
import { RENAMED_FUNCTIONS, SIGNATURES } from './signatures.ts';
import type { Node, Tree } from './tree.ts';

/** The first place where the text leaves the grammar, in words; undefined when it does not. */
export function grammarFault(text: string, tree: Tree): QueryFailure | undefined {
  let fault: Node | undefined;
  tree.iterate({
    enter(node) {
      if (fault) return false;
      if (node.type.isError) fault = node.node;
      return undefined;
    },
  });
  if (!fault) return unclosedString(text, tree);
  const from = skipBlank(text, fault.from);
  const called = text[from] === '(' ? nameBefore(text, fault.from) : undefined;
  if (called && !SIGNATURES.has(called.name)) {
    const renamed = RENAMED_FUNCTIONS.get(called.name);
    return parseFailure(
      text,
      called,
      `unknown function with name "${called.name}"${renamed ? `; it is called ${renamed} now` : ''}`,
    );
  }
  const token = tokenAt(text, from);
  const context = CONTEXTS[fault.parent?.name ?? ''];
  const seen = token === '' ? 'unexpected end of input' : `unexpected ${describe(token)}`;
  return parseFailure(
    text,
    { from, to: from + Math.max(token.length, 1) },
    context ? `${seen} in ${context.where}, expected ${context.wanted}` : seen,
  );
}

const CONTEXTS: Readonly<Record<string, { readonly where: string; readonly wanted: string }>> = {
  LabelMatchers: { where: 'label matching', wanted: 'a label matcher, "," or "}"' },
  UnquotedLabelMatcher: { where: 'label matching', wanted: 'one of = != =~ !~ and a string' },
  QuotedLabelMatcher: { where: 'label matching', wanted: 'one of = != =~ !~ and a string' },
  GroupingLabels: { where: 'grouping opts', wanted: 'a label name, "," or ")"' },
  FunctionCallBody: { where: 'arguments', wanted: 'an expression, "," or ")"' },
  MatrixSelector: { where: 'a range', wanted: 'a duration such as 5m and "]"' },
  SubqueryExpr: { where: 'a subquery', wanted: 'durations such as [1h:5m]' },
  DurationExpr: { where: 'a duration', wanted: 'a duration such as 5m' },
  OffsetExpr: { where: 'offset', wanted: 'a duration such as 5m' },
  OffsetDurationExpr: { where: 'offset', wanted: 'a duration such as 5m' },
  StepInvariantExpr: { where: '@', wanted: 'a timestamp, start() or end()' },
  BinaryExpr: { where: 'a binary operation', wanted: 'an expression' },
  AggregateExpr: { where: 'aggregation', wanted: 'an expression in parentheses' },
  ParenExpr: { where: 'parentheses', wanted: 'an expression and ")"' },
  UnaryExpr: { where: 'a signed expression', wanted: 'an expression' },
};

/** The grammar's string token may stop at the end of the text; the language's may not. */
function unclosedString(text: string, tree: Tree): QueryFailure | undefined {
  let fault: QueryFailure | undefined;
  tree.iterate({
    enter(node) {
      if (fault || node.name !== 'StringLiteral') return;
      const quote = text[node.from];
      if (node.to - node.from < 2 || text[node.to - 1] !== quote) {
        fault = parseFailure(text, { from: node.from, to: node.to }, 'unterminated quoted string');
      }
    },
  });
  return fault;
}

function skipBlank(text: string, from: number): number {
  return from + /^(?:\s|#[^\n]*)*/.exec(text.slice(from))![0].length;
}

function nameBefore(
  text: string,
  to: number,
): { readonly name: string; readonly from: number; readonly to: number } | undefined {
  const head = text.slice(Math.max(0, to - 256), to).trimEnd();
  const name = /[A-Za-z_:][A-Za-z0-9_:]*$/.exec(head)?.[0];
  if (name === undefined) return undefined;
  const from = text.lastIndexOf(name, to);
  return { name, from, to: from + name.length };
}

function tokenAt(text: string, from: number): string {
  const rest = text.slice(from, from + 64);
  return (
    /^(?:"[^"]*"?|'[^']*'?|`[^`]*`?|[A-Za-z_:][A-Za-z0-9_:]*|[0-9][A-Za-z0-9_.]*|[=!<>]=|=~|!~|.)/su.exec(
      rest,
    )?.[0] ?? ''
  );
}

const PUNCTUATION: Readonly<Record<string, string>> = {
  '(': 'left parenthesis',
  ')': 'right parenthesis',
  '[': 'left bracket',
  ']': 'right bracket',
  '{': 'left brace',
  '}': 'right brace',
  ',': 'comma',
  ':': 'colon',
  '=': 'assignment operator',
};

function describe(token: string): string {
  const named = PUNCTUATION[token];
  if (named) return `${named} '${token}'`;
  if (/^["'`]/.test(token)) return `string ${token}`;
  if (/^[0-9]/.test(token)) return `number "${token}"`;
  if (/^[A-Za-z_:]/.test(token)) return `identifier "${token}"`;
  if (/^[-+*/%^<>=!]/.test(token)) return `operator '${token}'`;
  return `character '${token}'`;
}
