import { messageOf } from '../../../model/failure.ts';
import { withDeadline } from '../../../platform/clock.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Connection, Network } from '../../../platform/network.ts';
import { LibvirtFailure } from './failure.ts';
import {
  encodeFrame,
  FrameSplitter,
  MESSAGE_CALL,
  MESSAGE_EVENT,
  MESSAGE_REPLY,
  PROGRAM_KEEPALIVE,
  PROGRAM_REMOTE,
  PROGRAM_VERSION,
  STATUS_OK,
} from './frames.ts';
import type { Frame } from './frames.ts';
import {
  AUTH_NONE,
  AUTH_POLKIT,
  FEATURE_KEEPALIVE,
  OPEN_READ_ONLY,
  PROCEDURE,
  readIntegers,
  readRemoteError,
} from './protocol.ts';
import { XdrReader, XdrWriter } from './xdr.ts';

/**
 * One connection to a libvirt daemon: calls and their replies, matched by serial, and events.
 *
 *     call ──▶ waiting (≤ 256) ──▶ in flight (≤ 4) ──▶ reply
 *                                     └─ deadline ──▶ abandoned, still in flight for the daemon
 *
 * The daemon answers at most five requests of one client at a time. A call whose deadline passed goes on
 * occupying the daemon, so it goes on counting as in flight; when nothing but such calls is left, the
 * daemon is stuck and the connection is given up. Whatever arrives, nothing is ever thrown at the network:
 * a malformed message ends the connection with an error that says what was wrong with it.
 */
const CALLS_IN_FLIGHT_MAX = 4;
const CALLS_WAITING_MAX = 256;
const KEEPALIVE_PING = 1;
const KEEPALIVE_PONG = 2;
const NO_PAYLOAD = new Uint8Array(0);

export interface ClientEvents {
  /** An event that was registered for; the reader stands at the callback id and is valid only now. */
  event(procedure: number, reader: XdrReader): void;
  /** Called once, when the connection has ended for whatever reason but `close`. */
  lost(failure: LibvirtFailure): void;
}

interface Call {
  readonly procedure: number;
  readonly payload: Uint8Array;
  readonly settle: (frame: Frame) => void;
  readonly fail: (failure: LibvirtFailure) => void;
  abandoned: boolean;
}

export class LibvirtClient {
  readonly #clock: Clock;
  readonly #events: ClientEvents;
  readonly #splitter = new FrameSplitter();
  readonly #inFlight = new Map<number, Call>();
  readonly #waiting: Call[] = [];
  #connection: Connection | undefined;
  #ended: LibvirtFailure | undefined;
  #serial = 0;

  private constructor(clock: Clock, events: ClientEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  /** Connects only; `authenticate` and `open` come next. Rejects with a `NetworkFailure`. */
  static async connect(
    path: string,
    platform: { readonly clock: Clock; readonly network: Network },
    events: ClientEvents,
    signal: AbortSignal,
  ): Promise<LibvirtClient> {
    const client = new LibvirtClient(platform.clock, events);
    const connection = await platform.network.connectLocal(
      path,
      {
        data: (bytes) => client.#receive(bytes),
        closed: (error) =>
          client.#end(
            new LibvirtFailure(
              'closed',
              error
                ? `the connection to libvirtd broke: ${error.message}`
                : 'libvirtd closed the connection',
              error ? { cause: error } : undefined,
            ),
          ),
      },
      signal,
    );
    client.#connection = connection;
    // The end may have come before we knew what to close.
    if (client.#ended) connection.close();
    return client;
  }

  /** Must come before anything else: the daemon refuses all other calls of a client it does not know. */
  async authenticate(deadlineMs: number): Promise<void> {
    const kinds = await this.call(PROCEDURE.authList, NO_PAYLOAD, readIntegers, deadlineMs);
    if (kinds.length === 0 || kinds.includes(AUTH_NONE)) return;
    const remedy =
      'run the collector as root, set auth_unix_ro = "none" in libvirtd.conf, or add a polkit rule that grants org.libvirt.unix.monitor to its user';
    if (!kinds.includes(AUTH_POLKIT)) {
      throw new LibvirtFailure(
        'not-authorized',
        `libvirtd wants an authentication that is not supported (kinds ${kinds.join(', ')}): ${remedy}`,
      );
    }
    try {
      await this.call(PROCEDURE.authPolkit, NO_PAYLOAD, (reader) => reader.int32(), deadlineMs);
    } catch (thrown) {
      if (!(thrown instanceof LibvirtFailure) || thrown.code !== 'remote') throw thrown;
      throw new LibvirtFailure(
        'not-authorized',
        `libvirtd's polkit refuses to let this user read: ${remedy} (${thrown.message})`,
        { cause: thrown },
      );
    }
  }

  /** Opens the hypervisor for reading only and lets the daemon notice when we are gone. */
  async open(uri: string, deadlineMs: number): Promise<void> {
    const payload = new XdrWriter().optionalString(uri).uint32(OPEN_READ_ONLY).finish();
    await this.call(PROCEDURE.open, payload, () => undefined, deadlineMs);
    // Asking is what switches the daemon's keepalive on. Our own side needs none: each call has a deadline.
    await this.supports(FEATURE_KEEPALIVE, deadlineMs);
  }

  async supports(feature: number, deadlineMs: number): Promise<boolean> {
    const payload = new XdrWriter().int32(feature).finish();
    return this.call(
      PROCEDURE.supportsFeature,
      payload,
      (reader) => reader.int32() !== 0,
      deadlineMs,
    );
  }

  /**
   * Calls a procedure and decodes its answer. Rejects with a `LibvirtFailure`, at the latest when the
   * deadline passes, which includes the time spent waiting for other calls.
   */
  async call<T>(
    procedure: number,
    payload: Uint8Array,
    decode: (reader: XdrReader) => T,
    deadlineMs: number,
  ): Promise<T> {
    if (this.#ended) throw this.#ended;
    if (this.#waiting.length >= CALLS_WAITING_MAX) {
      throw new LibvirtFailure(
        'busy',
        `${CALLS_WAITING_MAX} calls wait for libvirtd already; it answers too slowly`,
      );
    }
    let call!: Call;
    const answer = new Promise<T>((resolve, reject) => {
      call = {
        procedure,
        payload,
        settle: (frame) => {
          if (frame.status === STATUS_OK) resolve(decode(new XdrReader(frame.payload)));
          else reject(readRemoteError(new XdrReader(frame.payload)));
        },
        fail: reject,
        abandoned: false,
      };
    });
    this.#waiting.push(call);
    this.#sendWaiting();
    return this.#answerInTime(call, answer, deadlineMs);
  }

  async #answerInTime<T>(call: Call, answer: Promise<T>, deadlineMs: number): Promise<T> {
    const what = `libvirtd's answer to procedure ${call.procedure}`;
    try {
      return await withDeadline(this.#clock, deadlineMs, what, () => answer);
    } catch (thrown) {
      if (thrown instanceof LibvirtFailure) throw thrown;
      this.#abandon(call);
      throw new LibvirtFailure('timeout', messageOf(thrown), { cause: thrown });
    }
  }

  #abandon(call: Call): void {
    call.abandoned = true;
    const place = this.#waiting.indexOf(call);
    if (place >= 0) this.#waiting.splice(place, 1);
    const stuck = [...this.#inFlight.values()].every((each) => each.abandoned);
    if (stuck && this.#inFlight.size >= CALLS_IN_FLIGHT_MAX) {
      this.#end(
        new LibvirtFailure('timeout', `libvirtd left ${this.#inFlight.size} calls unanswered`),
      );
    }
  }

  #sendWaiting(): void {
    while (this.#connection && !this.#ended && this.#inFlight.size < CALLS_IN_FLIGHT_MAX) {
      const call = this.#waiting.shift();
      if (!call) return;
      this.#serial = (this.#serial % 0xffff_ffff) + 1;
      this.#inFlight.set(this.#serial, call);
      this.#connection.write(
        encodeFrame(
          {
            program: PROGRAM_REMOTE,
            procedure: call.procedure,
            type: MESSAGE_CALL,
            serial: this.#serial,
            status: STATUS_OK,
          },
          call.payload,
        ),
      );
    }
  }

  #receive(bytes: Uint8Array): void {
    if (this.#ended) return;
    try {
      this.#splitter.push(bytes, (frame) => this.#handle(frame));
    } catch (thrown) {
      this.#end(
        thrown instanceof LibvirtFailure
          ? thrown
          : new LibvirtFailure('protocol', `a message could not be read: ${messageOf(thrown)}`, {
              cause: thrown,
            }),
      );
    }
  }

  #handle(frame: Frame): void {
    if (this.#ended) return;
    if (frame.program === PROGRAM_KEEPALIVE) {
      if (frame.procedure === KEEPALIVE_PING) this.#pong();
      return;
    }
    if (frame.program !== PROGRAM_REMOTE || frame.version !== PROGRAM_VERSION) {
      throw new LibvirtFailure(
        'protocol',
        `libvirtd sent a message of program ${frame.program} version ${frame.version}, which we did not call`,
      );
    }
    if (frame.type === MESSAGE_EVENT) {
      this.#events.event(frame.procedure, new XdrReader(frame.payload));
      return;
    }
    const call = this.#inFlight.get(frame.serial);
    if (frame.type !== MESSAGE_REPLY || !call || call.procedure !== frame.procedure) {
      throw new LibvirtFailure(
        'protocol',
        `libvirtd sent a message of type ${frame.type} for procedure ${frame.procedure} with serial ${frame.serial}, which answers no call`,
      );
    }
    this.#inFlight.delete(frame.serial);
    if (!call.abandoned) this.#settle(call, frame);
    this.#sendWaiting();
  }

  #settle(call: Call, frame: Frame): void {
    try {
      call.settle(frame);
    } catch (thrown) {
      const failure =
        thrown instanceof LibvirtFailure
          ? thrown
          : new LibvirtFailure('protocol', messageOf(thrown), { cause: thrown });
      call.fail(failure);
      throw failure;
    }
  }

  #pong(): void {
    this.#connection?.write(
      encodeFrame({
        program: PROGRAM_KEEPALIVE,
        procedure: KEEPALIVE_PONG,
        type: MESSAGE_EVENT,
        serial: 0,
        status: STATUS_OK,
      }),
    );
  }

  /** Ends without telling `lost`; calls under way are rejected. May be called more than once. */
  close(): void {
    this.#end(new LibvirtFailure('closed', 'the connection to libvirtd was closed here'), false);
  }

  #end(failure: LibvirtFailure, tell = true): void {
    if (this.#ended) return;
    this.#ended = failure;
    const calls = [...this.#inFlight.values(), ...this.#waiting];
    this.#inFlight.clear();
    this.#waiting.length = 0;
    for (const call of calls) call.fail(failure);
    this.#connection?.close();
    if (tell) this.#events.lost(failure);
  }
}
