import { describe, expect, test } from 'vitest';
import type { MailMessage, MailReceipt } from '../../platform/mail.ts';
import { sleep, withDeadline } from '../../platform/clock.ts';
import { settle } from './simulated-clock.ts';
import { simulatedPlatform } from './simulated-platform.ts';

const message: MailMessage = {
  from: 'nephoscope@localhost',
  to: ['ops@localhost'],
  subject: 'test',
  text: 'test',
  headers: {},
};
const server = { host: 'localhost', port: 25, requireTls: false };

describe('simulated platform', () => {
  test('the same seed gives the same chance, another seed another', () => {
    const draw = (seed: number): number[] => {
      const platform = simulatedPlatform(seed);
      return [platform.random.next(), platform.restart('kill').random.next()];
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  test('after a restart the dead process hears neither clock nor disk', async () => {
    const before = simulatedPlatform(1, { diskLatencyMs: () => 2 });
    const heard: string[] = [];
    void sleep(before.clock, 10).then(() => heard.push('clock'));
    void before.files.list('/data').then(() => heard.push('disk'));
    await before.clock.advance(1);
    const after = before.restart('kill');
    void sleep(after.clock, 20).then(() => heard.push('successor'));
    await after.clock.advance(100);
    expect(heard).toEqual(['successor']);
    expect(after.machine.processId).toBe(2);
  });

  test('mail: accepts, refuses, stays silent, loses its answer', async () => {
    const { clock, mail } = simulatedPlatform(1);
    const send = (): Promise<MailReceipt> =>
      clock.complete(
        withDeadline(clock, 30_000, 'sending', (signal) => mail.send(message, server, signal)),
      );
    mail.script(
      { kind: 'refuse', code: 'temporary' },
      { kind: 'never-answer' },
      { kind: 'accept-silently' },
      { kind: 'accept', delayMs: 40 },
    );
    await expect(send()).rejects.toMatchObject({ code: 'temporary', worthRetrying: true });
    await expect(send()).rejects.toThrow('longer than 30000 ms');
    expect(mail.delivered).toHaveLength(0);
    await expect(send()).rejects.toThrow('longer than 30000 ms');
    expect(mail.delivered).toHaveLength(1);
    expect((await send()).answer).toContain('250');
    expect([mail.delivered.length, mail.attempts]).toEqual([2, 4]);
  });

  test('network: bytes in order both ways, one end, and each way of not connecting', async () => {
    const { network, clock } = simulatedPlatform(1);
    const heard: string[] = [];
    network.listen('/run/echo', {
      data: (bytes, peer) => {
        peer.send(bytes);
        if (bytes[0] === 3) peer.close(new Error('hung up'));
      },
    });
    const events = {
      data: (bytes: Uint8Array) => heard.push(`data ${bytes.join()}`),
      closed: (error?: Error) => heard.push(`closed ${error?.message}`),
    };
    const connection = await network.connectLocal('/run/echo', events);
    for (const byte of [1, 2, 3]) connection.write(Uint8Array.of(byte));
    await settle();
    expect(heard).toEqual(['data 1', 'data 2', 'data 3', 'closed hung up']);
    connection.close();
    await settle();
    expect(heard).toHaveLength(4);

    network.refuse('/run/refused');
    network.ignore('/run/silent');
    const connect = (path: string): Promise<unknown> =>
      clock.complete(
        withDeadline(clock, 100, path, (signal) => network.connectLocal(path, events, signal)),
      );
    await expect(connect('/run/none')).rejects.toMatchObject({ code: 'not-found' });
    await expect(connect('/run/refused')).rejects.toMatchObject({ code: 'refused' });
    await expect(connect('/run/silent')).rejects.toThrow('longer than 100 ms');
  });

  test('kernel files: read anew each time, gone when removed', () => {
    const { kernel } = simulatedPlatform(1);
    let reads = 0;
    kernel.set('/proc/stat', () => `cpu ${++reads}\n`);
    kernel.set('/sys/class/net/eth0/mtu', '1500\n');
    kernel.link('/sys/class/net/eth0/device', '../../../virtio0');
    const target = new Uint8Array(64);
    const file = kernel.open('/proc/stat')!;
    expect(new TextDecoder().decode(target.subarray(0, file.read(target)))).toBe('cpu 1\n');
    expect(kernel.readText('/proc/stat')).toBe('cpu 2');
    expect(kernel.list('/sys/class/net')).toEqual(['eth0']);
    expect([...kernel.list('/sys/class/net/eth0')].sort()).toEqual(['device', 'mtu']);
    expect(kernel.list('/none')).toEqual([]);
    kernel.remove('/proc/stat');
    expect(file.read(target)).toBe(-1);
    expect(kernel.open('/proc/stat')).toBeUndefined();
    file.close();
    file.close();
    expect(kernel.openFiles).toBe(0);
  });

  test('telemetry keeps the rules of names and labels, and can be read', () => {
    const { telemetry } = simulatedPlatform(1);
    const counter = telemetry.counter('nephoscope_test_total', 'Counts.', ['kind']);
    counter.add(2, { kind: 'a' });
    telemetry.counter('nephoscope_test_total', 'Counts.', ['kind']).add(3, { kind: 'b' });
    expect(telemetry.value('nephoscope_test_total', { kind: 'a' })).toBe(2);
    expect(telemetry.total('nephoscope_test_total')).toBe(5);
    expect(() => counter.add(-1, { kind: 'a' })).toThrow('only grows');
    expect(() => counter.add(1)).toThrow('labels');
    expect(() => telemetry.gauge('nephoscope_test_total', 'Counts.')).toThrow('is a counter');
    expect(() => telemetry.counter('other_total', 'Counts.')).toThrow('name of ours');
  });
});
