import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { nodePlatform } from '../../platform/node.ts';

const HOOK = new URL('../../tools/typescript-register.mjs', import.meta.url).href;
const LOG = new URL('../../platform/node/log.ts', import.meta.url).href;

test('instruments are shared by name and shown as text', async () => {
  const platform = nodePlatform({ logLevel: 'silent' });
  const { telemetry } = platform;
  telemetry.counter('nephoscope_test_total', 'A test.', ['kind']).add(2, { kind: 'a' });
  telemetry.counter('nephoscope_test_total', 'A test.', ['kind']).add(1, { kind: 'a' });
  telemetry.gauge('nephoscope_test', 'A test.').set(7);
  telemetry.histogram('nephoscope_test_seconds', 'A test.').observe(0.3);
  const text = await platform.metrics();
  expect(text).toContain('nephoscope_test_total{kind="a"} 3');
  expect(text).toContain('nephoscope_test 7');
  expect(text).toContain('nephoscope_test_seconds_bucket{le="0.5"} 1');
  expect(text).toContain('process_cpu_seconds_total');
  expect(() => telemetry.gauge('nephoscope_test_total', 'A test.')).toThrow('one kind');
  expect(await nodePlatform({ logLevel: 'silent' }).metrics()).not.toContain('nephoscope_test');
});

test('timers wake once and can be cancelled', async () => {
  const { clock } = nodePlatform({ logLevel: 'silent' });
  let cancelledWoke = false;
  clock.after(0, () => {
    cancelledWoke = true;
  })();
  const before = clock.monotonic();
  await new Promise<void>((resolve) => {
    clock.after(5, resolve);
  });
  expect(clock.monotonic() - before).toBeGreaterThanOrEqual(4);
  expect(cancelledWoke).toBe(false);
  expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1000);
});

test('log lines are JSON on stderr, and those before an exit are not lost', () => {
  const program = `const { nodeLog } = await import(${JSON.stringify(LOG)});
    const log = nodeLog('info').component('store');
    log.debug('not shown');
    log.info('opened', { blocks: 3 });
    log.warn('slow');
    process.exit(3);`;
  const run = spawnSync(
    process.execPath,
    ['--import', HOOK, '--input-type=module', '--eval', program],
    { encoding: 'utf8', timeout: 30_000 },
  );
  const lines = run.stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    // The line being written when the exit comes may be overtaken by those behind it.
    .sort((a, b) => String(a['level']).localeCompare(String(b['level'])));
  expect(run.status).toBe(3);
  expect(run.stdout).toBe('');
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatchObject({
    level: 'info',
    component: 'store',
    msg: 'opened',
    blocks: 3,
  });
  expect(lines[1]).toMatchObject({ level: 'warn', msg: 'slow' });
}, 40_000);
