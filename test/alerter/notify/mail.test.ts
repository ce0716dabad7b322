import { describe, expect, test } from 'vitest';
import { sceneWith } from '../scene.ts';

const STEAL = `
- alert: HostCpuSteal
  expr: steal > 10
  labels: { severity: warning }
  annotations:
    summary: '{{ $labels.instance }} steals {{ $value | printf "%.1f" }}'
`;

describe('from a rule to a mail', () => {
  test('an alert that fires is told once, and its end is told once', async () => {
    const scene = await sceneWith(STEAL);
    scene.querier.vector('steal > 10', [{ __name__: 'steal', instance: 'host1' }, 12.345]);
    await scene.slots(8);
    expect(scene.subjects).toEqual(['[FIRING:1] HostCpuSteal (host1 warning)']);
    const { message, server } = scene.platform.mail.delivered[0]!;
    expect(server.host).toBe('mail.test');
    expect(message.to).toEqual(['noc@example.org']);
    expect(message.text).toContain('summary: host1 steals 12.3');
    expect(message.text).toContain('Value: 12.345');
    expect(message.text).toContain(
      'Graph: http://nephoscope.test/graph?g0.expr=steal+%3E+10&g0.tab=1',
    );
    expect(message.html).toContain('<td');
    expect(message.headers['Message-ID']).toMatch(/^<[0-9a-f]{32}@example\.org>$/);
    scene.querier.vector('steal > 10');
    await scene.slots(80);
    expect(scene.subjects).toEqual([
      '[FIRING:1] HostCpuSteal (host1 warning)',
      '[RESOLVED] HostCpuSteal (host1 warning)',
    ]);
    await scene.alerter.stop();
    expect(scene.platform.clock.pendingWakes).toBe(0);
  });
});
