import type { Clock } from '../../platform/clock.ts';
import type { SimulatedKernel } from './simulated-kernel.ts';

/** USER_HZ: the unit of CPU times in /proc/stat, on every machine that matters. */
const TICKS_PER_SECOND = 100;

/**
 * A machine with one CPU whose `/proc` moves with the simulated clock. What it has said at any time can be
 * asked afterwards, to compare with what was stored.
 */
export class SimulatedHost {
  readonly #clock: Clock;
  /** Since `fromMs` the CPU works with `load`, having worked `seconds` before. */
  readonly #pieces: { readonly fromMs: number; readonly seconds: number; readonly load: number }[];
  readonly #bootMs: number;

  constructor(kernel: SimulatedKernel, clock: Clock) {
    this.#clock = clock;
    this.#bootMs = clock.now() - 1_000_000;
    this.#pieces = [{ fromMs: clock.now(), seconds: 100, load: 0 }];
    kernel.setAll({
      '/proc/stat': () => this.#stat(),
      '/proc/uptime': () => `${this.#uptimeSeconds().toFixed(2)} 0.00\n`,
      '/proc/loadavg': '0.50 0.40 0.30 1/100 1234\n',
      '/proc/meminfo': 'MemTotal: 8000000 kB\nMemFree: 4000000 kB\nMemAvailable: 6000000 kB\n',
      '/proc/net/dev': () => this.#netDev(),
      '/proc/pressure/cpu': 'some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n',
      '/proc/sys/kernel/hostname': 'simulated\n',
    });
  }

  /** From now on the CPU is busy to this part, 0 to 1. */
  setLoad(load: number): void {
    const fromMs = this.#clock.now();
    this.#pieces.push({ fromMs, seconds: this.#userSeconds(fromMs), load });
  }

  /** What /proc/stat said at a time, in seconds as an exporter shows them. */
  userSecondsShownAt(atMs: number): number {
    return Math.floor(this.#userSeconds(atMs) * TICKS_PER_SECOND) / TICKS_PER_SECOND;
  }

  #userSeconds(atMs: number): number {
    const piece = this.#pieces.findLast(({ fromMs }) => fromMs <= atMs) ?? this.#pieces[0]!;
    return piece.seconds + ((atMs - piece.fromMs) / 1000) * piece.load;
  }

  #uptimeSeconds(): number {
    return (this.#clock.now() - this.#bootMs) / 1000;
  }

  #stat(): string {
    const busy = Math.floor(this.#userSeconds(this.#clock.now()) * TICKS_PER_SECOND);
    const idle = Math.floor(this.#uptimeSeconds() * TICKS_PER_SECOND) - busy;
    const times = `${busy} 0 0 ${idle} 0 0 0 0 0 0`;
    return (
      `cpu  ${times}\ncpu0 ${times}\nctxt 1000\nbtime ${Math.floor(this.#bootMs / 1000)}\n` +
      'processes 100\nprocs_running 1\nprocs_blocked 0\n'
    );
  }

  #netDev(): string {
    const bytes = Math.floor(this.#uptimeSeconds() * 1000);
    return (
      'Inter-|   Receive                                                |  Transmit\n' +
      ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n' +
      `  eth0: ${bytes} ${Math.floor(bytes / 100)} 0 0 0 0 0 0 ${bytes} ${Math.floor(bytes / 100)} 0 0 0 0 0 0\n`
    );
  }
}
