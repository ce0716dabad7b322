import { beforeAll, describe, expect, test } from 'vitest';
import { NOW_MS, httpBench } from './instance.ts';
import type { HttpBench } from './instance.ts';

let bench: HttpBench;

beforeAll(async () => {
  bench = await httpBench();
});

interface Body {
  readonly status: string;
  readonly data?: any; // oxlint-disable-line typescript/no-explicit-any -- answers are checked by value
  readonly errorType?: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
}

async function ask(
  url: string,
  options: { method?: 'GET' | 'POST' | 'PUT' | 'DELETE'; form?: string; type?: string } = {},
): Promise<{ status: number; body: Body; headers: Readonly<Record<string, unknown>> }> {
  const {
    method = 'GET',
    form,
    type = 'application/x-www-form-urlencoded;charset=UTF-8',
  } = options;
  const answer = await bench.app.inject({
    method,
    url,
    ...(form === undefined ? {} : { payload: form, headers: { 'content-type': type } }),
  });
  return { status: answer.statusCode, body: answer.json(), headers: answer.headers };
}

const seconds = NOW_MS / 1000;

describe('query', () => {
  test('as Grafana tests a data source: POST, a form with a charset, and time 4', async () => {
    const { status, body } = await ask('/api/v1/query', {
      method: 'POST',
      form: 'query=1%2B1&time=4&timeout=60s',
    });
    expect(status).toBe(200);
    expect(body).toEqual({ status: 'success', data: { resultType: 'scalar', result: [4, '2'] } });
  });

  test('now, without a time', async () => {
    const { body } = await ask('/api/v1/query?query=up&_=1');
    expect(body.data.result).toHaveLength(2);
    expect(body.data.result[0].value).toEqual([seconds, '1']);
  });

  test.each([
    String(seconds),
    `${seconds}.0001234`,
    '2023-11-14T22:13:20Z',
    '2023-11-14T23:13:20.000%2B01:00',
  ])('at %s', async (time) => {
    const { body } = await ask(`/api/v1/query?query=load&time=${time}`);
    expect(body.data.result[0].value).toEqual([seconds, '0.5']);
  });

  test('parameters of the form and of the URL count together, the form first', async () => {
    const { body } = await ask('/api/v1/query?query=2&time=5', { method: 'POST', form: 'query=1' });
    expect(body.data.result).toEqual([5, '1']);
  });

  test('a limit cuts the answer and says so', async () => {
    const { body } = await ask('/api/v1/query?query=up&limit=1');
    expect(body.data.result).toHaveLength(1);
    expect(body.warnings).toEqual(['results truncated due to limit']);
  });

  test.each([
    ['query', 'query='],
    ['query', 'time=4'],
    ['time', 'query=1&time=yesterday'],
    ['time', 'query=1&time=NaN'],
    ['timeout', 'query=1&timeout=-1'],
    ['timeout', 'query=1&timeout=x'],
    ['limit', 'query=1&limit=-1'],
  ])('a bad %s in %s is 400 bad_data', async (name, parameters) => {
    const { status, body } = await ask(`/api/v1/query?${parameters}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ status: 'error', errorType: 'bad_data' });
    expect(body.error).toContain(`"${name}"`);
  });

  test('a text that cannot be read is 400 with the place', async () => {
    const { status, body } = await ask('/api/v1/query?query=sum(');
    expect(status).toBe(400);
    expect(body.errorType).toBe('bad_data');
    expect(body.error).toContain('parse error');
  });

  test('what fails while it runs is 422', async () => {
    const { status, body } = await ask('/api/v1/query?query=up%20%2B%20on(job)%20up');
    expect(status).toBe(422);
    expect(body.errorType).toBe('execution');
  });
});

describe('query_range', () => {
  const range = `start=${seconds - 10}&end=${seconds}`;

  test('gives a matrix', async () => {
    const { body } = await ask(`/api/v1/query_range?query=load&${range}&step=5`);
    expect(body.data.resultType).toBe('matrix');
    expect(body.data.result[0].values).toEqual([[seconds, '0.5']]);
  });

  test.each(['5s', '5', '5.0', '1e1'])('with a step of %s', async (step) => {
    const { status } = await ask(`/api/v1/query_range?query=load&${range}&step=${step}`);
    expect(status).toBe(200);
  });

  test.each(['', '0', '-1', 'x', '5 s', 'NaN', 'Inf'])('not with a step of %j', async (step) => {
    const { status, body } = await ask(`/api/v1/query_range?query=load&${range}&step=${step}`);
    expect(status).toBe(400);
    expect(body.error).toContain('"step"');
  });

  test('11,000 points are allowed, more are 400', async () => {
    const ask11 = (points: number) =>
      ask(`/api/v1/query_range?query=load&start=0&end=${points}&step=1`);
    expect((await ask11(11_000)).status).toBe(200);
    const { status, body } = await ask11(11_001);
    expect(status).toBe(400);
    expect(body.error).toContain('exceeded maximum resolution of 11,000 points per timeseries');
  });

  test('the end must not be before the start', async () => {
    const { status } = await ask('/api/v1/query_range?query=load&start=10&end=9&step=1');
    expect(status).toBe(400);
  });
});

describe('names', () => {
  test('labels, with repeated selectors, a year ahead, by POST', async () => {
    const form = `match[]=up&match[]=load&end=${seconds + 31_536_000}&start=0`;
    const { body } = await ask('/api/v1/labels', { method: 'POST', form });
    expect(body.data).toEqual(['__name__', 'instance', 'job']);
  });

  test('label values, all and of a selector, with a limit', async () => {
    expect((await ask('/api/v1/label/__name__/values')).body.data).toEqual(['load', 'up']);
    const selected = await ask(
      '/api/v1/label/instance/values?match[]=up%7Binstance%3D~%22b.*%22%7D',
    );
    expect(selected.body.data).toEqual(['b']);
    const limited = await ask('/api/v1/label/instance/values?limit=1');
    expect(limited.body.data).toEqual(['a']);
    expect(limited.body.warnings).toHaveLength(1);
    expect((await ask('/api/v1/label/U__inst_61_nce/values')).body.data).toEqual(['a', 'b']);
    expect((await ask('/api/v1/label/nothing/values')).body.data).toEqual([]);
  });

  test('series of any selector, each once', async () => {
    const { body } = await ask('/api/v1/series?match[]=up&match[]=%7Bjob%3D%22node%22%7D');
    expect(body.data).toHaveLength(3);
    expect(body.data).toContainEqual({ __name__: 'up', instance: 'a', job: 'node' });
    const all = await ask('/api/v1/series?match[]=%7B__name__!%3D%22%22%7D');
    expect(all.body.data).toHaveLength(3);
  });

  test.each([
    ['/api/v1/series', 'no match[]'],
    ['/api/v1/series?match[]=%7B%7D', 'non-empty'],
    ['/api/v1/series?match[]=%7Ba%3D~%22.*%22%7D', 'non-empty'],
    ['/api/v1/series?match[]=rate(up[5m])', 'selector'],
    ['/api/v1/labels?match[]=up%5B5m%5D', 'selector'],
    ['/api/v1/labels?match[]=up%7Ba%3D~%22(%22%7D', 'regular expression'],
    ['/api/v1/labels?start=2&end=1', 'before start'],
  ])('%s is 400', async (url, why) => {
    const { status, body } = await ask(url);
    expect(status).toBe(400);
    expect(body.error).toContain(why);
  });
});

describe('what Grafana asks besides', () => {
  test('buildinfo has a version and no features', async () => {
    const { body } = await ask('/api/v1/status/buildinfo');
    expect(body.data.version).toMatch(/^3\.\d+\.\d+$/);
    expect(body.data).not.toHaveProperty('features');
  });

  test('exemplars: times in milliseconds are no error', async () => {
    const { body } = await ask(`/api/v1/query_exemplars?query=test&start=${NOW_MS}&end=${NOW_MS}`);
    expect(body).toEqual({ status: 'success', data: [] });
  });

  test.each([
    '/api/v1/metadata?limit=40000',
    '/api/v1/rules?limit=5&whatever=1',
    '/api/v1/alerts',
    '/api/v1/alertmanagers',
    '/api/v1/targets',
    '/api/v1/status/flags',
    '/api/v1/status/config',
    '/api/v1/status/runtimeinfo',
    '/api/v1/status/tsdb',
  ])('%s answers', async (url) => {
    const { status, body } = await ask(url);
    expect(status).toBe(200);
    expect(body.status).toBe('success');
  });

  test.each([
    '/api/v1/status/buildinfo',
    '/api/v1/rules',
    '/api/v1/alerts',
    '/api/v1/metadata',
    '/api/v1/label/job/values',
    '/api/v1/targets',
  ])('POST to %s is 405, whatever the body', async (url) => {
    for (const type of ['application/x-www-form-urlencoded', 'application/json', 'text/plain']) {
      const { status, headers } = await ask(url, { method: 'POST', form: '{', type });
      expect(status).toBe(405);
      expect(headers['allow']).toBe('GET');
    }
  });

  test('an absent ruler is a 404 that says page not found', async () => {
    const { status, body } = await ask('/api/v1/rules/none/group');
    expect(status).toBe(404);
    expect(body.error).toContain('page not found');
  });
});

test('format_query prints the query anew', async () => {
  const { body } = await ask('/api/v1/format_query?query=sum(up)by(job)');
  expect(body.data).toBe('sum by (job) (up)');
});

test('rules and alerts are filtered by type', async () => {
  const rule = {
    query: 'up == 0',
    labels: [],
    health: 'ok',
    lastError: undefined,
    lastEvaluationMs: undefined,
    evaluationSeconds: 0,
  } as const;
  const group = {
    name: 'g',
    file: 'f.yml',
    intervalMs: 1000,
    limit: 0,
    lastEvaluationMs: undefined,
    evaluationSeconds: 0,
    rules: [{ ...rule, kind: 'recording', name: 'r' }],
  } as const;
  const withRules = await httpBench({
    alerter: { groups: () => [group as never], alerts: () => [] },
  });
  const groups = async (type: string): Promise<number> =>
    (await withRules.app.inject(`/api/v1/rules?type=${type}`)).json<Body>().data.groups.length;
  expect(await groups('record')).toBe(1);
  expect(await groups('alert')).toBe(0);
  expect((await withRules.app.inject('/api/v1/rules?type=x')).statusCode).toBe(400);
});

test('a process without the query role says which roles it has', async () => {
  const writer = await httpBench({ settings: { 'server.roles': 'ingest' } });
  for (const url of ['/api/v1/query?query=1', '/api/v1/labels']) {
    const answer = await writer.app.inject(url);
    expect(answer.statusCode).toBe(404);
    expect(answer.json<Body>().error).toContain('roles are ingest');
  }
});
