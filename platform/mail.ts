import { Failure } from '../model/failure.ts';

/** Hands mail to an SMTP server. */
export interface MailTransport {
  /**
   * Resolves when the server has decided about each recipient, and after its final 250 if it accepted one:
   * that, and nothing earlier, means that somebody else is now responsible for these recipients. Rejects
   * with a `MailFailure` that concerns all of them.
   */
  send(message: MailMessage, server: MailServer, signal: AbortSignal): Promise<MailReceipt>;
}

/** Each recipient that was tried is in exactly one of the lists, written as in the message. */
export interface MailReceipt {
  /** The server's own words, at the end; or to the last recipient where it accepted none. */
  readonly answer: string;
  readonly accepted: readonly string[];
  /** Not now (4xx): to be tried again, and they alone. */
  readonly deferred: readonly MailRefusal[];
  /** Never (5xx). */
  readonly refused: readonly MailRefusal[];
}

export interface MailRefusal {
  readonly recipient: string;
  /** The server's words about this recipient. */
  readonly answer: string;
}

export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** Sent in EHLO. */
  readonly hello?: string;
  readonly username?: string;
  readonly password?: string;
  /** Refuse to send over a connection that did not become TLS. */
  readonly requireTls: boolean;
}

export interface MailMessage {
  readonly from: string;
  readonly to: readonly string[];
  /** Those of `to` that still need it; all of them by default. The header names all in any case. */
  readonly recipients?: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  /** Extra headers, name to value; line breaks in either are refused. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * What went wrong, and whom it concerns.
 *
 *   temporary        the server does not take this message now
 *   permanent        the server will never take this message
 *   unreachable      the server cannot be reached, is too slow or not ready: no message can be sent now
 *   session-refused  the server and we do not come to terms: its greeting, TLS, the login or the sender is
 *                    refused for good. No message can be sent until somebody changes that
 *   bad-address      an address is none; nothing was sent
 */
export type MailFailureCode =
  | 'temporary'
  | 'permanent'
  | 'unreachable'
  | 'session-refused'
  | 'bad-address';

export class MailFailure extends Failure<MailFailureCode> {
  override readonly name = 'MailFailure';
  /** Whether sending the same message later can help. */
  get worthRetrying(): boolean {
    return this.code !== 'permanent' && this.code !== 'bad-address';
  }
}
