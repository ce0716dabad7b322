import type { Value } from './values.ts';

/** A parsed template. Lines are 1-based and count from the beginning of the text. */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipe: Pipe }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipe: Pipe;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[] | undefined;
    }
  | {
      readonly kind: 'template';
      readonly name: string;
      readonly pipe: Pipe | undefined;
      readonly line: number;
    }
  | { readonly kind: 'break' | 'continue' };

export interface Pipe {
  readonly line: number;
  /** Names with their `$`. */
  readonly variables: readonly string[];
  /** `=` instead of `:=`. */
  readonly assigns: boolean;
  readonly commands: readonly Command[];
}

export interface Command {
  readonly line: number;
  readonly operands: readonly Operand[];
}

export type Operand =
  | { readonly kind: 'constant'; readonly value: Value }
  | { readonly kind: 'nil' }
  | { readonly kind: 'dot' }
  /** `.A.B`: fields of the dot. */
  | { readonly kind: 'field'; readonly path: readonly string[] }
  /** `$x.A.B` */
  | { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'pipe'; readonly pipe: Pipe }
  /** `(pipe).A.B` or `func.A` */
  | { readonly kind: 'chain'; readonly of: Operand; readonly path: readonly string[] };

export interface TemplateTree {
  readonly main: readonly Node[];
  readonly defined: ReadonlyMap<string, readonly Node[]>;
}
