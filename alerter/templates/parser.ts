import { TemplateFailure } from './failure.ts';
import { tokenize } from './tokens.ts';
import type { Token } from './tokens.ts';
import type { Command, Node, Operand, Pipe, TemplateTree } from './tree.ts';

/** Nesting of blocks and parentheses; keeps recursion far from the end of the stack. */
const DEPTH_MAX = 100;
export const SOURCE_CHARACTERS_MAX = 1_048_576;

/** Reads a template. Throws a `TemplateFailure` with code `syntax`, and nothing else, on any bad text. */
export function parseTree(source: string, hasFunction: (name: string) => boolean): TemplateTree {
  if (source.length > SOURCE_CHARACTERS_MAX) {
    throw new TemplateFailure(
      'syntax',
      `a template of ${source.length} characters is too long (limit ${SOURCE_CHARACTERS_MAX})`,
    );
  }
  return new Parser(tokenize(source), hasFunction).run();
}

type BlockEnd = 'end' | 'else' | 'eof';

class Parser {
  readonly #tokens: readonly Token[];
  readonly #hasFunction: (name: string) => boolean;
  readonly #defined = new Map<string, readonly Node[]>();
  #variables: string[] = ['$'];
  #at = 0;
  #depth = 0;
  #rangeDepth = 0;

  constructor(tokens: readonly Token[], hasFunction: (name: string) => boolean) {
    this.#tokens = tokens;
    this.#hasFunction = hasFunction;
  }

  run(): TemplateTree {
    const main: Node[] = [];
    const end = this.#nodes(main, true);
    if (end !== 'eof') throw this.#failure(`unexpected {{${end}}}`);
    return { main, defined: this.#defined };
  }

  /** Reads nodes up to what ends the block; `{{end}}` and `{{else` are consumed (else up to its keyword). */
  #nodes(into: Node[], topLevel = false): BlockEnd {
    for (;;) {
      const token = this.#next();
      if (token.kind === 'end') {
        if (!topLevel) throw this.#failure('unexpected EOF: an {{end}} is missing');
        return 'eof';
      }
      if (token.kind === 'text') {
        into.push({ kind: 'text', text: token.text });
        continue;
      }
      const word = this.#peekSolid();
      const keyword = word.kind === 'identifier' ? word.text : '';
      if (keyword === 'end' || keyword === 'else') {
        this.#nextSolid();
        if (keyword === 'end') this.#close('end');
        return keyword;
      }
      if (keyword === 'define') {
        if (!topLevel) throw this.#failure('unexpected {{define}}');
        this.#define();
        continue;
      }
      into.push(this.#statement(keyword));
    }
  }

  #statement(keyword: string): Node {
    switch (keyword) {
      case 'if':
      case 'with':
      case 'range':
        this.#nextSolid();
        return this.#control(keyword);
      case 'template':
        this.#nextSolid();
        return this.#templateCall();
      case 'block':
        this.#nextSolid();
        return this.#block();
      case 'break':
      case 'continue':
        if (this.#hasFunction(keyword)) break;
        this.#nextSolid();
        this.#close(keyword);
        if (this.#rangeDepth === 0) throw this.#failure(`{{${keyword}}} outside {{range}}`);
        return { kind: keyword };
      default:
    }
    return { kind: 'action', pipe: this.#pipe('command', 'close') };
  }

  #control(kind: 'if' | 'with' | 'range'): Node {
    this.#enter();
    const scope = this.#variables.length;
    const pipe = this.#pipe(kind, 'close');
    const body: Node[] = [];
    if (kind === 'range') this.#rangeDepth++;
    const end = this.#nodes(body);
    if (kind === 'range') this.#rangeDepth--;
    let otherwise: Node[] | undefined;
    if (end === 'else') {
      otherwise = [];
      const word = this.#peekSolid();
      // `else if` and `else with` are an else that holds just that, and share its end.
      const chained = word.kind === 'identifier' && word.text === kind && kind !== 'range';
      if (chained) {
        this.#nextSolid();
        otherwise.push(this.#control(kind));
      } else {
        this.#close('else');
        if (this.#nodes(otherwise) !== 'end') throw this.#failure('expected end; found {{else}}');
      }
    }
    this.#variables.length = scope;
    this.#leave();
    return { kind, pipe, body, otherwise };
  }

  #define(): void {
    this.#nextSolid();
    const name = this.#name('define');
    this.#close('define clause');
    this.#addDefinition(name, this.#ownScope());
  }

  #templateCall(): Node {
    const { line } = this.#here();
    const name = this.#name('template');
    const pipe = this.#optionalPipe('template clause');
    return { kind: 'template', name, pipe, line };
  }

  #block(): Node {
    const { line } = this.#here();
    const name = this.#name('block');
    const pipe = this.#pipe('block clause', 'close');
    this.#addDefinition(name, this.#ownScope());
    return { kind: 'template', name, pipe, line };
  }

  /** A defined template sees no variables but its own. */
  #ownScope(): readonly Node[] {
    this.#enter();
    const [variables, rangeDepth] = [this.#variables, this.#rangeDepth];
    this.#variables = ['$'];
    this.#rangeDepth = 0;
    const body: Node[] = [];
    if (this.#nodes(body) !== 'end') throw this.#failure('unexpected {{else}} in definition');
    [this.#variables, this.#rangeDepth] = [variables, rangeDepth];
    this.#leave();
    return body;
  }

  #addDefinition(name: string, body: readonly Node[]): void {
    const blank = (node: Node): boolean => node.kind === 'text' && node.text.trim() === '';
    // As in Go, an empty definition does not replace an earlier one.
    if (this.#defined.has(name) && body.every(blank)) return;
    this.#defined.set(name, body);
  }

  #name(context: string): string {
    const token = this.#nextSolid();
    if (token.kind !== 'string') throw this.#unexpected(token, `${context} clause`);
    return token.text;
  }

  #optionalPipe(context: string): Pipe | undefined {
    if (this.#peekSolid().kind === 'close') {
      this.#nextSolid();
      return undefined;
    }
    return this.#pipe(context, 'close');
  }

  #pipe(context: string, until: 'close' | ')'): Pipe {
    const { line } = this.#peekSolid();
    const { variables, assigns } = this.#declarations(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.#nextSolid();
      if (token.kind === 'close' || (token.kind === 'symbol' && token.text === ')')) {
        if ((token.kind === 'close') !== (until === 'close'))
          throw this.#unexpected(token, context);
        this.#checkPipe(commands, context);
        return { line, variables, assigns, commands };
      }
      if (!startsOperand(token)) throw this.#unexpected(token, context);
      this.#at--;
      commands.push(this.#command());
    }
  }

  #declarations(context: string): { variables: string[]; assigns: boolean } {
    const start = this.#at;
    const variables: string[] = [];
    let assigns = false;
    while (this.#peekSolid().kind === 'variable') {
      const variable = this.#nextSolid().text;
      const symbol = this.#peekSolid();
      if (symbol.kind === 'symbol' && (symbol.text === ':=' || symbol.text === '=')) {
        this.#nextSolid();
        variables.push(variable);
        assigns = symbol.text === '=';
        break;
      }
      const comma = symbol.kind === 'symbol' && symbol.text === ',';
      if (!comma) break;
      if (context !== 'range' || variables.length > 0) {
        throw this.#failure(`too many declarations in ${context}`);
      }
      this.#nextSolid();
      variables.push(variable);
      if (this.#peekSolid().kind !== 'variable') {
        throw this.#failure('range can only initialize variables');
      }
    }
    const declares = variables.length > 0 && this.#previousIsAssignment();
    if (!declares) {
      if (variables.length > 0) throw this.#failure(`missing := after variables in ${context}`);
      this.#at = start;
      return { variables: [], assigns: false };
    }
    for (const variable of variables) {
      if (assigns) this.#requireVariable(variable);
      else this.#variables.push(variable);
    }
    return { variables, assigns };
  }

  #previousIsAssignment(): boolean {
    const token = this.#tokens[this.#at - 1];
    return token?.kind === 'symbol' && (token.text === ':=' || token.text === '=');
  }

  #requireVariable(name: string): void {
    if (!this.#variables.includes(name)) throw this.#failure(`undefined variable "${name}"`);
  }

  #checkPipe(commands: readonly Command[], context: string): void {
    if (commands.length === 0) throw this.#failure(`missing value for ${context}`);
    for (const command of commands.slice(1)) {
      const kind = command.operands[0]!.kind;
      if (kind === 'constant' || kind === 'nil' || kind === 'dot') {
        throw this.#failure(
          'non executable command in pipeline: only functions take a piped value',
        );
      }
    }
  }

  #command(): Command {
    const { line } = this.#here();
    const operands: Operand[] = [];
    for (;;) {
      this.#skipSpace();
      const operand = this.#operand();
      if (operand) operands.push(operand);
      const token = this.#next();
      if (token.kind === 'space') {
        const after = this.#peekSolid();
        if (startsOperand(after)) continue;
        const pipes = after.kind === 'symbol' && after.text === '|';
        if (pipes) this.#nextSolid();
        if (pipes) this.#requireMore();
        break;
      }
      if (token.kind === 'symbol' && token.text === '|') {
        this.#requireMore();
        break;
      }
      if (token.kind === 'close' || (token.kind === 'symbol' && token.text === ')')) {
        this.#at--;
        break;
      }
      throw this.#unexpected(token, 'operand');
    }
    if (operands.length === 0) throw this.#failure('empty command');
    return { line, operands };
  }

  #requireMore(): void {
    const after = this.#peekSolid();
    if (!startsOperand(after)) throw this.#failure('missing command after |');
  }

  #operand(): Operand | undefined {
    const term = this.#term();
    if (!term) return undefined;
    const path: string[] = [];
    while (this.#here().kind === 'field') path.push(this.#next().text.slice(1));
    if (path.length === 0) return term;
    if (term.kind === 'field') return { kind: 'field', path: [...term.path, ...path] };
    if (term.kind === 'variable') return { ...term, path };
    if (term.kind === 'constant' || term.kind === 'nil' || term.kind === 'dot') {
      throw this.#failure(`unexpected .${path.join('.')} after term`);
    }
    return { kind: 'chain', of: term, path };
  }

  #term(): Operand | undefined {
    const token = this.#next();
    switch (token.kind) {
      case 'identifier':
        return this.#word(token);
      case 'dot':
        return { kind: 'dot' };
      case 'variable':
        this.#requireVariable(token.text);
        return { kind: 'variable', name: token.text, path: [] };
      case 'field':
        return { kind: 'field', path: [token.text.slice(1)] };
      case 'number':
        return { kind: 'constant', value: this.#constant(token.text) };
      case 'character':
        return { kind: 'constant', value: BigInt(token.text.codePointAt(0)!) };
      case 'string':
        return { kind: 'constant', value: token.text };
      case 'symbol':
        if (token.text === '(') return this.#parentheses();
        break;
      case 'text':
      case 'open':
      case 'close':
      case 'space':
      case 'end':
        break;
    }
    this.#at--;
    return undefined;
  }

  #parentheses(): Operand {
    this.#enter();
    const pipe = this.#pipe('parenthesized pipeline', ')');
    this.#leave();
    return { kind: 'pipe', pipe };
  }

  #word(token: Token): Operand {
    if (token.text === 'true' || token.text === 'false') {
      return { kind: 'constant', value: token.text === 'true' };
    }
    if (token.text === 'nil') return { kind: 'nil' };
    if (!this.#hasFunction(token.text)) {
      throw this.#failure(`function "${token.text}" not defined`);
    }
    return { kind: 'function', name: token.text };
  }

  #constant(text: string): bigint | number {
    const plain = text.replaceAll('_', '');
    const negative = plain.startsWith('-');
    const magnitude = plain.replace(/^[+-]/, '');
    const prefixed = /^0[xXbBoO]/.test(magnitude);
    if (!prefixed && /[.eE]/.test(magnitude)) {
      const value = Number(plain);
      if (Number.isFinite(value)) return value;
      throw this.#failure(`number ${text} is too large`);
    }
    const octal = /^0[0-7]+$/.test(magnitude) ? `0o${magnitude.slice(1)}` : magnitude;
    if (/^0[0-9]+$/.test(magnitude) && octal === magnitude) {
      throw this.#failure(`bad number syntax: "${text}"`);
    }
    const value = negative ? -BigInt(octal) : BigInt(octal);
    if (BigInt.asIntN(64, value) !== value) throw this.#failure(`integer overflow: ${text}`);
    return value;
  }

  #close(context: string): void {
    const token = this.#nextSolid();
    if (token.kind !== 'close') throw this.#unexpected(token, context);
  }

  #enter(): void {
    if (++this.#depth > DEPTH_MAX) {
      throw this.#failure(`blocks and parentheses are nested deeper than ${DEPTH_MAX}`);
    }
  }

  #leave(): void {
    this.#depth--;
  }

  #here(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]!;
  }

  #next(): Token {
    const token = this.#here();
    this.#at++;
    return token;
  }

  #skipSpace(): void {
    while (this.#here().kind === 'space') this.#at++;
  }

  #nextSolid(): Token {
    this.#skipSpace();
    return this.#next();
  }

  #peekSolid(): Token {
    let at = this.#at;
    while (this.#tokens[at]?.kind === 'space') at++;
    return this.#tokens[Math.min(at, this.#tokens.length - 1)]!;
  }

  #unexpected(token: Token, context: string): TemplateFailure {
    const what = token.kind === 'end' ? 'EOF' : JSON.stringify(token.text);
    return new TemplateFailure('syntax', `line ${token.line}: unexpected ${what} in ${context}`);
  }

  #failure(message: string): TemplateFailure {
    return new TemplateFailure('syntax', `line ${this.#here().line}: ${message}`);
  }
}

const OPERAND_STARTS: ReadonlySet<string> = new Set([
  'identifier',
  'dot',
  'variable',
  'field',
  'number',
  'character',
  'string',
]);

function startsOperand(token: Token): boolean {
  return OPERAND_STARTS.has(token.kind) || (token.kind === 'symbol' && token.text === '(');
}
