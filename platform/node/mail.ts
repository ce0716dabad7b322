import { domainToASCII } from 'node:url';
import { createTransport } from 'nodemailer';
import { messageOf } from '../../model/failure.ts';
import { MailFailure } from '../mail.ts';
import type {
  MailFailureCode,
  MailMessage,
  MailReceipt,
  MailRefusal,
  MailServer,
  MailTransport,
} from '../mail.ts';

/**
 * One connection for each message. The library's timers watch inactivity, so a server that drips a byte
 * now and then could hold an attempt for ever: one deadline around all of it destroys the connection.
 */
const ATTEMPT_MS_MAX = 30_000;
const CONNECT_MS_MAX = 10_000;
const SILENCE_MS_MAX = 20_000;

export const nodeMail: MailTransport = {
  async send(message, server, signal) {
    const recipients = message.recipients ?? message.to;
    const addresses = [message.from, ...message.to, ...recipients];
    if (recipients.length === 0) throw new MailFailure('bad-address', 'the mail has no recipient');
    for (const address of addresses) checkAddress(address);
    checkHeaders(message);
    signal.throwIfAborted();
    const giveUp = new AbortController();
    let outOfTime = false;
    // Not AbortSignal.any: on Node 20 each call leaves something behind at a long-lived signal.
    const forward = (): void => giveUp.abort(signal.reason);
    signal.addEventListener('abort', forward, { once: true });
    const deadline = setTimeout(() => {
      outOfTime = true;
      giveUp.abort();
    }, ATTEMPT_MS_MAX);
    try {
      return await deliver(message, server, giveUp.signal);
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      throw mailFailure(thrown, server, outOfTime);
    } finally {
      clearTimeout(deadline);
      signal.removeEventListener('abort', forward);
    }
  },
};

async function deliver(
  message: MailMessage,
  server: MailServer,
  signal: AbortSignal,
): Promise<MailReceipt> {
  const transport = createTransport({
    host: server.host,
    port: server.port,
    // Port 465 speaks TLS from the first byte; everywhere else STARTTLS upgrades.
    secure: server.port === 465,
    requireTLS: server.requireTls && server.port !== 465,
    ...(server.hello === undefined ? {} : { name: server.hello }),
    ...(server.username === undefined
      ? {}
      : { auth: { user: server.username, pass: server.password ?? '' }, forceAuth: true }),
    tls: { minVersion: 'TLSv1.2', rejectUnauthorized: server.requireTls },
    connectionTimeout: CONNECT_MS_MAX,
    greetingTimeout: CONNECT_MS_MAX,
    dnsTimeout: CONNECT_MS_MAX,
    socketTimeout: SILENCE_MS_MAX,
    socketCloseTimeout: 1000,
    maxResponseSize: 64 * 1024,
    disableFileAccess: true,
    disableUrlAccess: true,
    logger: false,
  });
  const recipients = message.recipients ?? message.to;
  try {
    const sent = await transport.sendMail({
      from: message.from,
      to: [...message.to],
      // Given explicitly, so that no parsing of a header can change who gets the message.
      envelope: { from: bareAddress(message.from), to: recipients.map(bareAddress) },
      subject: message.subject,
      text: message.text,
      ...(message.html === undefined ? {} : { html: message.html }),
      headers: { ...message.headers },
      signal,
    });
    return receipt(
      recipients,
      sent.response,
      (sent as { rejectedErrors?: unknown }).rejectedErrors,
    );
  } catch (thrown) {
    const { rejectedErrors } = (typeof thrown === 'object' && thrown ? thrown : {}) as SmtpError;
    const none = receipt(recipients, '', rejectedErrors);
    const isNobody = none.accepted.length === 0;
    const isAboutSession = none.deferred.every(({ answer }) => SESSION_ANSWERS.has(codeOf(answer)));
    // Nobody was accepted, and that for reasons of the recipients' own.
    if (isNobody && (none.refused.length > 0 || !isAboutSession)) {
      return { ...none, answer: messageOf(thrown) };
    }
    throw thrown;
  } finally {
    transport.close();
  }
}

/** Who of the recipients was turned away, by the library's list of answers; the others were accepted. */
function receipt(
  recipients: readonly string[],
  answer: string,
  rejectedErrors: unknown,
): MailReceipt {
  const answers = new Map<string, string>();
  for (const error of Array.isArray(rejectedErrors) ? (rejectedErrors as SmtpError[]) : []) {
    answers.set(mailboxKey(String(error.recipient)), String(error.response));
  }
  const refusals = recipients.flatMap((recipient) => {
    const words = answers.get(mailboxKey(bareAddress(recipient)));
    return words === undefined ? [] : [{ recipient, answer: words }];
  });
  const isFinal = (refusal: MailRefusal): boolean => {
    const code = codeOf(refusal.answer);
    return code >= 500 && !SESSION_ANSWERS.has(code);
  };
  return {
    answer,
    accepted: recipients.filter((recipient) => !answers.has(mailboxKey(bareAddress(recipient)))),
    deferred: refusals.filter((refusal) => !isFinal(refusal)),
    refused: refusals.filter(isFinal),
  };
}

/** The library writes domains its own way; taken for another mailbox, one deferred would count as accepted. */
function mailboxKey(address: string): string {
  const at = address.lastIndexOf('@');
  const domain = address.slice(at + 1);
  return `${address.slice(0, at)}@${domainToASCII(domain) || domain.toLowerCase()}`;
}

function codeOf(answer: string): number {
  return Number(answer.slice(0, 3));
}

/** `Name <user@host>` or `user@host`, without anything that could end a header or start a list. */
const ADDRESS =
  /^(?:[^<>"\\,;:\p{Cc}]{0,128}<([^<>"\\,;:@\s\p{Cc}]{1,64}@[^<>"\\,;:@\s\p{Cc}]{1,255})>|([^<>"\\,;:@\s\p{Cc}]{1,64}@[^<>"\\,;:@\s\p{Cc}]{1,255}))$/u;

function checkAddress(address: string): void {
  if (!ADDRESS.test(address)) {
    throw new MailFailure(
      'bad-address',
      `${JSON.stringify(address)} is not a mail address: write user@host or Name <user@host>`,
    );
  }
}

function bareAddress(address: string): string {
  const parts = ADDRESS.exec(address);
  return parts?.[1] ?? parts?.[2] ?? address;
}

function checkHeaders(message: MailMessage): void {
  const texts = [message.subject, ...Object.entries(message.headers).flat()];
  for (const text of texts) {
    if (/[\r\n\0]/.test(text)) {
      throw new MailFailure('permanent', 'a mail header must not hold a line break');
    }
  }
}

interface SmtpError {
  readonly code?: unknown;
  /** The runtime's own code, where the library put one of its own over it. */
  readonly originalCode?: unknown;
  /** Of the server's answer, if there was one. */
  readonly responseCode?: unknown;
  /** Which command the server answered; `CONN` for the greeting. */
  readonly command?: unknown;
  /** Of the error of one recipient: who, and the server's words. */
  readonly recipient?: unknown;
  readonly response?: unknown;
  /** One for each recipient that was turned away. */
  readonly rejectedErrors?: unknown;
}

const UNREACHABLE = new Set(['ECONNECTION', 'EDNS', 'ESOCKET', 'ETIMEDOUT', 'EPROXY', 'EPROTOCOL']);
const TLS = new Set(['ETLS', 'EREQUIRETLS']);
/** How the runtime calls what it holds against a certificate or a handshake. */
const TLS_REASON = /^(?:ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;
const LOGIN = new Set(['EAUTH', 'ENOAUTH', 'EOAUTH2']);
const OPENING = new Set(['CONN', 'EHLO', 'HELO', 'LHLO']);
/** Not about any message: bad sequence, and the wishes for a login or for TLS (RFC 4954, RFC 3207). */
const SESSION_ANSWERS = new Set([503, 530, 534, 535, 538]);
/** The library itself will not send such a message. */
const IMPOSSIBLE = new Set(['EENVELOPE', 'EMESSAGE']);

function mailFailure(thrown: unknown, server: MailServer, outOfTime: boolean): MailFailure {
  if (thrown instanceof MailFailure) return thrown;
  const error = (typeof thrown === 'object' && thrown ? thrown : {}) as SmtpError;
  const code = outOfTime ? 'unreachable' : failureCode(error);
  const what = outOfTime ? `gave no final answer within ${ATTEMPT_MS_MAX} ms` : messageOf(thrown);
  // The library keeps credentials out of its messages; should that ever change, this still does.
  const secret = server.password;
  const safe = secret ? what.replaceAll(secret, '<password>') : what;
  return new MailFailure(code, `mail server ${server.host}:${server.port}: ${safe}`);
}

function failureCode(error: SmtpError): MailFailureCode {
  const [code, originalCode, command] = [error.code, error.originalCode, error.command].map(String);
  const answer = typeof error.responseCode === 'number' ? error.responseCode : 0;
  if (TLS.has(code!) || TLS_REASON.test(originalCode!)) return 'session-refused';
  const isNotYet = answer >= 400 && answer < 500;
  if (LOGIN.has(code!)) return isNotYet ? 'unreachable' : 'session-refused';
  // 421: the server is closing the connection, whatever it was asked.
  if (isNotYet) return answer === 421 || OPENING.has(command!) ? 'unreachable' : 'temporary';
  if (answer >= 500) {
    const isAboutSession = OPENING.has(command!) || command === 'MAIL FROM';
    return isAboutSession || SESSION_ANSWERS.has(answer) ? 'session-refused' : 'permanent';
  }
  if (UNREACHABLE.has(code!)) return 'unreachable';
  return IMPOSSIBLE.has(code!) ? 'permanent' : 'temporary';
}
