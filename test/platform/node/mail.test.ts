import * as net from 'node:net';
import { createInterface } from 'node:readline';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerOptions } from 'smtp-server';
import { afterEach, expect, test } from 'vitest';
import type { MailMessage, MailServer } from '../../../platform/mail.ts';
import { nodeMail } from '../../../platform/node/mail.ts';

const stops: (() => void)[] = [];

afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

const MESSAGE: MailMessage = {
  from: 'Nephoscope <alerts@example.org>',
  to: ['ops@example.org'],
  subject: 'Host down',
  text: 'the host is down',
  headers: { 'X-Alert': 'HostDown' },
};

function portOf(server: net.Server): number {
  return (server.address() as net.AddressInfo).port;
}

async function smtp(options: SMTPServerOptions): Promise<MailServer> {
  const server = new SMTPServer({ authOptional: true, disabledCommands: ['STARTTLS'], ...options });
  stops.push(() => server.close(() => {}));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return { host: '127.0.0.1', port: portOf(server.server), requireTls: false };
}

/** A server that answers each command, by its first word, as told, and otherwise as if all were well. */
async function scripted(answers: Readonly<Record<string, string>>): Promise<MailServer> {
  const server = net.createServer((socket) => {
    stops.push(() => socket.destroy());
    socket.on('error', () => {});
    const say = (command: string, otherwise: string): void => {
      const answer = answers[command] ?? otherwise;
      socket.write(`${answer}\r\n`);
      if (answer.startsWith('421')) socket.end();
    };
    let inData = false;
    createInterface({ input: socket }).on('line', (line) => {
      if (inData) {
        if (line !== '.') return;
        inData = false;
        say('.', '250 taken');
        return;
      }
      const command = line.split(/[ :]/)[0]!;
      inData = command === 'DATA' && answers[command] === undefined;
      say(command, inData ? '354 go on' : '250 fine');
    });
    say('connection', '220 here');
  });
  stops.push(() => server.close());
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return { host: '127.0.0.1', port: portOf(server), requireTls: false };
}

const never = new AbortController().signal;

test('a message arrives whole, and the answer is the words of the server', async () => {
  let content = '';
  let recipients: string[] = [];
  const server = await smtp({
    onData(stream, session, callback) {
      recipients = session.envelope.rcptTo.map(({ address }) => address);
      stream.on('data', (chunk: Buffer) => (content += chunk.toString()));
      stream.on('end', () => callback(null));
    },
  });
  expect(await nodeMail.send(MESSAGE, server, never)).toEqual({
    answer: expect.stringMatching(/^250 /) as string,
    accepted: ['ops@example.org'],
    deferred: [],
    refused: [],
  });
  expect(recipients).toEqual(['ops@example.org']);
  expect(content).toContain('Subject: Host down');
  expect(content).toContain('X-Alert: HostDown');
  expect(content).toContain('the host is down');
});

/** Answers each recipient with the code that its name begins with. */
async function choosy(arrived: string[][]): Promise<MailServer> {
  return smtp({
    onRcptTo({ address }, _, callback) {
      const responseCode = Number(/^\d+/.exec(address)?.[0] ?? 250);
      if (responseCode < 400) callback();
      else callback(Object.assign(new Error(`no ${address}`), { responseCode }));
    },
    onData(stream, session, callback) {
      let content = '';
      stream.on('data', (chunk: Buffer) => (content += chunk.toString()));
      stream.on('end', () => {
        const names = session.envelope.rcptTo.map(({ address }) => address);
        arrived.push([/^To: .*$/m.exec(content)![0].trim(), ...names]);
        callback(null);
      });
    },
  });
}

test('each recipient has an outcome of its own', async () => {
  const arrived: string[][] = [];
  const to = [
    '451a@x.org',
    'Ops <b@x.org>',
    '550c@x.org',
    'd@x.org',
    '530f@x.org',
    '450g@MÜNCHEN.org',
  ];
  const receipt = await nodeMail.send({ ...MESSAGE, to }, await choosy(arrived), never);
  expect(receipt).toEqual({
    answer: expect.stringMatching(/^250 /) as string,
    accepted: ['Ops <b@x.org>', 'd@x.org'],
    deferred: [
      { recipient: '451a@x.org', answer: '451 no 451a@x.org' },
      // Asking for a login says nothing about a mailbox.
      { recipient: '530f@x.org', answer: '530 no 530f@x.org' },
      { recipient: '450g@MÜNCHEN.org', answer: expect.stringMatching(/^450 no 450g@/) as string },
    ],
    refused: [{ recipient: '550c@x.org', answer: '550 no 550c@x.org' }],
  });
  expect(arrived).toHaveLength(1);
  expect(arrived[0]!.slice(1)).toEqual(['b@x.org', 'd@x.org']);
});

test('those who still need it get it alone, and the header names everybody as before', async () => {
  const arrived: string[][] = [];
  const message = { ...MESSAGE, to: ['a@x.org', 'b@x.org'], recipients: ['b@x.org'] };
  const { accepted } = await nodeMail.send(message, await choosy(arrived), never);
  expect([accepted, arrived]).toEqual([['b@x.org'], [['To: a@x.org, b@x.org', 'b@x.org']]]);
});

test('a server that takes nobody has decided about each all the same', async () => {
  const arrived: string[][] = [];
  const server = await choosy(arrived);
  const to = ['451a@x.org', '550b@x.org'];
  expect(await nodeMail.send({ ...MESSAGE, to }, server, never)).toMatchObject({
    accepted: [],
    deferred: [{ recipient: '451a@x.org' }],
    refused: [{ recipient: '550b@x.org' }],
  });
  expect(arrived).toEqual([]);
});

test('a server that wants a login before any recipient is trouble of the server', async () => {
  const to = ['530a@x.org', '530b@x.org'];
  await expect(nodeMail.send({ ...MESSAGE, to }, await choosy([]), never)).rejects.toMatchObject({
    code: 'session-refused',
  });
});

const LOGIN = { username: 'user', password: 'hunter22' };
const WITH_LOGIN = { EHLO: '250-here\r\n250 AUTH PLAIN' };

test.each([
  ['554 go away', 'connection', 'session-refused', {}],
  ['421 busy', 'connection', 'unreachable', {}],
  ['450 busy', 'connection', 'unreachable', {}],
  ['421 busy', 'EHLO', 'unreachable', {}],
  ['535 5.7.8 expired', 'AUTH', 'session-refused', { ...LOGIN }],
  ['454 4.7.0 try later', 'AUTH', 'unreachable', { ...LOGIN }],
  ['550 you may not send', 'MAIL', 'session-refused', {}],
  ['530 authentication required', 'MAIL', 'session-refused', {}],
  ['451 greylisted', 'MAIL', 'temporary', {}],
  ['503 bad sequence', 'DATA', 'session-refused', {}],
  ['554 spam', 'DATA', 'permanent', {}],
  ['554 spam', '.', 'permanent', {}],
  ['452 full', '.', 'temporary', {}],
  ['421 going down', '.', 'unreachable', {}],
] as const)('%j to %s is %s', async (answer, command, code, login) => {
  const more = command === 'AUTH' ? WITH_LOGIN : {};
  const server = { ...(await scripted({ ...more, [command]: answer })), ...login };
  const failure = await nodeMail.send(MESSAGE, server, never).catch((thrown: unknown) => thrown);
  expect(failure).toMatchObject({ code, worthRetrying: code !== 'permanent' });
  expect(String(failure)).toContain(answer.slice(4));
});

test('a certificate that nobody vouches for is trouble of the server', async () => {
  const server = await smtp({ disabledCommands: [] });
  const strict = { ...server, requireTls: true };
  const failure = await nodeMail.send(MESSAGE, strict, never).catch((thrown: unknown) => thrown);
  expect(failure).toMatchObject({ code: 'session-refused' });
  expect(String(failure)).toMatch(/certificate/);
});

test('a server that promises STARTTLS and then speaks no TLS is trouble of the server', async () => {
  const server = await scripted({ EHLO: '250-here\r\n250 STARTTLS', STARTTLS: '454 not now' });
  await expect(
    nodeMail.send(MESSAGE, { ...server, requireTls: true }, never),
  ).rejects.toMatchObject({ code: 'session-refused' });
});

test('nobody listening is unreachable', async () => {
  const server = net.createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const port = portOf(server);
  await new Promise((resolve) => {
    server.close(resolve);
  });
  await expect(
    nodeMail.send(MESSAGE, { host: '127.0.0.1', port, requireTls: false }, never),
  ).rejects.toMatchObject({ code: 'unreachable', worthRetrying: true });
});

test('a server that stays silent is left when the signal says so', async () => {
  const silent = net.createServer();
  stops.push(() => silent.close());
  await new Promise<void>((resolve) => {
    silent.listen(0, '127.0.0.1', resolve);
  });
  const giveUp = new AbortController();
  silent.once('connection', (socket) => {
    stops.push(() => socket.destroy());
    giveUp.abort(new Error('stopping'));
  });
  await expect(
    nodeMail.send(
      MESSAGE,
      { host: '127.0.0.1', port: portOf(silent), requireTls: false },
      giveUp.signal,
    ),
  ).rejects.toThrow('stopping');
});

test('without TLS nothing is sent where TLS is required, and no password is told', async () => {
  let arrived = false;
  const server = await smtp({
    onData(stream, _, callback) {
      arrived = true;
      stream.resume();
      stream.on('end', () => callback(null));
    },
  });
  const strict = { ...server, requireTls: true, username: 'u', password: 'hunter22' };
  const failure = await nodeMail.send(MESSAGE, strict, never).catch((thrown: unknown) => thrown);
  expect(failure).toMatchObject({ code: 'session-refused', worthRetrying: true });
  expect(String(failure)).not.toContain('hunter22');
  expect(arrived).toBe(false);
});

test('a wrong password is trouble of the server and stays secret', async () => {
  const server = await smtp({
    authOptional: false,
    allowInsecureAuth: true,
    onAuth: (_, __, callback) => callback(new Error('invalid')),
  });
  const wrong = { ...server, username: 'user', password: 'hunter22' };
  const failure = await nodeMail.send(MESSAGE, wrong, never).catch((thrown: unknown) => thrown);
  expect(failure).toMatchObject({ code: 'session-refused', worthRetrying: true });
  expect(String(failure)).not.toContain('hunter22');
});

test.each([
  ['two\r\nBcc: x@example.org'],
  ['a@example.org, b@example.org'],
  ['a@example.org\r\nRCPT TO:<x@example.org>'],
  ['nobody'],
  [''],
])('the address %j is refused before anything is sent', async (address) => {
  const nowhere = { host: '127.0.0.1', port: 1, requireTls: false };
  await expect(nodeMail.send({ ...MESSAGE, to: [address] }, nowhere, never)).rejects.toMatchObject({
    code: 'bad-address',
  });
});

test('line breaks in headers are refused', async () => {
  const nowhere = { host: '127.0.0.1', port: 1, requireTls: false };
  await expect(
    nodeMail.send({ ...MESSAGE, subject: 'a\nBcc: x@example.org' }, nowhere, never),
  ).rejects.toMatchObject({ code: 'permanent' });
});
