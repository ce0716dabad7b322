import { afterEach, describe, expect, test, vi } from 'vitest';
import { sceneWith } from '../scene.ts';

const SIMPLE = `
- alert: A
  expr: up
`;
const HOST = (name: string) => [{ __name__: 'up', instance: name }, 1] as const;

afterEach(() => vi.restoreAllMocks());

describe('the loop that sends', () => {
  test('its pauses leave nothing behind at the signal that ends it', async () => {
    // On Node 20 what AbortSignal.any registers at a long-lived signal stays there for good.
    const any = vi.spyOn(AbortSignal, 'any');
    const added = vi.spyOn(AbortSignal.prototype, 'addEventListener');
    const removed = vi.spyOn(AbortSignal.prototype, 'removeEventListener');
    const scene = await sceneWith(SIMPLE);
    scene.platform.mail.otherwise = { kind: 'refuse', code: 'unreachable' };
    scene.querier.vector('up', HOST('a'));
    await scene.slots(40);
    expect(scene.platform.mail.attempts).toBeGreaterThan(10);
    expect(any.mock.calls).toHaveLength(0);
    const held = new Map<unknown, number>();
    for (const signal of added.mock.contexts) held.set(signal, (held.get(signal) ?? 0) + 1);
    for (const signal of removed.mock.contexts) held.set(signal, (held.get(signal) ?? 0) - 1);
    expect(Math.max(...held.values())).toBeLessThan(10);
    scene.platform.mail.otherwise = { kind: 'never-answer' };
    await scene.slots(4);
    await scene.platform.clock.complete(scene.alerter.stop());
    expect(scene.platform.clock.pendingWakes).toBe(0);
  });
});
