import type { parser } from '@prometheus-io/lezer-promql';
import type { Place } from './ast.ts';

/** The grammar's own tree, before it becomes an `Expression`. */
export type Tree = ReturnType<typeof parser.parse>;
export type Node = Tree['topNode'];

export function placeOf(node: Node): Place {
  return { from: node.from, to: node.to };
}

export function childrenOf(node: Node): Node[] {
  const children: Node[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) children.push(child);
  return children;
}
