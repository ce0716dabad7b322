import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { labelsToRecord } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { compileMatcher } from '../../model/matcher.ts';
import type { Matcher } from '../../model/matcher.ts';
import { sleep } from '../../platform/clock.ts';
import { QueryFailure } from '../../query/query.ts';
import type { SeriesRequest, Store } from '../../store/store.ts';
import { parseExpression, parseSeriesSelector, printExpression } from '../../query/syntax.ts';
import { encodeAnswer, encodeSuccess } from '../../query/wire.ts';
import type { Instance } from '../services.ts';
import { Parameters, bad } from './parameters.ts';
import { service } from './ready.ts';
import { route, sendJson } from './routes.ts';
import { RequestFailure } from './statuses.ts';

const POINTS_MAX = 11_000;
const MATCHES_MAX = 256;
/** Names and series in one answer, whatever the limit asked for. */
const RESULTS_MAX = 1_000_000;

/** The query half of the Prometheus HTTP API. */
export function prometheusRoutes(app: FastifyInstance, instance: Instance): void {
  route(app, ['GET', 'POST'], '/api/v1/query', (request, reply) =>
    instantQuery(instance, request, reply),
  );
  route(app, ['GET', 'POST'], '/api/v1/query_range', (request, reply) =>
    rangeQuery(instance, request, reply),
  );
  route(app, ['GET', 'POST'], '/api/v1/series', (request, reply) =>
    series(instance, request, reply),
  );
  route(app, ['GET', 'POST'], '/api/v1/labels', async (request, reply) => {
    const parameters = new Parameters(request);
    const limit = parameters.limit();
    const names = await overSelectors(instance, reply, parameters, (store, one) =>
      store.labelNames(one),
    );
    return sendList(reply, sortedUnion(names), limit);
  });
  route(app, ['GET'], '/api/v1/label/:name/values', async (request, reply) => {
    const parameters = new Parameters(request);
    const limit = parameters.limit();
    const name = labelName((request.params as { readonly name: string }).name);
    const values = await overSelectors(instance, reply, parameters, (store, one) =>
      store.labelValues(name, one),
    );
    return sendList(reply, sortedUnion(values), limit);
  });
  // No exemplars are kept. An empty list, not an error, tells that the API is there.
  route(app, ['GET', 'POST'], '/api/v1/query_exemplars', (_, reply) =>
    sendJson(reply, encodeSuccess('[]')),
  );
  route(app, ['GET', 'POST'], '/api/v1/format_query', (request, reply) => {
    const text = new Parameters(request).needed('query');
    return sendJson(reply, encodeSuccess(JSON.stringify(printExpression(parseExpression(text)))));
  });
}

/** Aborts when the client has gone: nobody waits for the answer any more. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new Error('the client has gone'));
  });
  return controller.signal;
}

function queryLimits(parameters: Parameters): { limits?: { timeoutMs: number } } {
  const timeoutMs = parameters.duration('timeout', 0);
  return timeoutMs === 0 ? {} : { limits: { timeoutMs } };
}

function lookback(parameters: Parameters): { lookbackMs?: number } {
  const lookbackMs = parameters.duration('lookback_delta', 0);
  return lookbackMs === 0 ? {} : { lookbackMs };
}

async function instantQuery(
  instance: Instance,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const parameters = new Parameters(request);
  const timeMs = parameters.time('time', Math.floor(instance.platform.clock.now()));
  const answer = await service(instance, 'querier').instant({
    text: parameters.needed('query'),
    timeMs,
    ...queryLimits(parameters),
    ...lookback(parameters),
    signal: goneSignal(reply),
  });
  const limit = parameters.limit();
  const { value } = answer;
  if (value.kind === 'vector' && value.elements.length > limit) {
    const cut = { ...value, elements: value.elements.slice(0, limit) };
    return sendJson(
      reply,
      encodeAnswer({ ...answer, value: cut, warnings: [...answer.warnings, TRUNCATED] }),
    );
  }
  return sendJson(reply, encodeAnswer(answer));
}

const TRUNCATED = 'results truncated due to limit';

async function rangeQuery(
  instance: Instance,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const parameters = new Parameters(request);
  const startMs = parameters.time('start');
  const endMs = parameters.time('end');
  const stepMs = parameters.duration('step');
  if (endMs < startMs) throw bad('end', 'end timestamp must not be before start time');
  if ((endMs - startMs) / stepMs > POINTS_MAX) {
    throw new RequestFailure(
      'bad_data',
      `exceeded maximum resolution of ${POINTS_MAX.toLocaleString('en')} points per timeseries. ` +
        'Try decreasing the query resolution (?step=XX)',
    );
  }
  const answer = await service(instance, 'querier').range({
    text: parameters.needed('query'),
    startMs,
    endMs,
    stepMs,
    ...queryLimits(parameters),
    ...lookback(parameters),
    signal: goneSignal(reply),
  });
  const limit = parameters.limit();
  const { value } = answer;
  if (value.series.length > limit) {
    const cut = { ...value, series: value.series.slice(0, limit) };
    return sendJson(
      reply,
      encodeAnswer({ ...answer, value: cut, warnings: [...answer.warnings, TRUNCATED] }),
    );
  }
  return sendJson(reply, encodeAnswer(answer));
}

async function series(
  instance: Instance,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const parameters = new Parameters(request);
  if (parameters.all('match[]').length === 0) throw bad('match[]', 'no match[] parameter provided');
  const limit = parameters.limit();
  const found = await overSelectors(instance, reply, parameters, (store, one) => store.series(one));
  const distinct = new Map<string, Labels>();
  for (const labels of found.flat()) distinct.set(JSON.stringify(labels), labels);
  return sendList(reply, [...distinct.values()].map(labelsToRecord), limit);
}

/** As long as this one request may keep the others waiting, as far as it can help it. */
const BUSY_MS_MAX = 10;

/** Asks the store once for each `match[]`, or once for everything when there is none. */
async function overSelectors<T>(
  instance: Instance,
  reply: FastifyReply,
  parameters: Parameters,
  ask: (store: Store, one: SeriesRequest) => Promise<T>,
): Promise<readonly T[]> {
  const store = storeOf(instance);
  const fromMs = parameters.time('start', 0);
  const toMs = parameters.time('end', Math.floor(instance.platform.clock.now()) + 86_400_000);
  if (toMs < fromMs) throw bad('end', 'end timestamp must not be before start time');
  const texts = [...new Set(parameters.all('match[]'))];
  if (texts.length > MATCHES_MAX) throw bad('match[]', `more than ${MATCHES_MAX} selectors`);
  const selectors: readonly (readonly Matcher[])[] =
    texts.length === 0 ? [[]] : texts.map((text) => selector(text));
  const signal = goneSignal(reply);
  const answers: T[] = [];
  const { clock } = instance.platform;
  let busySince = clock.monotonic();
  const deadline = busySince + instance.config.settings['query.timeout'];
  for (const matchers of selectors) {
    answers.push(await ask(store, { matchers, fromMs, toMs, signal }));
    // Each of them is one stretch of work: others get their turn in between.
    if (clock.monotonic() - busySince > BUSY_MS_MAX) {
      await sleep(clock, 0, signal);
      busySince = clock.monotonic();
    }
    if (clock.monotonic() > deadline) {
      throw new QueryFailure(
        'timeout',
        'the selectors took longer than query.timeout: ask for fewer',
      );
    }
  }
  return answers;
}

/** Reading names is reading: it needs the query role, though the store itself answers. */
function storeOf(instance: Instance): Store {
  service(instance, 'querier');
  return service(instance, 'store');
}

function selector(text: string): readonly Matcher[] {
  const matchers = parseSeriesSelector(text);
  const selects = matchers.some((matcher) => !compileMatcher(matcher).accepts(''));
  if (!selects) throw bad('match[]', 'must contain at least one non-empty matcher');
  return matchers;
}

/** As Prometheus 3 spells names outside the classic alphabet in paths: `U__` and hexadecimal escapes. */
function labelName(spelled: string): string {
  if (spelled === '') throw bad('name', 'is empty');
  if (!spelled.startsWith('U__')) return spelled;
  return spelled
    .slice(3)
    .replace(/_(_|[0-9a-fA-F]{1,6}_)/g, (whole, code: string) =>
      code === '_' ? '_' : codePoint(code.slice(0, -1), whole),
    );
}

function codePoint(hexadecimal: string, otherwise: string): string {
  const code = Number.parseInt(hexadecimal, 16);
  return code <= 0x10_ff_ff ? String.fromCodePoint(code) : otherwise;
}

function sortedUnion(lists: readonly (readonly string[])[]): readonly string[] {
  if (lists.length === 1) return lists[0]!;
  return [...new Set(lists.flat())].sort();
}

function sendList(reply: FastifyReply, all: readonly unknown[], limit: number): FastifyReply {
  const most = Math.min(limit, RESULTS_MAX);
  if (all.length <= most) return sendJson(reply, encodeSuccess(JSON.stringify(all)));
  const cut = all.slice(0, most);
  return sendJson(reply, encodeSuccess(JSON.stringify(cut), { warnings: [TRUNCATED] }));
}
