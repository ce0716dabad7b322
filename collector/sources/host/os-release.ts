import type { Source } from '../../source.ts';
import type { Host } from './host.ts';
import { decimal } from './kernel-text.ts';
import { SeriesPool } from './series-pool.ts';

const FIELDS = [
  'build_id',
  'id',
  'id_like',
  'image_id',
  'image_version',
  'name',
  'pretty_name',
  'variant',
  'variant_id',
  'version',
  'version_codename',
  'version_id',
] as const;

/** The distribution, from os-release(5). */
export function createOsSource(host: Host): Source {
  const pool = new SeriesPool();
  return {
    name: 'os',
    intervalMs: host.rareMs,
    sample(sink) {
      const text =
        host.tree.readText('/etc/os-release') ?? host.tree.readText('/usr/lib/os-release');
      if (text === undefined) return;
      const fields = parseOsRelease(text);
      const labels = Object.fromEntries(FIELDS.map((name) => [name, fields.get(name) ?? '']));
      pool.push(sink, 'node_os_info', labels, 1);
      const version = /^\d{1,9}(?:\.\d{1,9})?/.exec(fields.get('version_id') ?? '')?.[0];
      const identity = {
        id: fields.get('id') ?? '',
        id_like: fields.get('id_like') ?? '',
        name: fields.get('name') ?? '',
      };
      if (version !== undefined) pool.push(sink, 'node_os_version', identity, decimal(version));
      pool.finish();
    },
  };
}

/** Assignments as a shell would read them; names in lower case. */
function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const split = line.indexOf('=');
    if (split <= 0 || line.startsWith('#')) continue;
    fields.set(line.slice(0, split).trim().toLowerCase(), unquote(line.slice(split + 1).trim()));
  }
  return fields;
}

function unquote(value: string): string {
  const quote = value[0];
  if (value.length >= 2 && (quote === '"' || quote === "'") && value.endsWith(quote)) {
    const inner = value.slice(1, -1);
    return quote === '"' ? inner.replace(/\\(["$`\\])/g, '$1') : inner;
  }
  return value;
}
