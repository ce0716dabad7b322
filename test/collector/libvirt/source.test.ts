import { describe, expect, onTestFinished, test } from 'vitest';
import { labelsToText } from '../../../model/labels.ts';
import { PROCEDURE } from '../../../collector/sources/libvirt/protocol.ts';
import type { DomainReference } from '../../../collector/sources/libvirt/protocol.ts';
import { createLibvirtSource } from '../../../collector/sources/libvirt/source.ts';
import type { Source } from '../../../collector/source.ts';
import { RecordingLog } from '../../simulation/recording-log.ts';
import { settle, SimulatedClock } from '../../simulation/simulated-clock.ts';
import { SimulatedNetwork } from '../../simulation/simulated-network.ts';
import { NO_TELEMETRY } from '../../../platform/telemetry.ts';
import { FakeDaemon } from './fake-daemon.ts';
import { Recorder } from './recorder.ts';

const SOCKETS = ['/run/first', '/run/second'];
const CPU = 'libvirt_domain_info_cpu_time_seconds_total';

const uuid = (digit: string): string => `${digit.repeat(8)}-0000-4000-8000-${digit.repeat(12)}`;
const A: DomainReference = { name: 'a', uuid: uuid('a'), id: 1 };
const B: DomainReference = { name: 'b', uuid: uuid('b'), id: 2 };

const FIELDS = {
  'state.state': 1,
  'state.reason': 1,
  'cpu.time': 3_500_000_000,
  'balloon.current': 1024,
  'balloon.maximum': 2048,
  'vcpu.current': 1,
  'vcpu.maximum': 1,
  'vcpu.0.state': 1,
  'vcpu.0.time': 3_000_000_000,
  'net.count': 1,
  'net.0.name': 'tap0',
  'net.0.rx.bytes': 77,
  'block.count': 1,
  'block.0.name': 'vda',
  'block.0.rd.bytes': 512,
};

/** A source over a simulated world, sampled each simulated second. */
class World {
  readonly clock = new SimulatedClock();
  readonly network = new SimulatedNetwork();
  readonly log = new RecordingLog(this.clock);
  readonly daemon = new FakeDaemon();
  readonly seen = new Recorder();
  readonly source: Source;
  errors: unknown[] = [];

  constructor() {
    this.source = createLibvirtSource(
      { sockets: SOCKETS, intervalMs: 1000 },
      { clock: this.clock, network: this.network, log: this.log, telemetry: NO_TELEMETRY },
    );
    onTestFinished(() => this.source.close?.());
  }

  listen(): this {
    this.network.listen('/run/second', this.daemon);
    return this;
  }

  /** That many samples, one each second; returns the error of the last. */
  async seconds(count: number): Promise<unknown> {
    let last: unknown;
    for (let i = 0; i < count; i++) {
      let isDone = false;
      const sampled = this.seen.sample(this.source).then((error) => {
        last = error;
        this.errors.push(error);
        isDone = true;
      });
      await this.clock.advance(1000);
      expect(isDone, 'a sample is over within its interval').toBe(true);
      await sampled;
    }
    return last;
  }

  bulkCalls(mask: number): number {
    return this.daemon.callsOf(PROCEDURE.bulkStats).filter((call) => call.mask === mask).length;
  }
}

const FAST = 1 + 2 + 8 + 16;
const BLOCK = 32;
const BALLOON = 4;

describe('a machine without libvirt', () => {
  test('is a normal machine: no sample, no error, one quiet line', async () => {
    const world = new World();
    expect(await world.seconds(60)).toBeUndefined();
    expect(world.errors.every((error) => error === undefined)).toBe(true);
    expect(world.seen.series.size).toBe(0);
    expect(world.log.lines.map(({ level }) => level)).toEqual(['debug']);
  });

  test('is asked again at most each second and at least each 5 s', async () => {
    const world = new World();
    await world.seconds(60);
    const attempts = world.network.connects / SOCKETS.length;
    expect(attempts).toBeGreaterThanOrEqual(12);
    expect(attempts).toBeLessThanOrEqual(16);
  });

  test('gets it later', async () => {
    const world = new World();
    world.daemon.define({ reference: A, fields: FIELDS });
    await world.seconds(30);
    world.listen();
    expect(await world.seconds(6)).toBeUndefined();
    expect(world.seen.value('libvirt_up')).toBe(1);
    expect(world.seen.value(CPU, { uuid: A.uuid })).toBe(3.5);
  });
});

test('a socket behind which nobody listens is an outage, not an absence', async () => {
  const world = new World();
  world.network.refuse('/run/first');
  expect(await world.seconds(1)).toMatchObject({ code: 'unreachable', message: /\/run\/first/ });
  expect(world.seen.value('libvirt_up')).toBe(0);
});

test('a daemon that wants polkit and refuses is an error that says what to do', async () => {
  const world = new World().listen();
  world.daemon.authKinds = [2];
  world.daemon.polkitAgrees = false;
  expect(await world.seconds(1)).toMatchObject({ code: 'not-authorized' });
  expect(world.seen.value('libvirt_up')).toBe(0);
});

test('while the first answer is awaited, libvirt is neither up nor down', async () => {
  const world = new World().listen();
  world.daemon.define({ reference: A, fields: FIELDS });
  world.daemon.silent.add(PROCEDURE.listAllDomains);
  expect(await world.seconds(3)).toBeUndefined();
  expect(world.seen.all('libvirt_up')).toEqual([]);
  expect(await world.seconds(5)).toMatchObject({ code: 'timeout' });
  expect(world.seen.value('libvirt_up')).toBe(0);
});

describe('samples', () => {
  test('hold each tier at once, in base units, with domain and uuid', async () => {
    const world = new World().listen();
    world.daemon.define({ reference: A, fields: FIELDS });
    await world.seconds(1);
    const { seen } = world;
    const own = { domain: 'a', uuid: A.uuid };
    expect(seen.value('libvirt_domains')).toBe(1);
    expect(
      seen.value('libvirt_versions_info', {
        hypervisor_running: '7.2.22',
        libvirtd_running: '9.0.0',
        libvirt_library: '9.0.0',
      }),
    ).toBe(1);
    expect(seen.value(CPU, own)).toBe(3.5);
    expect(
      seen.value('libvirt_domain_info_state', { ...own, state_desc: 'the domain is running' }),
    ).toBe(1);
    expect(seen.value('libvirt_domain_vcpu_time_seconds_total', { ...own, vcpu: '0' })).toBe(3);
    expect(seen.value('libvirt_domain_info_memory_usage_bytes', own)).toBe(1_048_576);
    expect(
      seen.value('libvirt_domain_interface_stats_receive_bytes_total', {
        ...own,
        target_device: 'tap0',
      }),
    ).toBe(77);
    expect(
      seen.value('libvirt_domain_block_stats_read_bytes_total', { ...own, target_device: 'vda' }),
    ).toBe(512);
    expect(seen.value('libvirt_domain_info_meta', own)).toBe(1);
  });

  test('use the same object for a series each time, and rising times', async () => {
    const world = new World().listen();
    world.daemon.define({ reference: A, fields: FIELDS });
    await world.seconds(25);
    const texts = [...world.seen.series.keys()].map(labelsToText);
    expect(new Set(texts).size).toBe(texts.length);
    const { times } = world.seen.all(CPU)[0]!;
    expect(times).toHaveLength(25);
    for (const [i, time] of times.entries()) if (i > 0) expect(time).toBeGreaterThan(times[i - 1]!);
  });

  test('each tier has its own pace; the XML is read once', async () => {
    const world = new World().listen();
    world.daemon.define({ reference: A, fields: FIELDS });
    await world.seconds(31);
    expect(world.bulkCalls(FAST)).toBe(31);
    expect(world.bulkCalls(BLOCK)).toBe(31);
    expect(world.bulkCalls(BALLOON)).toBe(4);
    expect(world.daemon.callsOf(PROCEDURE.domainXml)).toHaveLength(1);
    expect(world.daemon.callsOf(PROCEDURE.listAllDomains)).toHaveLength(1);
  });

  test('block statistics that take long are asked for less often', async () => {
    const world = new World().listen();
    world.daemon.define({ reference: A, fields: FIELDS });
    // 300 ms for each bulk call: more than a fifth of a second, so each 1.5 s at the most.
    world.daemon.bulkDelay = () =>
      new Promise((resolve) => {
        world.clock.after(300, resolve);
      });
    await world.seconds(60);
    expect(world.bulkCalls(FAST)).toBe(60);
    expect(world.bulkCalls(BLOCK)).toBeLessThanOrEqual(41);
    expect(world.bulkCalls(BLOCK)).toBeGreaterThanOrEqual(29);
  });

  test('no two bulk calls are ever under way together, and a late answer is not lost', async () => {
    const world = new World().listen();
    world.daemon.define({ reference: A, fields: FIELDS });
    let underWay = 0;
    let most = 0;
    world.daemon.bulkDelay = () => {
      underWay += 1;
      most = Math.max(most, underWay);
      return new Promise((resolve) => {
        world.clock.after(900, () => {
          underWay -= 1;
          resolve();
        });
      });
    };
    await world.seconds(40);
    expect(most).toBe(1);
    expect(world.seen.all(CPU)[0]!.values.length).toBeGreaterThan(12);
    expect(world.seen.value('libvirt_domain_block_stats_read_bytes_total')).toBe(512);
    expect(world.seen.value('libvirt_domain_memory_stats_maximum_bytes')).toBe(2_097_152);
  });

  test('a daemon that does not know the flag against waiting is asked without it', async () => {
    const world = new World().listen();
    world.daemon.knowsNoWait = false;
    world.daemon.define({ reference: A, fields: FIELDS });
    expect(await world.seconds(3)).toBeUndefined();
    expect(world.seen.all(CPU)[0]!.values).toHaveLength(3);
    expect(world.daemon.calls.filter(({ flags }) => (flags ?? 0) >= 2 ** 29)).toHaveLength(1);
  });
});

describe('domains come and go', () => {
  test('a new one is read at once with all its devices', async () => {
    const world = new World().listen();
    world.daemon.define({ reference: A, fields: FIELDS });
    await world.seconds(2);
    world.daemon.define({ reference: B, fields: FIELDS });
    // The order is libvirt's: resumed comes before started.
    world.daemon.lifecycle(B, 4);
    world.daemon.lifecycle(B, 2);
    await settle();
    const toldAt = world.clock.now();
    await world.seconds(1);
    const own = { uuid: B.uuid };
    expect(world.seen.value('libvirt_domain_block_stats_read_bytes_total', own)).toBe(512);
    expect(world.seen.value('libvirt_domain_info_memory_usage_bytes', own)).toBe(1_048_576);
    expect(world.seen.value('libvirt_domain_info_meta', own)).toBe(1);
    expect(world.seen.all(CPU, own)[0]!.times[0]).toBeLessThan(toldAt + 20);
  });

  test('a destroyed one ends, all of it, and nothing else does', async () => {
    const world = new World().listen();
    world.daemon.define({ reference: A, fields: FIELDS });
    world.daemon.define({ reference: B, fields: FIELDS });
    await world.seconds(2);
    world.daemon.domains.delete(B.uuid);
    world.daemon.lifecycle({ ...B, id: -1 }, 5);
    await world.seconds(1);
    expect(world.seen.living({ uuid: B.uuid })).toEqual([]);
    expect(world.seen.living({ uuid: A.uuid }).length).toBeGreaterThan(15);
    expect(world.seen.value('libvirt_domains')).toBe(1);
  });

  test('without events both are found out by reading', async () => {
    const world = new World().listen();
    world.daemon.offersEvents = false;
    world.daemon.define({ reference: A, fields: FIELDS });
    await world.seconds(2);
    world.daemon.define({ reference: B, fields: FIELDS });
    world.daemon.domains.delete(A.uuid);
    await world.seconds(2);
    expect(world.seen.living({ uuid: A.uuid })).toEqual([]);
    expect(world.seen.value('libvirt_domain_info_meta', { uuid: B.uuid })).toBe(1);
  });

  test('one that is switched off keeps its state and its identity', async () => {
    const world = new World().listen();
    const domain = world.daemon.define({ reference: A, fields: { ...FIELDS } });
    await world.seconds(2);
    domain.reference = { ...A, id: -1 };
    domain.fields = { 'state.state': 5, 'state.reason': 2, 'cpu.time': 0 };
    world.daemon.lifecycle(domain.reference, 5);
    await world.seconds(3);
    expect(world.seen.value('libvirt_domain_info_vstate', { uuid: A.uuid })).toBe(5);
    expect(world.seen.value('libvirt_domain_state_reason', { reason: 'destroyed' })).toBe(1);
    expect(new Set(world.seen.living({ uuid: A.uuid }))).toEqual(
      new Set([
        'libvirt_domain_info_vstate',
        'libvirt_domain_info_state',
        'libvirt_domain_state_reason',
        'libvirt_domain_info',
        'libvirt_domain_info_meta',
        'libvirt_domain_openstack_info',
      ]),
    );
    expect(world.seen.all(CPU)[0]!.values).toEqual([3.5, 3.5]);
  });

  test('a restart under another id goes on as the same series, its counters begin anew', async () => {
    const world = new World().listen();
    const domain = world.daemon.define({ reference: A, fields: { ...FIELDS } });
    await world.seconds(2);
    domain.reference = { ...A, id: 7 };
    domain.fields = { ...FIELDS, 'cpu.time': 1_000_000_000 };
    world.daemon.lifecycle(domain.reference, 2);
    await world.seconds(2);
    expect(world.seen.all(CPU)).toHaveLength(1);
    const { values, ended } = world.seen.all(CPU)[0]!;
    expect(ended).toBe(false);
    expect(values.slice(0, 2)).toEqual([3.5, 3.5]);
    expect(new Set(values.slice(2))).toEqual(new Set([1]));
  });

  test('a changed metadata ends the old identity; a state the old description', async () => {
    const world = new World().listen();
    const domain = world.daemon.define({ reference: A, fields: { ...FIELDS } });
    await world.seconds(1);
    domain.xml = `<domain><metadata><instance xmlns="http://openstack.org/xmlns/libvirt/nova/1.1"><name>n</name></instance></metadata></domain>`;
    domain.fields = { ...FIELDS, 'state.state': 3, 'state.reason': 5 };
    world.daemon.metadataChanged(A);
    await world.seconds(1);
    expect(world.seen.all('libvirt_domain_info_meta').map(({ ended }) => ended)).toEqual([
      true,
      false,
    ]);
    expect(world.seen.value('libvirt_domain_info_meta', { instance_name: 'n' })).toBe(1);
    expect(world.seen.value('libvirt_domain_state_reason', { reason: 'ioerror' })).toBe(1);
    expect(world.seen.value('libvirt_domain_info_state')).toBe(3);
    expect(world.seen.all('libvirt_domain_info_state')).toHaveLength(2);
  });

  test('a broken XML costs the identity only', async () => {
    const world = new World().listen();
    world.daemon.define({ reference: A, fields: FIELDS, xml: '<domain><oops>' });
    expect(await world.seconds(2)).toBeUndefined();
    expect(world.seen.value(CPU)).toBe(3.5);
    expect(world.seen.all('libvirt_domain_info_meta')).toEqual([]);
  });

  test('names with anything in them are names', async () => {
    const world = new World().listen();
    const name = `x"y\\z {} ü ☁ ${'n'.repeat(240)}`;
    world.daemon.define({ reference: { ...A, name }, fields: FIELDS });
    await world.seconds(1);
    expect(world.seen.value(CPU, { domain: name })).toBe(3.5);
  });
});

describe('libvirtd comes and goes', () => {
  test('its loss ends nothing, is told by libvirt_up, and its return continues the same series', async () => {
    const world = new World().listen();
    world.daemon.define({ reference: A, fields: FIELDS });
    world.daemon.define({ reference: B, fields: FIELDS });
    await world.seconds(3);
    world.network.stopListening('/run/second');
    world.daemon.die();
    expect(await world.seconds(10)).toMatchObject({ code: 'unreachable' });
    expect(world.seen.value('libvirt_up')).toBe(0);
    expect([...world.seen.series.values()].some(({ ended }) => ended)).toBe(false);
    expect(world.seen.all(CPU, { uuid: A.uuid })[0]!.values).toHaveLength(3);

    world.daemon.domains.delete(B.uuid);
    world.listen();
    expect(await world.seconds(6)).toBeUndefined();
    expect(world.seen.value('libvirt_up')).toBe(1);
    expect(world.seen.all(CPU, { uuid: A.uuid })).toHaveLength(1);
    expect(world.seen.all(CPU, { uuid: A.uuid })[0]!.values.length).toBeGreaterThan(3);
    expect(world.seen.living({ uuid: B.uuid })).toEqual([]);
  });

  test('events are registered anew', async () => {
    const world = new World().listen();
    await world.seconds(1);
    world.daemon.die();
    await world.seconds(3);
    world.daemon.define({ reference: A, fields: FIELDS });
    world.daemon.lifecycle(A, 2);
    await world.seconds(1);
    expect(world.seen.value(CPU)).toBe(3.5);
    expect(world.daemon.callsOf(PROCEDURE.registerEvent)).toHaveLength(8);
  });

  test('an outage is retried within 5 s at any time, and the error keeps its words', async () => {
    const world = new World().listen();
    await world.seconds(1);
    world.network.refuse('/run/second');
    world.daemon.die();
    const before = world.network.connects;
    await world.seconds(100);
    const attempts = (world.network.connects - before) / SOCKETS.length;
    expect(attempts).toBeGreaterThanOrEqual(20);
    expect(attempts).toBeLessThanOrEqual(30);
    const messages = world.errors.slice(3).map((error) => (error as Error).message);
    expect(new Set(messages).size).toBe(1);
  });

  test('a daemon that says nothing holds nobody up and is found again', async () => {
    const world = new World().listen();
    world.daemon.define({ reference: A, fields: FIELDS });
    await world.seconds(2);
    world.daemon.silent.add(PROCEDURE.bulkStats).add(PROCEDURE.listAllDomains);
    expect(await world.seconds(60)).toMatchObject({ code: 'timeout' });
    expect(world.seen.value('libvirt_up')).toBe(0);
    world.daemon.silent.clear();
    expect(await world.seconds(30)).toBeUndefined();
    expect(world.seen.value('libvirt_up')).toBe(1);
    expect(world.seen.living({ uuid: A.uuid }).length).toBeGreaterThan(15);
  });

  test('a call that one hanging emulator holds up is lost, but the daemon still counts as up', async () => {
    const world = new World().listen();
    world.daemon.define({ reference: A, fields: FIELDS });
    await world.seconds(3);
    let calls = 0;
    world.daemon.bulkDelay = () => (calls++ === 0 ? new Promise(() => {}) : Promise.resolve());
    expect(await world.seconds(10)).toBeUndefined();
    expect(world.errors.every((error) => error === undefined)).toBe(true);
    expect(new Set(world.seen.all('libvirt_up')[0]!.values)).toEqual(new Set([1]));
    expect(world.seen.all(CPU)[0]!.values.length).toBeGreaterThanOrEqual(10);
    expect(world.network.peers).toHaveLength(1);
  });

  test('a socket that accepts and never answers is given up, and the next one tried', async () => {
    const world = new World().listen();
    world.network.listen('/run/first', {});
    world.daemon.define({ reference: A, fields: FIELDS });
    expect(await world.seconds(25)).toBeUndefined();
    expect(world.seen.value(CPU)).toBe(3.5);
  });

  test('garbage from the socket is an error that names it, and is tried again', async () => {
    const world = new World();
    world.network.listen('/run/second', {
      connected: (peer) => peer.send(new TextEncoder().encode('SSH-2.0-OpenSSH_9.2\r\n')),
    });
    expect(await world.seconds(2)).toMatchObject({ code: 'protocol', message: /libvirt's\?/ });
    world.listen();
    world.daemon.define({ reference: A, fields: FIELDS });
    expect(await world.seconds(6)).toBeUndefined();
    expect(world.seen.value(CPU)).toBe(3.5);
  });

  test('close leaves neither a connection nor a timer', async () => {
    const world = new World().listen();
    world.daemon.define({ reference: A, fields: FIELDS });
    await world.seconds(2);
    await world.source.close?.();
    await settle();
    expect(world.daemon.connections).toEqual([]);
    expect(world.clock.pendingWakes).toBe(0);
    const connects = world.network.connects;
    await world.seconds(10);
    expect(world.network.connects).toBe(connects);
  });

  test('close while connecting ends that, too', async () => {
    const world = new World();
    world.network.ignore('/run/first');
    await world.seconds(2);
    await world.source.close?.();
    expect(world.clock.pendingWakes).toBe(0);
  });
});
