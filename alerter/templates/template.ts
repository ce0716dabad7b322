import { messageOf } from '../../model/failure.ts';
import { BUILTINS } from './builtins.ts';
import { executionFailure, TemplateFailure } from './failure.ts';
import type { FunctionTable, TemplateFunction, Work } from './functions.ts';
import { methodsOf } from './methods.ts';
import { parseTree } from './parser.ts';
import { printedText } from './text.ts';
import type { Command, Node, Operand, Pipe, TemplateTree } from './tree.ts';
import { GoList, GoMap, GoStruct, isTrue, typeName } from './values.ts';
import type { Value } from './values.ts';

/**
 * Go's text/template, interpreted. A template is user input and its data comes from whoever sends samples,
 * so a run has a budget of steps and of text; a template that wants more fails instead of taking the
 * process with it.
 */
export interface Template {
  readonly tree: TemplateTree;
  readonly functions: FunctionTable;
}

export interface TemplateLimits {
  readonly outputCharactersMax: number;
  /** Nodes and operands evaluated, loop rounds included. */
  readonly stepsMax: number;
  /** Units of other work: characters made by functions, characters times pattern length for a regex. */
  readonly workMax: number;
}

export const TEMPLATE_LIMITS: TemplateLimits = {
  outputCharactersMax: 65_536,
  stepsMax: 10_000,
  workMax: 8_000_000,
};

/** Templates that call templates. */
const CALL_DEPTH_MAX = 100;

/** Throws a `TemplateFailure` with code `syntax` when the text is no template or names an unknown function. */
export function parseTemplate(source: string, functions: FunctionTable): Template {
  const tree = parseTree(source, (name) => functions.has(name) || BUILTINS.has(name));
  return { tree, functions };
}

/** Throws a `TemplateFailure` with code `execution` or `limit`. */
export function executeTemplate(
  template: Template,
  data: Value,
  limits: TemplateLimits = TEMPLATE_LIMITS,
): string {
  const run = new Run(template, limits);
  run.main(data);
  return run.output;
}

interface Scope {
  readonly variables: { readonly name: string; value: Value }[];
}

type Flow = 'on' | 'break' | 'continue';

class Run implements Work {
  output = '';
  readonly #template: Template;
  readonly #limits: TemplateLimits;
  #steps = 0;
  #work = 0;
  #depth = 0;

  constructor(template: Template, limits: TemplateLimits) {
    this.#template = template;
    this.#limits = limits;
  }

  main(data: Value): void {
    this.#nodes(this.#template.tree.main, data, { variables: [{ name: '$', value: data }] });
  }

  charge(units: number): void {
    this.#work += units;
    if (this.#work > this.#limits.workMax) {
      throw new TemplateFailure('limit', 'the template does more work than a template may');
    }
  }

  #step(): void {
    if (++this.#steps > this.#limits.stepsMax) {
      throw new TemplateFailure(
        'limit',
        `the template takes more than ${this.#limits.stepsMax} steps`,
      );
    }
  }

  #write(text: string): void {
    if (this.output.length + text.length > this.#limits.outputCharactersMax) {
      throw new TemplateFailure(
        'limit',
        `the template makes more than ${this.#limits.outputCharactersMax} characters`,
      );
    }
    this.output += text;
  }

  #nodes(nodes: readonly Node[], dot: Value, scope: Scope): Flow {
    for (const node of nodes) {
      this.#step();
      switch (node.kind) {
        case 'text':
          this.#write(node.text);
          break;
        case 'action': {
          const value = this.#pipe(node.pipe, dot, scope);
          if (node.pipe.variables.length === 0) this.#write(this.#made(printedText(value)));
          break;
        }
        case 'if':
        case 'with': {
          const flow = this.#conditional(node, dot, scope);
          if (flow !== 'on') return flow;
          break;
        }
        case 'range': {
          const flow = this.#range(node, dot, scope);
          if (flow !== 'on') return flow;
          break;
        }
        case 'template':
          this.#call(node, dot, scope);
          break;
        case 'break':
        case 'continue':
          return node.kind;
      }
    }
    return 'on';
  }

  #conditional(
    node: Extract<Node, { kind: 'if' | 'with' | 'range' }>,
    dot: Value,
    scope: Scope,
  ): Flow {
    const mark = scope.variables.length;
    const value = this.#pipe(node.pipe, dot, scope);
    const inner = node.kind === 'with' ? value : dot;
    let flow: Flow = 'on';
    if (isTrue(value)) flow = this.#nodes(node.body, inner, scope);
    else if (node.otherwise) flow = this.#nodes(node.otherwise, dot, scope);
    scope.variables.length = mark;
    return flow;
  }

  #range(node: Extract<Node, { kind: 'if' | 'with' | 'range' }>, dot: Value, scope: Scope): Flow {
    const mark = scope.variables.length;
    const subject = this.#pipe({ ...node.pipe, variables: [] }, dot, scope);
    let rounds = 0;
    for (const [key, value] of rangeItems(subject)) {
      rounds++;
      this.#step();
      this.#bindRound(node.pipe, key, value, scope);
      const flow = this.#nodes(node.body, value, scope);
      scope.variables.length = mark;
      if (flow === 'break') break;
    }
    if (rounds > 0 || !node.otherwise) return 'on';
    const flow = this.#nodes(node.otherwise, dot, scope);
    scope.variables.length = mark;
    return flow;
  }

  /** With one variable it is the element, with two they are key and element. */
  #bindRound(pipe: Pipe, key: Value, value: Value, scope: Scope): void {
    const values = pipe.variables.length === 1 ? [value] : [key, value];
    pipe.variables.forEach((name, i) => {
      this.#bind(name, values[i], pipe.assigns, scope);
    });
  }

  #bind(name: string, value: Value, assigns: boolean, scope: Scope): void {
    if (!assigns) {
      scope.variables.push({ name, value });
      return;
    }
    const variable = scope.variables.findLast((known) => known.name === name);
    if (variable) variable.value = value;
  }

  #call(node: Extract<Node, { kind: 'template' }>, dot: Value, scope: Scope): void {
    const body = this.#template.tree.defined.get(node.name);
    if (!body) throw executionFailure(`line ${node.line}: template "${node.name}" not defined`);
    const data = node.pipe ? this.#pipe(node.pipe, dot, scope) : undefined;
    if (++this.#depth > CALL_DEPTH_MAX) {
      throw new TemplateFailure(
        'limit',
        `templates call one another deeper than ${CALL_DEPTH_MAX}`,
      );
    }
    this.#nodes(body, data, { variables: [{ name: '$', value: data }] });
    this.#depth--;
  }

  #pipe(pipe: Pipe, dot: Value, scope: Scope): Value {
    let value: Value;
    pipe.commands.forEach((command, i) => {
      value = this.#command(command, dot, scope, i === 0 ? [] : [value]);
    });
    for (const name of pipe.variables) this.#bind(name, value, pipe.assigns, scope);
    return value;
  }

  #command(command: Command, dot: Value, scope: Scope, piped: readonly Value[]): Value {
    this.#step();
    const [first, ...rest] = command.operands;
    try {
      switch (first!.kind) {
        case 'function':
          return this.#function(first!.name, rest, dot, scope, piped);
        case 'field':
        case 'variable':
        case 'chain': {
          const owner = this.#owner(first!, dot, scope);
          return this.#path(owner, first!.path, () => [
            ...rest.map((operand) => this.#operand(operand, dot, scope)),
            ...piped,
          ]);
        }
        case 'nil':
          throw executionFailure('nil is not a command');
        case 'constant':
        case 'dot':
        case 'pipe':
          if (rest.length > 0 || piped.length > 0) {
            throw executionFailure("can't give argument to non-function");
          }
          return this.#operand(first!, dot, scope);
      }
    } catch (thrown) {
      throw placed(thrown, command.line);
    }
  }

  #owner(
    operand: Extract<Operand, { kind: 'field' | 'variable' | 'chain' }>,
    dot: Value,
    scope: Scope,
  ): Value {
    if (operand.kind === 'field') return dot;
    if (operand.kind === 'chain') return this.#operand(operand.of, dot, scope);
    return scope.variables.findLast((variable) => variable.name === operand.name)?.value;
  }

  #operand(operand: Operand, dot: Value, scope: Scope): Value {
    this.#step();
    switch (operand.kind) {
      case 'constant':
        return operand.value;
      case 'nil':
        return undefined;
      case 'dot':
        return dot;
      case 'field':
      case 'variable':
      case 'chain':
        return this.#path(this.#owner(operand, dot, scope), operand.path, () => []);
      case 'function':
        return this.#function(operand.name, [], dot, scope, []);
      case 'pipe':
        return this.#pipe(operand.pipe, dot, scope);
    }
  }

  /** Walks fields; the arguments belong to the last one, which must then be a method. */
  #path(owner: Value, path: readonly string[], args: () => Value[]): Value {
    let value = owner;
    for (const [i, name] of path.entries()) {
      const last = i === path.length - 1;
      value = this.#field(value, name, last ? args() : []);
    }
    if (path.length === 0 && args().length > 0) {
      throw executionFailure("can't give argument to non-function");
    }
    return value;
  }

  #field(owner: Value, name: string, args: readonly Value[]): Value {
    const method = methodsOf(owner)?.get(name);
    if (method) return this.#invoke(name, method, [owner, ...args], 1);
    if (args.length > 0) throw executionFailure(`${name} is not a method but has arguments`);
    if (owner instanceof GoMap) return owner.get(name);
    if (owner instanceof GoStruct && owner.fields.has(name)) return owner.fields.get(name);
    if (owner === undefined) throw executionFailure(`nil data; no entry for key "${name}"`);
    throw executionFailure(`can't evaluate field ${name} in type ${typeName(owner)}`);
  }

  #function(
    name: string,
    operands: readonly Operand[],
    dot: Value,
    scope: Scope,
    piped: readonly Value[],
  ): Value {
    const own = this.#template.functions.get(name);
    if (!own && (name === 'and' || name === 'or')) {
      return this.#logical(name, operands, dot, scope, piped);
    }
    const args = operands.map((operand) => this.#operand(operand, dot, scope));
    return this.#invoke(name, own ?? BUILTINS.get(name)!, [...args, ...piped], 0);
  }

  /** Operands after the one that decides are not evaluated. */
  #logical(
    name: 'and' | 'or',
    operands: readonly Operand[],
    dot: Value,
    scope: Scope,
    piped: readonly Value[],
  ): Value {
    if (operands.length + piped.length === 0) {
      throw executionFailure(`wrong number of args for ${name}: want at least 1 got 0`);
    }
    let value: Value;
    for (const operand of operands) {
      value = this.#operand(operand, dot, scope);
      if (isTrue(value) === (name === 'or')) return value;
    }
    return piped.length > 0 ? piped[0] : value;
  }

  #invoke(name: string, called: TemplateFunction, args: readonly Value[], hidden: number): Value {
    if (args.length < called.min || args.length > called.max) {
      const want = called.max === Infinity ? `at least ${called.min}` : String(called.min - hidden);
      throw executionFailure(
        `wrong number of args for ${name}: want ${want} got ${args.length - hidden}`,
      );
    }
    // Whatever a function does with its texts, it looks at each of them.
    for (const arg of args) if (typeof arg === 'string') this.charge(arg.length);
    try {
      const value = called.call(args, this);
      return typeof value === 'string' ? this.#made(value) : value;
    } catch (thrown) {
      if (thrown instanceof TemplateFailure && thrown.code === 'execution') {
        throw executionFailure(`error calling ${name}: ${messageOf(thrown)}`);
      }
      throw thrown;
    }
  }

  #made(text: string): string {
    this.charge(text.length);
    if (text.length > this.#limits.outputCharactersMax) {
      throw new TemplateFailure('limit', `a text of ${text.length} characters is too long`);
    }
    return text;
  }
}

function placed(thrown: unknown, line: number): unknown {
  if (!(thrown instanceof TemplateFailure) || thrown.code !== 'execution') return thrown;
  if (/^line \d+: /.test(thrown.message)) return thrown;
  return executionFailure(`line ${line}: ${thrown.message}`);
}

function* rangeItems(subject: Value): Generator<readonly [Value, Value]> {
  if (subject instanceof GoMap) {
    for (const key of subject.sortedKeys()) yield [key, subject.get(key)];
  } else if (subject instanceof GoList) {
    for (const [i, item] of subject.items.entries()) yield [BigInt(i), item];
  } else if (typeof subject === 'bigint') {
    for (let i = 0n; i < subject; i++) yield [i, i];
  } else if (subject !== undefined) {
    throw executionFailure(`range can't iterate over ${typeName(subject)}`);
  }
}
