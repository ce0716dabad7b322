import type { parser } from '@prometheus-io/lezer-promql';

/** The grammar's own tree, before it becomes an `Expression`. */
export type Tree = ReturnType<typeof parser.parse>;
export type Node = Tree['topNode'];
