import { startAlerter } from '../alerter/start.ts';
import type { AlertMailOptions } from '../alerter/start.ts';
import type { Alerter } from '../alerter/alerter.ts';
import { startCollector } from '../collector/collector.ts';
import type { Collector } from '../collector/collector.ts';
import { createIngest } from '../ingest/gate.ts';
import { DEFAULT_INGEST_LIMITS } from '../ingest/ingest.ts';
import type { Ingest, IngestLimits } from '../ingest/ingest.ts';
import type { SampleBatch } from '../model/sample.ts';
import type { MailServer } from '../platform/mail.ts';
import { DEFAULT_QUERIER_OPTIONS, openQuerier } from '../query/open.ts';
import type { Querier } from '../query/query.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { ConfigFailure } from './config.ts';
import type { Config, Settings } from './config.ts';
import type { ServerPlatform } from './services.ts';
import { WatchedIngest } from './watched-ingest.ts';

// Turns settings into the options of each part. What starts when, and stops when, is `server.ts`.

export async function composeStore(
  settings: Settings,
  platform: ServerPlatform,
  progress: (step: string, done: number) => void,
): Promise<Store> {
  return openStore(
    {
      directory: settings['store.path'],
      kernel: await platform.storeKernel(),
      retentionMs: settings['store.retention'],
      seriesMax: settings['store.series_max'],
      progress,
    },
    platform,
  );
}

export function composeQuerier(
  settings: Settings,
  store: Store,
  platform: ServerPlatform,
): Querier {
  return openQuerier(
    {
      lookbackMs: settings['query.lookback_delta'],
      concurrencyMax: settings['query.concurrency'],
      limits: {
        ...DEFAULT_QUERIER_OPTIONS.limits,
        timeoutMs: settings['query.timeout'],
        samplesMax: settings['query.samples_max'],
        seriesMax: settings['query.series_max'],
      },
    },
    store,
    platform,
  );
}

export function ingestLimits(settings: Settings): IngestLimits {
  return {
    ...DEFAULT_INGEST_LIMITS,
    labelsMax: settings['ingest.labels_max'],
    labelNameBytesMax: settings['ingest.label_name_bytes_max'],
    labelValueBytesMax: settings['ingest.label_value_bytes_max'],
    futureMs: settings['ingest.future'],
    samplesUnderWayMax: settings['ingest.samples_under_way_max'],
    seriesPerSourceMax: settings['ingest.series_per_source_max'],
    bodyBytesMax: settings['ingest.body_bytes_max'],
    decodedBytesMax: settings['ingest.decoded_bytes_max'],
  };
}

export function composeIngest(
  settings: Settings,
  store: Store,
  platform: ServerPlatform,
): WatchedIngest {
  const gate = createIngest({ limits: ingestLimits(settings) }, store, platform);
  return new WatchedIngest(gate, platform.clock);
}

export function composeCollector(
  settings: Settings,
  ingest: Ingest,
  platform: ServerPlatform,
): Collector {
  const instance = settings['collector.instance'];
  const origin = { kind: 'collector', source: instance ?? platform.machine.hostname } as const;
  return startCollector(
    {
      intervalMs: settings['collector.interval'],
      root: settings['collector.root'],
      ...(instance !== undefined && { instance }),
      libvirt: {
        enabled: settings['collector.libvirt.enabled'],
        sockets: settings['collector.libvirt.sockets'],
      },
    },
    // What is refused is counted and reported by the gate; there is nothing to try again.
    async (batch: SampleBatch) => {
      await ingest.accept(batch, origin);
    },
    platform,
  );
}

export async function composeAlerter(
  config: Config,
  querier: Querier,
  ingest: Ingest,
  url: string,
  platform: ServerPlatform,
): Promise<Alerter> {
  const { settings } = config;
  const origin = { kind: 'rules', source: platform.machine.hostname } as const;
  const mail = await mailOptions(config, platform);
  return startAlerter(
    {
      ruleFiles: settings['alerting.rules'],
      directory: `${settings['store.path']}/alerter`,
      evaluationIntervalMs: settings['alerting.evaluation_interval'],
      externalUrl: settings['server.external_url'] ?? url,
      externalLabels: settings['alerting.external_labels'],
      forGracePeriodMs: settings['alerting.for_grace_period'],
      forOutageToleranceMs: settings['alerting.for_outage_tolerance'],
      resendDelayMs: settings['alerting.resend_delay'],
      queryOffsetMs: settings['alerting.query_offset'],
      ...(mail && { mail }),
    },
    {
      querier,
      write: (batch: SampleBatch) => ingest.accept(batch, origin),
    },
    platform,
  );
}

const PASSWORD_BYTES_MAX = 4096;

async function mailOptions(
  { settings, origins }: Config,
  { files, machine }: ServerPlatform,
): Promise<AlertMailOptions | undefined> {
  const smarthost = settings['alerting.mail.smarthost'];
  const from = settings['alerting.mail.from'];
  if (smarthost === undefined || from === undefined) return undefined;
  const username = settings['alerting.mail.username'];
  const passwordFile = settings['alerting.mail.password_file'];
  let password: string | undefined;
  if (passwordFile !== undefined) {
    try {
      const bytes = await files.readAll(passwordFile, PASSWORD_BYTES_MAX);
      password = new TextDecoder().decode(bytes).replace(/\r?\n$/, '');
    } catch (thrown) {
      throw new ConfigFailure(
        `${origins['alerting.mail.password_file']}: alerting.mail.password_file: the password cannot be read from ${passwordFile}`,
        { cause: thrown },
      );
    }
  }
  const server: MailServer = {
    host: smarthost.host,
    port: smarthost.port,
    hello: settings['alerting.mail.hello'] ?? machine.hostname,
    requireTls: settings['alerting.mail.require_tls'],
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  };
  return {
    server,
    from,
    to: settings['alerting.mail.to'],
    groupWaitMs: settings['alerting.mail.group_wait'],
    repeatIntervalMs: settings['alerting.mail.repeat_interval'],
    sendResolved: settings['alerting.mail.send_resolved'],
  };
}
