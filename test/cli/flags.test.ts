import { expect, test } from 'vitest';
import { readFlags } from '../../cli/flags.ts';

test('flags become settings, in their order', () => {
  const flags = readFlags([
    '--config',
    'a.yml',
    '--listen=127.0.0.1:1',
    '--data',
    'd',
    '--root',
    '/host',
    '--roles',
    'ingest,query',
    '--set',
    'query.timeout=5s',
    '--set=collector.instance=a=b',
    '--log-level',
    'warn',
  ]);
  expect(flags).toEqual({
    configPath: 'a.yml',
    logLevel: 'warn',
    assignments: [
      { key: 'server.listen', value: '127.0.0.1:1', flag: '--listen' },
      { key: 'store.path', value: 'd', flag: '--data' },
      { key: 'collector.root', value: '/host', flag: '--root' },
      { key: 'server.roles', value: 'ingest,query', flag: '--roles' },
      { key: 'query.timeout', value: '5s', flag: '--set query.timeout' },
      { key: 'collector.instance', value: 'a=b', flag: '--set collector.instance' },
    ],
  });
});

test('rules and labels may be repeated', () => {
  const { assignments } = readFlags([
    '--rules',
    'a.yml',
    '--external-label',
    'x=1',
    '--rules',
    'b/*.yml',
    '--external-label',
    'y=2',
  ]);
  expect(assignments).toEqual([
    { key: 'alerting.rules', value: ['a.yml', 'b/*.yml'], flag: '--rules' },
    { key: 'alerting.external_labels', value: ['x=1', 'y=2'], flag: '--external-label' },
  ]);
});

test.each([
  [['--retentoin', '3d'], '--retentoin', '--retention'],
  [['--zzzzzzzzz', '3d'], '--zzzzzzzzz', 'nephoscope help'],
  [['-v'], '-v', 'help'],
  [['extra'], 'extra', 'flags begin'],
  [['--listen'], '--listen', 'HOST:PORT'],
  [['--listen', '--data'], '--listen', 'HOST:PORT'],
  [['--set', 'nothing'], 'nothing', 'key.path=value'],
  [['--set', '=x'], '=x', 'key.path=value'],
  [['--log-level', 'loud'], 'loud', 'debug'],
  [['--alertmanager-config', 'a.yml'], '--alertmanager-config', 'not supported yet'],
  [['--prometheus-config', 'p.yml'], '--prometheus-config', 'not supported yet'],
])('%j names what is wrong and what to write', (args, wrong, advice) => {
  expect(() => readFlags(args)).toThrow(wrong);
  expect(() => readFlags(args)).toThrow(advice);
});
