const MARK = '// Altered for a test.';

let alterations = [];

export function initialize(given) {
  alterations = given;
}

export async function load(url, context, next) {
  const loaded = await next(url, context);
  const lines = alterations
    .filter(({ file }) => url.endsWith(`/dist/${file}`))
    .map(({ append }) => append);
  // A worker thread inherits the hook and may install it a second time.
  if (lines.length === 0 || String(loaded.source).includes(MARK)) return loaded;
  return { ...loaded, source: [loaded.source, MARK, ...lines].join('\n') };
}
