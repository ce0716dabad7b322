// Who imports what, read from the syntax of each file, and whether it may. The compiler refuses most of
// what is not among a folder's references, but it follows references of references, and subfolders are
// private only to us. So the build looks for itself.
import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { parseSync } from 'vite';
import { COMPILED_FOLDERS, ROOT, filesBelow } from './sources.mjs';

/** Of a folder for which arrows are too coarse: what it may take of which files or whole folders. */
const FINER = {
  // What the browser may load: nothing of an engine.
  dashboard: {
    model: 'all',
    'query/wire.ts': 'all',
    'query/syntax.ts': 'all',
    'query/query.ts': 'types',
    'alerter/wire.ts': 'all',
    'alerter/alerter.ts': 'types',
  },
};

/** Each import of the program that may not be, as `path: specifier reason`. */
export function forbiddenImports() {
  const arrows = arrowsOfProjects();
  return [...COMPILED_FOLDERS, 'dashboard']
    .flatMap(filesBelow)
    .filter((path) => /\.tsx?$/.test(path))
    .flatMap((path) => refusals(path, readFileSync(join(ROOT, path), 'utf8'), arrows));
}

/** Of each folder with a tsconfig, the folders that it refers to. */
export function arrowsOfProjects() {
  const arrows = {};
  for (const folder of [...COMPILED_FOLDERS, 'platform/node', 'dashboard']) {
    const project = join(ROOT, folder, 'tsconfig.json');
    if (!existsSync(project)) continue;
    const { references = [] } = JSON.parse(readFileSync(project, 'utf8'));
    arrows[folder] = references.map(({ path }) => posix.join(folder, path));
  }
  return arrows;
}

export function refusals(path, text, arrows) {
  return importsOf(path, text).flatMap((one) => {
    const reason = refusal(path, one, arrows);
    return reason === undefined ? [] : [`${path}: ${one.specifier} ${reason}`];
  });
}

/** Every import and re-export, also of types alone, within types (`import('…').T`) and at run time. */
function importsOf(path, text) {
  const { program, errors } = parseSync(path, text);
  // What cannot be read is the compiler's to explain.
  if (errors.length > 0) return [];
  const found = [];
  const visit = (node) => {
    if (typeof node !== 'object' || node === null) return;
    const one = importAt(node);
    if (one) found.push(one);
    Object.values(node).forEach(visit);
  };
  visit(program);
  return found;
}

function importAt({ type, source, importKind, exportKind }) {
  switch (type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration': {
      const isType = importKind === 'type' || exportKind === 'type';
      return source ? { specifier: source.value, isType, isLate: false } : undefined;
    }
    case 'ImportExpression':
    case 'TSImportType': {
      // A target that is put together at run time is given as one that nobody may import.
      const specifier = typeof source.value === 'string' ? source.value : '(computed)';
      return { specifier, isType: type === 'TSImportType', isLate: true };
    }
    default:
      return undefined;
  }
}

function refusal(path, { specifier, isType, isLate }, arrows) {
  if (!/^\.\.?\//.test(specifier)) {
    if (/^[/#(]|^[a-z]+:\//.test(specifier)) return 'is neither relative nor a package';
    return isLate ? 'is a package, out of sight of the linter: import it above' : undefined;
  }
  const target = posix.join(posix.dirname(path), specifier);
  const from = folderOf(path, arrows);
  const to = folderOf(target, arrows);
  if (to === undefined) return `leads to ${target}, which is no part of the program`;
  if (from === undefined || from === to) return undefined;
  if (!arrows[from].includes(to)) return `goes along an arrow ${from} → ${to} that is not there`;
  // The door of a folder within a folder is the file beside it.
  if (to.includes('/') ? target !== `${to}.ts` : posix.dirname(target) !== to) {
    return `reaches into ${posix.dirname(target)}: subfolders are private`;
  }
  if (!FINER[from]) return undefined;
  const share = FINER[from][target] ?? FINER[from][to];
  if (share === undefined) return `takes ${target}, which is not for ${from}`;
  return share === 'all' || isType ? undefined : `takes more than types from ${target}`;
}

/** The longest folder with arrows that holds the path, or whose door it is. */
function folderOf(path, arrows) {
  return Object.keys(arrows)
    .filter((row) => path.startsWith(`${row}/`) || (row.includes('/') && path === `${row}.ts`))
    .sort((a, b) => b.length - a.length)[0];
}
