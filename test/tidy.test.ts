import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { arrowsOfProjects, forbiddenImports, refusals } from '../tools/arrows.mjs';
import type { Arrows } from '../tools/arrows.mjs';

// The rules that no tool has. Each reports every place that breaks it, so that one run shows all there is
// to do; a rule that needs an exception gets it here, with the reason.

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * The allowed arrows between folders: `references` of each tsconfig. A new one needs a decision record and
 * a line here. Every arrow points to an earlier row, so there are no cycles.
 */
const ARROWS: Arrows = {
  // What things are; knows nothing.
  model: [],
  // What one can do to the world, as interfaces.
  platform: ['model'],
  // The real world; only here may Node's effects be imported.
  'platform/node': ['model', 'platform'],
  store: ['model', 'platform'],
  // Reads through the store's contract; does not know how samples arrive.
  query: ['model', 'platform', 'store'],
  // Writes through the store's contract; does not know that queries exist.
  ingest: ['model', 'platform', 'store'],
  // Hands batches to the gate; does not know the store.
  collector: ['model', 'platform', 'ingest'],
  // Asks the querier; writes recorded series as a `SampleWriter`.
  alerter: ['model', 'platform', 'store', 'query'],
  // Composes them all, on any platform.
  server: ['model', 'platform', 'store', 'query', 'ingest', 'collector', 'alerter'],
  // Of query and alerter only the wire formats, the syntax and types: tools/arrows.mjs has the finer grain.
  dashboard: ['model', 'query', 'alerter'],
  // Chooses the real platform.
  cli: ['platform', 'platform/node', 'server'],
};
const SOURCE_FOLDERS = Object.keys(ARROWS).filter((folder) => folder !== 'platform/node');

/** Everything that is not ours to keep tidy. */
const NOT_OURS = new Set(['node_modules', 'dist', 'data', 'coverage', '.git', '.output']);

function filesBelow(folder: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    if (NOT_OURS.has(entry.name)) continue;
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...filesBelow(path));
    else if (entry.isFile()) found.push(path);
  }
  return found.sort();
}

const FILES = filesBelow('');
const CODE = FILES.filter(
  (path) => /\.(ts|tsx|mjs)$/.test(path) && !path.startsWith('test/golden/'),
);
const SOURCES = CODE.filter((path) =>
  SOURCE_FOLDERS.some((folder) => path.startsWith(`${folder}/`)),
);
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** The lines of files that a pattern finds, as `path:line: text`. */
function linesWith(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    read(path)
      .split('\n')
      .flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])),
  );
}

interface ProjectFile {
  readonly references?: readonly { readonly path: string }[];
}

describe('arrows', () => {
  test('every import goes along one, through a door', () => {
    expect(forbiddenImports()).toEqual([]);
  });

  const refused: readonly (readonly [path: string, text: string])[] = [
    ['collector/a.ts', "import { openStore } from '../store/open.ts';"],
    ['collector/a.ts', "import type { Store } from '../store/store.ts';"],
    ['collector/a/b.ts', "export * from '../../store/store.ts';"],
    ['collector/a.ts', "export type { Store } from '../store/store.ts';"],
    ['collector/a.ts', "export const a = (): unknown => import('../store/open.ts');"],
    ['collector/a.ts', "export type A = import('../store/store.ts').Store;"],
    ['cli/a.ts', "import { openStore } from '../store/open.ts';"],
    ['cli/commands/a.ts', "import { nodeFiles } from '../../platform/node/files.ts';"],
    ['server/a.ts', "import { nodePlatform } from '../platform/node.ts';"],
    ['server/a.ts', "import { head } from '../store/embedded/head.ts';"],
    ['store/a.ts', "import { engine } from '../query/engine.ts';"],
    ['platform/a.ts', "import { nodeClock } from './node/clock.ts';"],
    ['ingest/a.ts', "import { until } from '../test/real/until.ts';"],
    ['server/a.ts', "import info from '../package.json' with { type: 'json' };"],
    ['server/a.ts', "export const fs = await import('node:fs');"],
    ['server/a.ts', 'export const a = (name: string): unknown => import(`../${name}`);'],
    ['server/a.ts', "export * from '/etc/a.ts';"],
    ['dashboard/a.tsx', "import { Head } from '../store/embedded/head.ts';"],
    ['dashboard/a.tsx', "import { call } from '../query/operators/call.ts';"],
    ['dashboard/a.tsx', "import { createEngine } from '../query/engine.ts';"],
    ['dashboard/a.tsx', "import { QueryFailure } from '../query/query.ts';"],
    ['dashboard/a.tsx', "import type { Clock } from '../platform/clock.ts';"],
  ];
  for (const [path, text] of refused) {
    test(`${path} may not have ${text}`, () =>
      expect(refusals(path, text, ARROWS)).toHaveLength(1));
  }

  const allowed: readonly (readonly [path: string, text: string])[] = [
    [
      'collector/a.ts',
      "import { gate } from '../ingest/gate.ts'; import './b/c.ts'; import 'yaml';",
    ],
    ['cli/commands/a.ts', "import { nodePlatform } from '../../platform/node.ts';"],
    ['platform/node/a.ts', "import type { Clock } from '../clock.ts'; import 'node:fs';"],
    ['platform/node.ts', "import { nodeClock } from './node/clock.ts'; import './clock.ts';"],
    ['dashboard/a/b.tsx', "import type { Querier } from '../../query/query.ts';"],
    ['dashboard/a.tsx', "import { lex } from '../query/syntax.ts'; import('./pages/host.tsx');"],
  ];
  for (const [path, text] of allowed) {
    test(`${path} may have ${text}`, () => expect(refusals(path, text, ARROWS)).toEqual([]));
  }

  test('nothing is found by another way than an import', () => {
    expect(linesWith(SOURCES, /import\.meta\.(glob|resolve)|\bcreateRequire\b|^\/\/\/ *</)).toEqual(
      [],
    );
  });

  test('the projects refer to what the table allows, and to nothing else', () => {
    const sorted = (arrows: Arrows): Arrows =>
      Object.fromEntries(Object.entries(arrows).map(([from, to]) => [from, [...to].sort()]));
    expect(sorted(arrowsOfProjects())).toEqual(sorted(ARROWS));
  });

  test('every row points to earlier rows only', () => {
    const rows = Object.keys(ARROWS);
    const backwards = Object.entries(ARROWS).flatMap(([folder, allowed]) =>
      allowed.filter((target) => rows.indexOf(target) >= rows.indexOf(folder)),
    );
    expect(backwards).toEqual([]);
  });

  test('every folder with a tsconfig is built', () => {
    const built = (JSON.parse(read('tsconfig.json')) as ProjectFile).references!.map(
      (reference) => reference.path,
    );
    const projects = FILES.filter((path) => path.endsWith('/tsconfig.json')).map(dirname);
    expect(projects.sort()).toEqual(built.sort());
  });
});

describe('files', () => {
  test('are named for what they hold', () => {
    const vague = /^(utils?|helpers?|common|managers?|base|index|misc|shared|lib)$/;
    const named = CODE.filter((path) => vague.test(basename(path).replace(/\..*$/, '')));
    expect(named).toEqual([]);
  });

  test('can be read in a sitting', () => {
    const long = CODE.map((path) => [path, read(path).split('\n').length - 1] as const).filter(
      ([, lines]) => lines > 600,
    );
    expect(long).toEqual([]);
  });

  test('have no default export, unless a tool asks for one', () => {
    const exporting = linesWith(
      CODE.filter((path) => !/(^|\/)[a-z]+\.config\.ts$/.test(path)),
      /^export default\b/,
    );
    expect(exporting).toEqual([]);
  });

  test('are small enough for a repository', () => {
    const large = FILES.filter((path) => statSync(join(ROOT, path)).size > 1_000_000);
    expect(large).toEqual([]);
  });
});

describe('marks', () => {
  test('a TODO states its condition, and nothing else stays behind', () => {
    const paths = CODE.filter((path) => path !== 'test/tidy.test.ts');
    expect(linesWith(paths, /\b(FIXME|XXX|HACK)\b/)).toEqual([]);
    expect(linesWith(paths, /\bTODO\b(?!:? (when|once|if|until|after) )/)).toEqual([]);
  });

  test('no code is commented out', () => {
    const statement =
      /^\s*\/\/\s*(import .* from |export |const \w+ = |let \w+ = |return\b.*;|if \(.*\{|for \(.*\{|await \w.*;|\}.*else|\w+(\.\w+)*\(.*\);)/;
    expect(linesWith(CODE, statement)).toEqual([]);
  });

  test('no test is left out or alone: what cannot run says why, through context.skip', () => {
    const tests = CODE.filter((path) => path.endsWith('.test.ts') && path !== 'test/tidy.test.ts');
    expect(linesWith(tests, /\b(test|it|describe)\.(only|skip|todo|skipIf|runIf)\b/)).toEqual([]);
  });

  test('no file knows the machine that it was written on', () => {
    const texts = FILES.filter(
      (path) => /\.(ts|tsx|mjs|json|md|yml|css|html)$/.test(path) && path !== 'test/tidy.test.ts',
    );
    expect(linesWith(texts, /(^|[\s'"`(=:])\/(work|home\/(?!user\b)\w+|root|Users)\//)).toEqual([]);
  });
});

describe('code', () => {
  test('gives no text of a user to the native RegExp, to eval or to the page', () => {
    // A pattern put together from our own constants has a constant's name.
    const dangerous =
      /^(?!const [A-Z_]+ = new RegExp\().*\bnew RegExp\(|\beval\(|new Function\(|dangerouslySetInnerHTML|\.innerHTML\s*=/;
    expect(linesWith(SOURCES, dangerous)).toEqual([]);
  });

  test('turns no rule of the linter or compiler off without a reason', () => {
    const silencing = /@ts-(ignore|nocheck|expect-error)\s*$|(oxlint|eslint)-disable/;
    const reason = / -- |@ts-expect-error \w+/;
    const silenced = CODE.filter((path) => path !== 'test/tidy.test.ts').flatMap((path) => {
      const lines = read(path).split('\n');
      return lines.flatMap((line, i) => {
        // The reason stands in the same line or in a comment right above.
        const isExplained = reason.test(line) || /^\s*(\/\/|\*|\{\/\*) /.test(lines[i - 1] ?? '');
        return silencing.test(line) && !isExplained ? [`${path}:${i + 1}: ${line.trim()}`] : [];
      });
    });
    expect(silenced).toEqual([]);
  });
});

describe('tests', () => {
  // Suites that belong to the whole, not to one folder.
  const ACROSS = [
    'browser',
    'contract',
    'crash',
    'end-to-end',
    'golden',
    'promql',
    'real',
    'rules',
    'simulation',
  ];

  test('lie in a folder of test/ that mirrors a source folder', () => {
    const folders = new Set(
      FILES.filter((path) => /^test\/[^/]+\//.test(path)).map((path) => path.split('/')[1]!),
    );
    const known = new Set([...SOURCE_FOLDERS, ...ACROSS, 'tools']);
    expect([...folders].filter((folder) => !known.has(folder))).toEqual([]);
  });

  test('in a subfolder are about a subfolder of the source', () => {
    const folders = new Set(SOURCES.map(dirname));
    const strays = CODE.filter((path) => {
      const [root, folder = '', ...rest] = path.split('/');
      if (root !== 'test' || !path.endsWith('.test.ts')) return false;
      if (!SOURCE_FOLDERS.includes(folder) || rest.length < 2) return false;
      // A level that only groups may be left out: collector/sources/libvirt is test/collector/libvirt.
      const below = rest.slice(0, -1).join('/');
      return ![...folders].some(
        (known) => known.startsWith(`${folder}/`) && known.endsWith(`/${below}`),
      );
    });
    expect(strays).toEqual([]);
  });

  test('every source folder has some', () => {
    const untested = SOURCE_FOLDERS.filter(
      (folder) => !FILES.some((path) => path.startsWith(`test/${folder}/`)),
    );
    expect(untested).toEqual([]);
  });
});

describe('docs', () => {
  const PAGES = FILES.filter((path) => path.endsWith('.md'));

  test('link to files that exist', () => {
    const broken = PAGES.flatMap((page) => {
      const prose = read(page).replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, '');
      return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
        .map((match) => match[1]!)
        .filter((target) => !/^[a-z]+:|^#/.test(target))
        .filter((target) => !existsSync(join(ROOT, dirname(page), target.split('#')[0]!)))
        .map((target) => `${page}: ${target}`);
    });
    expect(broken).toEqual([]);
  });

  test('decision records are numbered without gaps and carry their number in the title', () => {
    const records = PAGES.filter((page) => page.startsWith('docs/decisions/'));
    const numbers = records.map((page) => /^(\d{4})-[a-z0-9-]+\.md$/.exec(basename(page))?.[1]);
    expect(numbers).toEqual(numbers.map((_, i) => String(i + 1).padStart(4, '0')));
    const titles = records.map((page) => /^# (\d{4}) \w/.exec(read(page))?.[1]);
    expect(titles).toEqual(numbers);
  });

  test('the changelog has a place for what is not released', () => {
    expect(read('CHANGELOG.md')).toMatch(/^## Unreleased$/m);
  });
});

describe('dependencies', () => {
  interface Package {
    readonly dependencies: Readonly<Record<string, string>>;
    readonly devDependencies: Readonly<Record<string, string>>;
  }
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Package;
  const all = { ...dependencies, ...devDependencies };

  test('each has a decision record', () => {
    const records = FILES.filter((path) => path.startsWith('docs/decisions/'))
      .map(read)
      .join('\n');
    // Types of a package come with the decision for the package.
    const names = Object.keys(all).filter((name) => !name.startsWith('@types/'));
    expect(names.filter((name) => !records.includes(name))).toEqual([]);
  });

  test('each is pinned to one version', () => {
    const loose = Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version));
    expect(loose).toEqual([]);
  });

  test('what the program imports it depends on, and the dashboard ships built', () => {
    const imported = new Set(
      SOURCES.filter((path) => !path.startsWith('dashboard/')).flatMap((path) =>
        [...read(path).matchAll(/^(?:import|export) .*?from '([^'.][^']*)'/gm)].map((match) =>
          match[1]!
            .split('/')
            .slice(0, match[1]!.startsWith('@') ? 2 : 1)
            .join('/'),
        ),
      ),
    );
    const undeclared = [...imported].filter(
      (name) => !name.startsWith('node:') && !(name in dependencies),
    );
    expect(undeclared).toEqual([]);
  });

  test('the lockfile names no registry', () => {
    expect(linesWith(['package-lock.json'], /"resolved": "https?:/)).toEqual([]);
  });
});
