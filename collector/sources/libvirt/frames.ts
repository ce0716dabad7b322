import { LibvirtFailure } from './failure.ts';

/**
 * libvirt's framing. Every message, in both directions:
 *
 *     length  program  version  procedure  type  serial  status | payload
 *     u32     u32      u32      i32        u32   u32     u32    | XDR
 *
 * The length counts itself. A reply carries the serial of its call, and replies come in any order.
 */
export const FRAME_BYTES_MIN = 28;
/** VIR_NET_MESSAGE_MAX and the length word itself. */
export const FRAME_BYTES_MAX = 16_777_220;

export const PROGRAM_REMOTE = 0x2000_8086;
export const PROGRAM_KEEPALIVE = 0x6b65_6570;
export const PROGRAM_VERSION = 1;

export const MESSAGE_CALL = 0;
export const MESSAGE_REPLY = 1;
export const MESSAGE_EVENT = 2;

export const STATUS_OK = 0;
export const STATUS_ERROR = 1;

export interface Frame {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
  /** Valid only until the receiver of the frame returns: the bytes are used again. */
  readonly payload: Uint8Array;
}

const NOTHING = new Uint8Array(0);
/** A buffer that one large message made larger than this is given back after it. */
const KEPT_BYTES_IDLE_MAX = 1_048_576;

export function encodeFrame(
  header: Omit<Frame, 'payload' | 'version'>,
  payload: Uint8Array = NOTHING,
): Uint8Array {
  const bytes = new Uint8Array(FRAME_BYTES_MIN + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length);
  view.setUint32(4, header.program);
  view.setUint32(8, PROGRAM_VERSION);
  view.setInt32(12, header.procedure);
  view.setUint32(16, header.type);
  view.setUint32(20, header.serial);
  view.setUint32(24, header.status);
  bytes.set(payload, FRAME_BYTES_MIN);
  return bytes;
}

/**
 * Cuts a stream of chunks into frames. Keeps only the bytes of an unfinished frame, and takes memory as
 * bytes arrive, not as a length announces them. Fails with code `protocol` on an impossible length, after
 * which the stream has no meaning any more.
 */
export class FrameSplitter {
  #kept = new Uint8Array(65_536);
  #length = 0;

  push(chunk: Uint8Array, receive: (frame: Frame) => void): void {
    // A frame that lies within one chunk is read where it lies.
    if (this.#length === 0) {
      const used = readFrames(chunk, chunk.length, receive);
      this.#keep(chunk.subarray(used));
      return;
    }
    this.#keep(chunk);
    const used = readFrames(this.#kept, this.#length, receive);
    if (used > 0) {
      this.#kept.copyWithin(0, used, this.#length);
      this.#length -= used;
      if (this.#length === 0 && this.#kept.length > KEPT_BYTES_IDLE_MAX) {
        this.#kept = new Uint8Array(65_536);
      }
    }
  }

  #keep(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#kept.length) {
      const larger = new Uint8Array(Math.max(needed, this.#kept.length * 2));
      larger.set(this.#kept.subarray(0, this.#length));
      this.#kept = larger;
    }
    this.#kept.set(bytes, this.#length);
    this.#length = needed;
  }
}

/** Hands over all whole frames at the beginning of `bytes`; returns how many bytes they took. */
function readFrames(bytes: Uint8Array, end: number, receive: (frame: Frame) => void): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = 0;
  while (end - start >= 4) {
    const length = view.getUint32(start);
    if (length < FRAME_BYTES_MIN || length > FRAME_BYTES_MAX) {
      throw new LibvirtFailure(
        'protocol',
        `libvirtd sent a message of ${length} bytes (allowed are ${FRAME_BYTES_MIN} to ${FRAME_BYTES_MAX}); is this socket libvirt's?`,
      );
    }
    if (end - start < length) break;
    receive({
      program: view.getUint32(start + 4),
      version: view.getUint32(start + 8),
      procedure: view.getInt32(start + 12),
      type: view.getUint32(start + 16),
      serial: view.getUint32(start + 20),
      status: view.getUint32(start + 24),
      payload: bytes.subarray(start + FRAME_BYTES_MIN, start + length),
    });
    start += length;
  }
  return start;
}
