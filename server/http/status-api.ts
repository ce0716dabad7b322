import type { FastifyInstance } from 'fastify';
import { collectedMetric } from '../../collector/metadata.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import { encodeSuccess } from '../../query/wire.ts';
import { durationText } from '../../model/duration.ts';
import { shownSettings } from '../config.ts';
import type { Instance } from '../services.ts';
import { rfc3339 } from '../time-text.ts';
import { PROMETHEUS_VERSION, VERSION } from '../version.ts';
import { Parameters } from './parameters.ts';
import { service, services } from './ready.ts';
import { route, sendJson } from './routes.ts';

/** Metrics without samples for this long are not listed with what is known of them. */
const DAY_MS = 86_400_000;

/** The part of the Prometheus API that tells about the server itself. */
export function statusRoutes(app: FastifyInstance, instance: Instance): void {
  const { config, platform } = instance;
  const get = (url: string, data: (parameters: Parameters) => unknown): void =>
    route(app, ['GET'], url, async (request, reply) =>
      sendJson(reply, encodeSuccess(JSON.stringify(await data(new Parameters(request))))),
    );

  // Never send `features`: its presence makes Grafana take us for Mimir.
  get('/api/v1/status/buildinfo', () => ({
    version: PROMETHEUS_VERSION,
    revision: `nephoscope-${VERSION}`,
    branch: 'main',
    buildUser: '',
    buildDate: '',
    goVersion: platform.machine.runtimeVersion,
    application: 'Nephoscope',
    applicationVersion: VERSION,
  }));
  get('/api/v1/status/flags', () => {
    const { settings } = config;
    return {
      'web.listen-address': shownSettings(config)['server.listen'],
      'web.external-url': settings['server.external_url'] ?? '',
      'storage.tsdb.path': settings['store.path'],
      'storage.tsdb.retention.time': durationText(settings['store.retention']),
      'query.lookback-delta': durationText(settings['query.lookback_delta']),
      'query.timeout': durationText(settings['query.timeout']),
      'query.max-samples': String(settings['query.samples_max']),
      'query.max-concurrency': String(settings['query.concurrency']),
    };
  });
  get('/api/v1/status/config', () => ({
    yaml: Object.entries(shownSettings(config))
      .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
      .join(''),
  }));
  get('/api/v1/status/runtimeinfo', () => runtime(instance));
  get('/api/v1/status/tsdb', () => storeStatus(instance));
  get('/api/v1/metadata', (parameters) => knownMetadata(instance, parameters));
  get('/api/v1/targets', () => targets(instance));
  get('/api/v1/targets/metadata', () => []);
  get('/api/v1/scrape_pools', () => ({ scrapePools: [] }));
  get('/api/v1/alertmanagers', () => ({ activeAlertmanagers: [], droppedAlertmanagers: [] }));
}

function runtime(instance: Instance): unknown {
  const stats = services(instance).store?.stats();
  const { startedMs, platform, config } = instance;
  return {
    startTime: rfc3339(startedMs),
    serverTime: rfc3339(platform.clock.now()),
    CWD: '',
    hostname: platform.machine.hostname,
    reloadConfigSuccess: true,
    lastConfigTime: rfc3339(startedMs),
    timeSeriesCount: stats?.liveSeries ?? 0,
    corruptionCount: 0,
    // What only a program in Go has; pages expect the fields.
    goroutineCount: 0,
    GOMAXPROCS: 0,
    GOMEMLIMIT: 0,
    GOGC: '',
    GODEBUG: '',
    storageRetention: durationText(config.settings['store.retention']),
  };
}

function storeStatus(instance: Instance): unknown {
  const stats = service(instance, 'store').stats();
  return {
    headStats: {
      numSeries: stats.liveSeries,
      numLabelPairs: 0,
      chunkCount: 0,
      minTime: stats.oldestMs ?? 0,
      maxTime: stats.newestMs ?? 0,
    },
    seriesCountByMetricName: [],
    labelValueCountByLabelName: [],
    memoryInBytesByLabelName: [],
    seriesCountByLabelValuePair: [],
  };
}

/**
 * What senders have told, and for names that are stored and that nobody told about, what our own collector
 * knows: it pushes samples only, also when it runs elsewhere.
 */
async function knownMetadata(
  instance: Instance,
  parameters: Parameters,
): Promise<Record<string, unknown>> {
  const wanted = parameters.text('metric');
  const limit = parameters.limit();
  const { metadata: told } = instance;
  const found: [string, unknown][] = [];
  const names = wanted === undefined ? await metricNames(instance) : [wanted];
  for (const name of new Set([...(wanted === undefined ? told.all().keys() : []), ...names])) {
    if (found.length >= limit) break;
    const metadata = told.get(name) ?? collectedMetric(name);
    if (metadata) found.push([name, [metadata]]);
  }
  return Object.fromEntries(found);
}

async function metricNames(instance: Instance): Promise<readonly string[]> {
  const { store, querier } = services(instance);
  // Reading names is reading: it needs the query role.
  if (!store || !querier) return [];
  const toMs = Math.floor(instance.platform.clock.now());
  return store.labelValues(METRIC_NAME, { matchers: [], fromMs: toMs - DAY_MS, toMs });
}

/** Our own collector's sources, in the form that pages about targets understand. */
function targets(instance: Instance): unknown {
  const { collector } = services(instance);
  const status = collector?.status();
  const active = (status?.sources ?? []).map((source) => ({
    discoveredLabels: {},
    labels: { job: source.job, instance: status!.instance, source: source.name },
    scrapePool: source.job,
    scrapeUrl: '',
    globalUrl: '',
    lastError: source.error ?? '',
    lastScrape: NEVER,
    lastScrapeDuration: source.lastDurationMs / 1000,
    health: HEALTH[source.state],
    scrapeInterval: durationText(source.intervalMs),
    scrapeTimeout: durationText(source.intervalMs),
  }));
  return { activeTargets: active, droppedTargets: [], droppedTargetCounts: {} };
}

/** Go's zero time: sources run on the clock and do not keep when they ran last. */
const NEVER = '0001-01-01T00:00:00Z';

const HEALTH = { 'not-read-yet': 'unknown', reads: 'up', fails: 'down', hangs: 'down' } as const;
