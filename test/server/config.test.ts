import { expect, test } from 'vitest';
import { ConfigFailure, explainConfig, loadConfig, shownSettings } from '../../server/config.ts';
import type { Assignment, Config } from '../../server/config.ts';

function fromFile(content: string, assignments: readonly Assignment[] = []): Config {
  return loadConfig({ file: { path: 'etc/nephoscope.yml', content }, assignments });
}

function set(key: string, value: string | readonly string[]): Assignment {
  return { key, value, flag: `--set ${key}` };
}

function failureOf(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(ConfigFailure);
    return (thrown as Error).message;
  }
  return 'no failure';
}

test('without anything, the defaults are safe', () => {
  const { settings, origins } = loadConfig({});
  expect(settings['server.listen']).toEqual({ host: '127.0.0.1', port: 6374 });
  expect(settings['store.path']).toBe('./data');
  expect(settings['store.retention']).toBe(15 * 86_400_000);
  expect(settings['collector.interval']).toBe(1000);
  expect(settings['alerting.mail.require_tls']).toBe(true);
  expect(new Set(Object.values(origins))).toEqual(new Set(['default']));
});

test('flags win over the file, later flags over earlier ones, and each origin is known', () => {
  const { settings, origins } = fromFile(
    'store:\n  retention: 30d\n  path: keep\nquery.timeout: 20s\n',
    [set('store.retention', '1d'), set('store.retention', '2d')],
  );
  expect(settings['store.retention']).toBe(2 * 86_400_000);
  expect(settings['query.timeout']).toBe(20_000);
  expect(origins['store.retention']).toBe('--set store.retention');
  expect(origins['query.timeout']).toBe('etc/nephoscope.yml:4:1');
  expect(origins['store.path']).toBe('etc/nephoscope.yml:3:3');
});

test('paths in a file are relative to the file, paths of flags to where one is', () => {
  const { settings } = fromFile('alerting:\n  rules: [rules/*.yml, /abs/*.yml]\n', [
    set('store.path', 'here'),
  ]);
  expect(settings['alerting.rules']).toEqual(['etc/rules/*.yml', '/abs/*.yml']);
  expect(settings['store.path']).toBe('here');
});

test('values of every kind', () => {
  const { settings } = fromFile(`
server:
  listen: "[::1]:0"
  external_url: https://metrics.example.org/
  allowed_hosts: [a.example.org, b.example.org]
  roles: [query, ingest]
collector:
  enabled: false
  instance: 007
  libvirt:
    sockets: /run/a
alerting:
  external_labels: {region: eu, rack: 12}
  mail:
`);
  expect(settings['server.listen']).toEqual({ host: '::1', port: 0 });
  expect(settings['server.external_url']).toBe('https://metrics.example.org');
  expect(settings['server.allowed_hosts']).toEqual(['a.example.org', 'b.example.org']);
  expect(settings['server.roles']).toEqual(['query', 'ingest']);
  expect(settings['collector.enabled']).toBe(false);
  expect(settings['collector.instance']).toBe('007');
  expect(settings['collector.libvirt.sockets']).toEqual(['/run/a']);
  expect(settings['alerting.external_labels']).toEqual(['rack', '12', 'region', 'eu']);
});

test('texts of flags stand for lists and labels, too', () => {
  const { settings } = loadConfig({
    assignments: [
      set('server.roles', 'ingest, query'),
      set('alerting.external_labels', ['a=1', 'b=x=y']),
      set('collector.instance', ''),
    ],
  });
  expect(settings['server.roles']).toEqual(['ingest', 'query']);
  expect(settings['alerting.external_labels']).toEqual(['a', '1', 'b', 'x=y']);
  expect(settings['collector.instance']).toBeUndefined();
});

test.each([
  ['store:\n  retentoin: 3d', ':2:3', 'store.retention'],
  ['stroe:\n  path: x', ':1:1', 'there is no setting stroe'],
  ['store:\n  path: {a: b}', ':2:3', 'a single value'],
  ['store:\n  retention: soon', ':2:3', 'such as 500ms'],
  ['store:\n  retention: 1ms', ':2:3', 'from 1h'],
  ['store:\n  series_max: -1', ':2:3', 'whole number'],
  ['store: 5', ':1:1', 'there is no setting store'],
  ['store: [', ':1:9', 'not YAML'],
  ['store:\n  path: a\n  path: b', ':3:3', 'unique'],
  ['- a', ':1:1', 'sections'],
  ['just words', ':1:1', 'sections'],
  ['collector:\n  enabled: yes', ':2:3', 'true or false'],
  ['server:\n  listen: 6374', ':2:3', 'host:port'],
  ['server:\n  listen: 127.0.0.1:99999', ':2:3', 'host:port'],
  ['server:\n  roles: [query, quary]', ':2:3', 'one of'],
  ['server:\n  roles: []', ':2:3', 'at least one role'],
  ['server:\n  external_url: ftp://x', ':2:3', 'http'],
  ['server:\n  external_url: https://u:p@x', ':2:3', 'password'],
  ['alerting:\n  external_labels: {a-b: c}', ':2:3', 'label name'],
  ['store:\n  kind: influxdb', ':2:3', 'not supported yet'],
  ['store:\n  kind: files', ':2:3', 'one of'],
  ['collector:\n  to: http://centre:6374', ':2:3', 'not supported yet'],
  ['alerting:\n  mail:\n    smarthost: mail:25', ':3:5', 'alerting.mail.from'],
  ['alerting:\n  mail:\n    username: me', ':3:5', 'password file'],
  ['__proto__:\n  path: x', ':1:1', 'there is no setting __proto__'],
])('%j is refused with its place and the way out', (content, place, advice) => {
  const message = failureOf(() => fromFile(content));
  expect(message).toContain(`etc/nephoscope.yml${place}`);
  expect(message).toContain(advice);
});

test.each(['0.0.0.0', '192.168.1.5', '[::]', 'example.org', '127.0.0.1.example.org'])(
  'listening on %s is refused with the reason',
  (host) => {
    const message = failureOf(() =>
      loadConfig({
        assignments: [{ key: 'server.listen', value: `${host}:6374`, flag: '--listen' }],
      }),
    );
    expect(message).toMatch(/^--listen: server\.listen: .* is not a loopback address/);
    expect(message).toContain('proxy');
  },
);

test('an unknown --set names the nearest setting', () => {
  expect(failureOf(() => loadConfig({ assignments: [set('store.patj', 'x')] }))).toContain(
    'did you mean store.path?',
  );
});

test('aliases cannot be used to fill the memory', () => {
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x,x]',
    ...Array.from({ length: 8 }, (_, i) => {
      const name = String.fromCharCode(98 + i);
      const before = String.fromCharCode(97 + i);
      return `${name}: &${name} [${Array(10).fill(`*${before}`).join(',')}]`;
    }),
    'alerting:\n  rules: *i',
  ].join('\n');
  expect(failureOf(() => fromFile(bomb))).not.toBe('no failure');
});

test('every setting is explained, with value and origin', () => {
  const config = fromFile('store:\n  retention: 30d\n');
  const text = explainConfig(config);
  expect(text).toContain('store.retention: 30d\n    from etc/nephoscope.yml:2:3; default: 15d\n');
  expect(text).toContain('server.listen: 127.0.0.1:6374\n    from default\n');
  for (const key of Object.keys(config.settings)) expect(text).toContain(`${key}: `);
  expect(shownSettings(config)['store.retention']).toBe('30d');
});
