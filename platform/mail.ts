import { Failure } from '../model/failure.ts';

/** Hands mail to an SMTP server. */
export interface MailTransport {
  /**
   * Resolves with the server's own words after its final 250 and not before: that, and nothing earlier,
   * means that somebody else is now responsible for the message. Rejects with a `MailFailure`.
   */
  send(message: MailMessage, server: MailServer, signal: AbortSignal): Promise<string>;
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
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  /** Extra headers, name to value; line breaks in either are refused. */
  readonly headers: Readonly<Record<string, string>>;
}

export type MailFailureCode = 'temporary' | 'permanent' | 'unreachable' | 'bad-address';

export class MailFailure extends Failure<MailFailureCode> {
  override readonly name = 'MailFailure';
  /** Whether sending the same message later can help. */
  get worthRetrying(): boolean {
    return this.code === 'temporary' || this.code === 'unreachable';
  }
}
