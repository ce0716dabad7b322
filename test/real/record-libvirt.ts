/**
 * Records what a real libvirtd answers, for the tests that run without one:
 *
 *     node --import ./tools/typescript-register.mjs test/real/record-libvirt.ts
 *
 * writes test/golden/libvirt/session.hex: every message of the daemon in the life of three guests, one
 * line each, in hexadecimal, after a comment that names it. Read the difference before committing it.
 */
import * as fs from 'node:fs';
import { createLibvirtSource } from '../../collector/sources/libvirt/source.ts';
import { FrameSplitter } from '../../collector/sources/libvirt/frames.ts';
import { SILENT } from '../../platform/log.ts';
import type { Network } from '../../platform/network.ts';
import { nodeClock } from '../../platform/node/clock.ts';
import { nodeNetwork } from '../../platform/node/network.ts';
import { NO_TELEMETRY } from '../../platform/telemetry.ts';
import { startLibvirt } from './libvirt.ts';
import { until } from './until.ts';

const lines: string[] = [];

function note(bytes: Uint8Array): void {
  lines.push(Buffer.from(bytes).toString('hex'));
}

/** A network that writes down each whole frame that arrives. */
const recording: Network = {
  connectLocal(path, events, signal) {
    const splitter = new FrameSplitter();
    return nodeNetwork.connectLocal(
      path,
      {
        data(bytes) {
          splitter.push(bytes, ({ procedure, type, status, payload }) => {
            lines.push(`# procedure ${procedure} type ${type} status ${status}`);
            // The header lies right before its payload.
            note(new Uint8Array(payload.buffer, payload.byteOffset - 28, payload.length + 28));
          });
          events.data(bytes);
        },
        closed: (error) => events.closed(error),
      },
      signal,
    );
  },
};

const started = await startLibvirt();
if (started.kind === 'unavailable') throw new Error(started.reason);
const { libvirt } = started;
const source = createLibvirtSource(
  { sockets: [libvirt.socket], intervalMs: 1000 },
  { clock: nodeClock, network: recording, log: SILENT, telemetry: NO_TELEMETRY },
);
try {
  const nova = {
    instanceName: 'web-1',
    flavor: 'm1.tiny',
    userName: 'alice',
    userUuid: '11111111-1111-4111-8111-111111111111',
    projectName: 'weather',
    projectUuid: '22222222-2222-4222-8222-222222222222',
    imageUuid: '33333333-3333-4333-8333-333333333333',
  };
  const uuid = (digit: string): string => `${digit.repeat(8)}-aaaa-4aaa-8aaa-${digit.repeat(12)}`;
  await libvirt.startGuest({
    name: 'instance-00000001',
    uuid: uuid('1'),
    work: 'spin',
    vcpus: 2,
    nova,
  });
  const idle = await libvirt.startGuest({
    name: 'instance-00000002',
    uuid: uuid('2'),
    work: 'idle',
  });
  const off = await libvirt.startGuest({
    name: 'kept',
    uuid: uuid('3'),
    work: 'idle',
    isPersistent: true,
  });
  await libvirt.destroyGuest(off);
  const sink = { push() {}, end() {} };
  const sample = (): void | Promise<void> => source.sample(sink, new AbortController().signal);
  await sample();
  await libvirt.virsh('suspend', idle.uuid);
  await until('the event', 5000, async () => {
    await sample();
    return lines.some((line) => line.startsWith('# procedure 318'));
  });
  await libvirt.destroyGuest(idle);
  await sample();
  await libvirt.virsh('undefine', off.uuid);
  await sample();
  fs.writeFileSync('test/golden/libvirt/session.hex', `${lines.join('\n')}\n`);
} finally {
  await source.close?.();
  await libvirt.close();
}
