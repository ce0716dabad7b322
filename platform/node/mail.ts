import { createTransport } from 'nodemailer';
import { messageOf } from '../../model/failure.ts';
import { MailFailure } from '../mail.ts';
import type { MailFailureCode, MailMessage, MailServer, MailTransport } from '../mail.ts';

/**
 * One connection for each message. The library's timers watch inactivity, so a server that drips a byte
 * now and then could hold an attempt for ever: one deadline around all of it destroys the connection.
 */
const ATTEMPT_MS_MAX = 30_000;
const CONNECT_MS_MAX = 10_000;
const SILENCE_MS_MAX = 20_000;

export const nodeMail: MailTransport = {
  async send(message, server, signal) {
    const addresses = [message.from, ...message.to];
    if (message.to.length === 0) throw new MailFailure('bad-address', 'the mail has no recipient');
    for (const address of addresses) checkAddress(address);
    checkHeaders(message);
    const deadline = AbortSignal.timeout(ATTEMPT_MS_MAX);
    const either = AbortSignal.any([deadline, signal]);
    try {
      return await deliver(message, server, either);
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      throw mailFailure(thrown, server, deadline.aborted);
    }
  },
};

async function deliver(
  message: MailMessage,
  server: MailServer,
  signal: AbortSignal,
): Promise<string> {
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
  try {
    const recipients = message.to.map(bareAddress);
    const sent = await transport.sendMail({
      from: message.from,
      to: [...message.to],
      // Given explicitly, so that no parsing of a header can change who gets the message.
      envelope: { from: bareAddress(message.from), to: recipients },
      subject: message.subject,
      text: message.text,
      ...(message.html === undefined ? {} : { html: message.html }),
      headers: { ...message.headers },
      signal,
    });
    const refused = sent.rejected.map(String);
    return refused.length === 0
      ? sent.response
      : `${sent.response} (the server refused these recipients: ${refused.join(', ')})`;
  } finally {
    transport.close();
  }
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
  readonly responseCode?: unknown;
}

const UNREACHABLE = new Set(['ECONNECTION', 'EDNS', 'ESOCKET', 'ETIMEDOUT', 'EPROXY']);
/** Retrying cannot help these, unless the server itself called them temporary. */
const PERMANENT = new Set(['EAUTH', 'ENOAUTH', 'EENVELOPE', 'EMESSAGE', 'ETLS', 'EREQUIRETLS']);

function mailFailure(thrown: unknown, server: MailServer, outOfTime: boolean): MailFailure {
  if (thrown instanceof MailFailure) return thrown;
  const { code, responseCode } = (typeof thrown === 'object' && thrown ? thrown : {}) as SmtpError;
  let ours: MailFailureCode = 'temporary';
  if (outOfTime) ours = 'unreachable';
  else if (typeof responseCode === 'number' && responseCode >= 400) {
    ours = responseCode >= 500 ? 'permanent' : 'temporary';
  } else if (typeof code === 'string' && UNREACHABLE.has(code)) ours = 'unreachable';
  else if (typeof code === 'string' && PERMANENT.has(code)) ours = 'permanent';
  const what = outOfTime ? `gave no final answer within ${ATTEMPT_MS_MAX} ms` : messageOf(thrown);
  // The library keeps credentials out of its messages; should that ever change, this still does.
  const secret = server.password;
  const safe = secret ? what.replaceAll(secret, '<password>') : what;
  return new MailFailure(ours, `mail server ${server.host}:${server.port}: ${safe}`);
}
