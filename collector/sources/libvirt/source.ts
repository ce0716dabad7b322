import { messageOf } from '../../../model/failure.ts';
import { equalLabels, metric } from '../../../model/labels.ts';
import type { Labels } from '../../../model/labels.ts';
import type { Clock } from '../../../platform/clock.ts';
import { NetworkFailure } from '../../../platform/network.ts';
import type { Platform } from '../../../platform/platform.ts';
import type { Counter } from '../../../platform/telemetry.ts';
import type { SampleSink, Source } from '../../source.ts';
import { LibvirtClient } from './client.ts';
import { DomainTable } from './domain-table.ts';
import { LibvirtFailure } from './failure.ts';
import { Readings } from './readings.ts';
import { Session } from './session.ts';
import type { SessionParts } from './session.ts';

/** Where libvirtd, and where it is split up virtqemud, listens for those who only read. */
export const LIBVIRT_SOCKETS: readonly string[] = [
  '/run/libvirt/libvirt-sock-ro',
  '/var/run/libvirt/libvirt-sock-ro',
  '/run/libvirt/virtqemud-sock-ro',
];

export interface LibvirtSourceOptions {
  /** Tried in this order. */
  readonly sockets: readonly string[];
  readonly intervalMs: number;
  /** What the daemon is asked to open; by default `qemu:///system`. */
  readonly uri?: string;
}

type LibvirtPlatform = Pick<Platform, 'clock' | 'network' | 'log' | 'telemetry'>;

const CONNECT_DEADLINE_MS = 5000;
/** The daemon may have to start first and then asks each emulator what it can. */
const OPEN_DEADLINE_MS = 20_000;
const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 5000;
/** Part of the interval that `sample` waits for answers; later ones go out with the next sample. */
const WAIT_SHARE = 0.8;

/**
 * The domains of this host through libvirt's read-only socket. A machine without libvirt gives nothing and
 * is not in error. Once a daemon was seen, its absence is: `libvirt_up` is 0 and `sample` rejects, but the
 * series of its domains neither end nor fall to zero, since nothing is known about them.
 */
export function createLibvirtSource(
  options: LibvirtSourceOptions,
  platform: LibvirtPlatform,
): Source {
  return new LibvirtSource(options, platform);
}

const UP = metric('libvirt_up');
const DOMAINS = metric('libvirt_domains');

class LibvirtSource implements Source {
  readonly name = 'libvirt';
  readonly intervalMs: number;
  readonly #options: LibvirtSourceOptions;
  readonly #platform: LibvirtPlatform;
  readonly #readings = new Readings();
  readonly #domains = new DomainTable(this.#readings);
  readonly #dropped: Counter;
  readonly #connections: Counter;
  readonly #sessionParts: Omit<SessionParts, 'client'>;
  #client: LibvirtClient | undefined;
  #session: Session | undefined;
  #connecting: Promise<void> | undefined;
  #attempt: AbortController | undefined;
  #isClosed = false;
  #failure: LibvirtFailure | undefined;
  #versions: Labels | undefined;
  #wasSeen = false;
  #saidAbsent = false;
  #nextTry = Number.NEGATIVE_INFINITY;
  #backoffMs = BACKOFF_MS_MIN;

  constructor(options: LibvirtSourceOptions, platform: LibvirtPlatform) {
    this.#options = options;
    this.#platform = { ...platform, log: platform.log.component('collector') };
    this.intervalMs = options.intervalMs;
    const { clock, log } = this.#platform;
    const { telemetry } = platform;
    this.#dropped = telemetry.counter(
      'nephoscope_collector_libvirt_readings_dropped_total',
      'Values read from libvirt that nobody asked for in time.',
    );
    this.#connections = telemetry.counter(
      'nephoscope_collector_libvirt_connections_total',
      'Connections made to a libvirt daemon.',
    );
    this.#sessionParts = {
      domains: this.#domains,
      clock,
      log,
      stepFailures: telemetry.counter(
        'nephoscope_collector_libvirt_step_failures_total',
        'Steps of reading libvirt that failed.',
        ['step'],
      ),
      stepSeconds: telemetry.histogram(
        'nephoscope_collector_libvirt_step_seconds',
        'How long each step of reading libvirt took.',
        { labelNames: ['step'] },
      ),
      intervalMs: options.intervalMs,
    };
  }

  async sample(sink: SampleSink, signal: AbortSignal): Promise<void> {
    await waitAtMost(this.#platform.clock, this.intervalMs * WAIT_SHARE, this.#advance(), signal);
    const dropped = this.#readings.flush(sink);
    if (dropped > 0) this.#dropped.add(dropped);
    const failure = this.#wasSeen ? (this.#failure ?? this.#session?.trouble) : undefined;
    this.#pushHealth(sink, failure);
    if (failure) throw failure;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#attempt?.abort(new LibvirtFailure('closed', 'the libvirt source was closed'));
    this.#session?.end();
    this.#session = undefined;
    this.#client?.close();
    this.#client = undefined;
    await this.#connecting;
  }

  /** Connects if it is time to, then reads. Never rejects. */
  async #advance(): Promise<void> {
    if (this.#isClosed) return;
    if (!this.#session) {
      if (!this.#connecting && this.#platform.clock.monotonic() < this.#nextTry) return;
      this.#connecting ??= this.#connect().finally(() => {
        this.#connecting = undefined;
      });
      await this.#connecting;
    }
    const session = this.#session;
    await session?.tick();
    if (session?.isCurrent && session === this.#session) this.#backoffMs = BACKOFF_MS_MIN;
  }

  /** While it is being connected to or listed for the first time, nothing is known and nothing is said. */
  #pushHealth(sink: SampleSink, failure: LibvirtFailure | undefined): void {
    if (failure) sink.push(UP, 0);
    if (failure || !this.#session?.isCurrent) return;
    sink.push(UP, 1);
    sink.push(DOMAINS, this.#domains.size);
    if (this.#versions) sink.push(this.#versions, 1);
  }

  async #connect(): Promise<void> {
    let failure: unknown;
    for (const path of this.#options.sockets) {
      try {
        await this.#connectTo(path);
        return;
      } catch (thrown) {
        if (this.#isClosed) return;
        // What a socket that is there says tells more than that another is not there.
        if (!isAbsent(thrown)) {
          failure = thrown;
          this.#wasSeen = true;
        }
      }
    }
    this.#putOff();
    this.#failure = this.#explained(failure);
    if (!this.#wasSeen && !this.#saidAbsent) {
      this.#saidAbsent = true;
      this.#platform.log.debug('this machine has no libvirt socket', {
        sockets: this.#options.sockets,
      });
    }
  }

  #putOff(): void {
    this.#nextTry = this.#platform.clock.monotonic() + this.#backoffMs;
    this.#backoffMs = Math.min(this.#backoffMs * 2, BACKOFF_MS_MAX);
  }

  #explained(failure: unknown): LibvirtFailure {
    if (failure instanceof LibvirtFailure && failure.code !== 'closed') return failure;
    const sockets = this.#options.sockets.join(', ');
    const reason = failure === undefined ? 'no socket is there' : messageOf(failure);
    return new LibvirtFailure(
      'unreachable',
      `no libvirt daemon answers on ${sockets} (${reason}): start libvirtd or virtqemud; until then the state of its domains is unknown`,
      { cause: failure },
    );
  }

  async #connectTo(path: string): Promise<void> {
    const { clock, network, log } = this.#platform;
    let session: Session | undefined;
    const attempt = new AbortController();
    this.#attempt = attempt;
    const cancel = clock.after(CONNECT_DEADLINE_MS, () =>
      attempt.abort(new LibvirtFailure('timeout', `connecting to ${path} took too long`)),
    );
    let client: LibvirtClient | undefined;
    client = await LibvirtClient.connect(
      path,
      { clock, network },
      {
        event: (procedure, reader) => session?.handleEvent(procedure, reader),
        lost: (failure) => this.#lost(client, failure),
      },
      attempt.signal,
    ).finally(cancel);
    this.#client = client;
    try {
      attempt.signal.throwIfAborted();
      await client.authenticate(OPEN_DEADLINE_MS);
      await client.open(this.#options.uri ?? 'qemu:///system', OPEN_DEADLINE_MS);
      session = new Session({ ...this.#sessionParts, client });
      await session.begin();
    } catch (thrown) {
      this.#client = undefined;
      session?.end();
      client.close();
      throw thrown;
    }
    this.#session = session;
    this.#wasSeen = true;
    this.#failure = undefined;
    this.#connections.add(1);
    this.#noteVersions(session);
    log.info('connected to libvirt', { socket: path, version: session.versions.library });
  }

  /** The library is our own client, which speaks the daemon's version. */
  #noteVersions({ versions }: Session): void {
    const labels = metric('libvirt_versions_info', {
      hypervisor_running: versions.hypervisor,
      libvirtd_running: versions.library,
      libvirt_library: versions.library,
    });
    if (this.#versions && equalLabels(this.#versions, labels)) return;
    if (this.#versions) {
      this.#readings.end(this.#versions, Math.round(this.#platform.clock.now()));
    }
    this.#versions = labels;
  }

  #lost(client: LibvirtClient | undefined, failure: LibvirtFailure): void {
    // While connecting, the call under way tells.
    if (this.#client !== client || !this.#session) return;
    this.#session.end();
    this.#session = undefined;
    this.#client = undefined;
    this.#failure = this.#explained(failure);
    this.#putOff();
  }
}

function isAbsent(thrown: unknown): boolean {
  return thrown instanceof NetworkFailure && thrown.code === 'not-found';
}

/** Waits for the work, but neither longer than the limit nor beyond the signal. */
async function waitAtMost(
  clock: Clock,
  limitMs: number,
  work: Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let release = (): void => {};
  const limit = new Promise<void>((resolve) => {
    release = resolve;
  });
  const cancel = clock.after(limitMs, release);
  signal.addEventListener('abort', release, { once: true });
  if (signal.aborted) release();
  try {
    await Promise.race([work, limit]);
  } finally {
    cancel();
    signal.removeEventListener('abort', release);
  }
}
