import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort, runToEnd, startNephoscope, temporaryDirectory } from './process.ts';
import type { RunningNephoscope } from './process.ts';
import { query, valueOf } from './prometheus-api.ts';
import { postWrite, remoteWrite, snappy, writeRequest } from './remote-write.ts';
import type { WrittenSeries } from './remote-write.ts';

// Bad input gets a clear answer, and nothing that was there before is lost.

const directory = temporaryDirectory();
const file = (name: string, content: string): string => {
  const path = join(directory.path, name);
  writeFileSync(path, content);
  return path;
};
let nephoscope: RunningNephoscope;

const good = (value: number): WrittenSeries => ({
  labels: { __name__: 'test_good' },
  samples: [{ timeMs: Date.now(), value }],
});

beforeAll(async () => {
  nephoscope = await startNephoscope({
    data: join(directory.path, 'data'),
    args: ['--roles', 'ingest,query,alerter,dashboard'],
  });
  expect((await remoteWrite(nephoscope.url, [good(1)])).ok).toBe(true);
});

afterAll(async () => {
  await nephoscope?.stop();
  directory.remove();
});

const peakMemoryBytes = (): number => {
  const status = readFileSync(`/proc/${nephoscope.processId}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)![1]) * 1024;
};

describe('a bad body', () => {
  const body = snappy(writeRequest([good(2)]));
  const bad: readonly (readonly [string, Uint8Array])[] = [
    ['garbage', Buffer.from('this is no snappy block, and no protobuf either')],
    ['nothing', Buffer.alloc(0)],
    ['a truncated snappy block', body.subarray(0, body.length - 5)],
    ['a length of 1 GiB in 7 bytes', Buffer.of(0x80, 0x80, 0x80, 0x80, 0x04, 0x00, 0x61)],
    ['a length beyond 32 bits', Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)],
    ['good snappy around bad protobuf', snappy(Buffer.of(0x0a, 0xff, 0xff, 0x03, 1, 2, 3))],
  ];
  for (const [what, bytes] of bad) {
    test(`${what} is refused with the reason, and costs no memory`, async () => {
      const before = peakMemoryBytes();
      const answer = await postWrite(nephoscope.url, bytes);
      const reason = await answer.text();
      expect([400, 413], reason).toContain(answer.status);
      expect(reason).toMatch(/\w+ \w+/);
      expect(peakMemoryBytes() - before).toBeLessThan(64 * 1024 * 1024);
      expect(await valueOf(nephoscope.url, 'test_good')).toBe(1);
    });
  }

  test('another content type is told what is taken', async () => {
    const answer = await fetch(`${nephoscope.url}/api/v1/write`, {
      method: 'POST',
      headers: { 'content-type': 'text/html' },
      body: 'x',
    });
    expect(answer.status).toBe(415);
    expect(await answer.text()).toContain('remote write');
  });

  test('of a body with good and bad samples the good are stored and the bad are told', async () => {
    const timeMs = Date.now();
    const answer = await remoteWrite(nephoscope.url, [
      { labels: { __name__: 'test_mixed', kind: 'good' }, samples: [{ timeMs, value: 1 }] },
      {
        labels: { __name__: 'test_mixed', kind: 'future' },
        samples: [{ timeMs: timeMs + 86_400_000, value: 1 }],
      },
    ]);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('too-far-in-future');
    const stored = await query(nephoscope.url, 'test_mixed');
    expect(stored.map(({ metric }) => metric['kind'])).toEqual(['good']);
    const metrics = await (await fetch(`${nephoscope.url}/metrics`)).text();
    expect(metrics).toMatch(/^nephoscope_ingest_\w+\{[^}]*too-far-in-future[^}]*\} 1$/m);
  });
});

describe('a bad query', () => {
  for (const text of ['rate(', 'sum by (', '1 +', 'nosuchfunction(up)', 'up{job=~"("}']) {
    test(`${text} is answered with 400 and what is wrong`, async () => {
      const parameters = new URLSearchParams({ query: text }).toString();
      const answer = await fetch(`${nephoscope.url}/api/v1/query?${parameters}`);
      const body = (await answer.json()) as { status: string; errorType: string; error: string };
      expect(answer.status).toBe(400);
      expect(body).toMatchObject({ status: 'error', errorType: 'bad_data' });
      expect(body.error.length).toBeGreaterThan(10);
    });
  }
});

describe('a bad start ends with 2 and says what to do', () => {
  const serve = async (...args: string[]) =>
    runToEnd([
      'serve',
      '--listen',
      `127.0.0.1:${await freePort()}`,
      '--data',
      join(directory.path, 'other'),
      ...args,
    ]);

  test('an unknown flag', async () => {
    const { code, stderr } = await serve('--retentoin', '3d');
    expect(code, stderr).toBe(2);
    expect(stderr).toContain('--retentoin');
    expect(stderr).toContain('--retention');
  });

  test('an unknown command', async () => {
    const { code, stderr } = await runToEnd(['sreve']);
    expect(code, stderr).toBe(2);
    expect(stderr).toContain('sreve');
  });

  test('a configuration file with a mistake, by file and line', async () => {
    const path = file('mistake.yml', 'store:\n  path: ./data\n  retention: soon\n');
    const { code, stderr } = await serve('--config', path);
    expect(code, stderr).toBe(2);
    expect(stderr).toContain(`${path}:3`);
    expect(stderr).toContain('retention');
  });

  test('a configuration file that is no YAML, by file and line', async () => {
    const path = file('broken.yml', 'server:\n  listen: "127.0.0.1:1\nstore: [\n');
    const { code, stderr } = await serve('--config', path);
    expect(code, stderr).toBe(2);
    expect(stderr).toMatch(/broken\.yml:[2-4]/);
  });

  test('a configuration file that is not there', async () => {
    const { code, stderr } = await serve('--config', join(directory.path, 'none.yml'));
    expect(code, stderr).toBe(2);
    expect(stderr).toContain('none.yml');
  });

  test('a rule file with a bad expression, by file and line', async () => {
    const path = file(
      'rules.yml',
      'groups:\n  - name: a\n    rules:\n      - alert: A\n        expr: sum(\n',
    );
    const { code, stderr } = await serve('--rules', path);
    expect(code, stderr).toBe(2);
    expect(stderr).toMatch(/rules\.yml:5/);
  });

  test('an address that is not loopback', async () => {
    const { code, stderr } = await runToEnd(['serve', '--listen', '0.0.0.0:0']);
    expect(code, stderr).toBe(2);
    expect(stderr).toContain('loopback');
  });

  test('a port that somebody has', async () => {
    const { code, stderr } = await serve('--listen', `127.0.0.1:${nephoscope.port}`);
    expect(code, stderr).toBe(2);
    expect(stderr).toContain(String(nephoscope.port));
  });

  test('a directory that another process has, which goes on unharmed', async () => {
    const { code, stderr } = await serve('--data', nephoscope.data);
    expect(code, stderr).toBe(2);
    expect(stderr).toContain(String(nephoscope.processId));
    expect((await remoteWrite(nephoscope.url, [good(3)])).ok).toBe(true);
    expect(await valueOf(nephoscope.url, 'test_good')).toBe(3);
  });
});

/** A live stream of one query that has begun to answer; whoever opens one sees it end with the server. */
async function openStream(
  url: string,
  query: string,
): Promise<{ isOpen(): boolean; readonly ended: Promise<string> }> {
  const { body } = await fetch(`${url}/api/nephoscope/v1/live`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ panels: [{ id: query, query }] }),
  });
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
  let isOpen = true;
  let text = (await reader.read()).value ?? '';
  const rest = async (): Promise<string> => {
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return text;
        text += value;
      }
    } catch {
      // Cut off rather than ended, which is as good to who was reading.
      return text;
    } finally {
      isOpen = false;
    }
  };
  return { isOpen: () => isOpen, ended: rest() };
}

describe('stopping', () => {
  test('SIGTERM ends it with 0 within 10 s, also with a stream and a slow sender open; nothing is lost', async () => {
    const data = join(directory.path, 'stopped');
    const first = await startNephoscope({ data });
    expect((await remoteWrite(first.url, [good(7)])).ok).toBe(true);
    const stream = await openStream(first.url, 'test_good');
    const slow = connect({ port: first.port, host: '127.0.0.1' });
    slow.on('error', () => {});
    await new Promise<void>((resolve) => slow.once('connect', resolve));
    slow.write(
      'POST /api/v1/write HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\nContent-Length: 99\r\n\r\nx',
    );
    expect(stream.isOpen()).toBe(true);
    const exit = await first.stop();
    expect(await stream.ended).toContain('"test_good"');
    slow.destroy();
    expect(exit).toMatchObject({ code: 0, signal: null });
    expect(exit.afterMs).toBeLessThan(10_000);
    const second = await startNephoscope({ data });
    expect(await valueOf(second.url, 'test_good')).toBe(7);
    expect((await second.stop()).code).toBe(0);
  });

  test('it says nothing in the log that is an error', () => {
    expect(nephoscope.log.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
