import { NO_LABELS } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { DEFAULT_ALERTER_OPTIONS, DEFAULT_ALERT_MAIL_TIMES } from '../../alerter/start.ts';
import { DEFAULT_INGEST_LIMITS } from '../../ingest/ingest.ts';
import { DEFAULT_QUERIER_OPTIONS } from '../../query/open.ts';
import { DEFAULT_COLLECTOR_OPTIONS } from '../../collector/collector.ts';
import { ROLES } from '../roles.ts';
import type { Role } from '../roles.ts';
import {
  address,
  boolean,
  duration,
  integer,
  labels,
  listOf,
  oneOf,
  optional,
  path,
  text,
  url,
} from './kinds.ts';
import type { Address, Kind } from './kinds.ts';

/** Every setting with the type of its value; durations are milliseconds. The table below says the rest. */
export interface Settings {
  readonly 'server.listen': Address;
  readonly 'server.external_url': string | undefined;
  readonly 'server.allowed_hosts': readonly string[];
  readonly 'server.roles': readonly Role[];
  readonly 'store.kind': 'embedded' | 'victoriametrics' | 'influxdb';
  readonly 'store.path': string;
  readonly 'store.retention': number;
  readonly 'store.series_max': number;
  readonly 'collector.enabled': boolean;
  readonly 'collector.interval': number;
  readonly 'collector.root': string;
  readonly 'collector.instance': string | undefined;
  readonly 'collector.libvirt.enabled': boolean;
  readonly 'collector.libvirt.sockets': readonly string[];
  readonly 'collector.to': string | undefined;
  readonly 'query.lookback_delta': number;
  readonly 'query.timeout': number;
  readonly 'query.samples_max': number;
  readonly 'query.series_max': number;
  readonly 'query.concurrency': number;
  readonly 'ingest.labels_max': number;
  readonly 'ingest.label_name_bytes_max': number;
  readonly 'ingest.label_value_bytes_max': number;
  readonly 'ingest.future': number;
  readonly 'ingest.samples_under_way_max': number;
  readonly 'ingest.series_per_source_max': number;
  readonly 'ingest.body_bytes_max': number;
  readonly 'ingest.decoded_bytes_max': number;
  readonly 'alerting.rules': readonly string[];
  readonly 'alerting.evaluation_interval': number;
  readonly 'alerting.external_url': string | undefined;
  readonly 'alerting.external_labels': Labels;
  readonly 'alerting.for_grace_period': number;
  readonly 'alerting.for_outage_tolerance': number;
  readonly 'alerting.resend_delay': number;
  readonly 'alerting.query_offset': number;
  readonly 'alerting.mail.smarthost': Address | undefined;
  readonly 'alerting.mail.from': string | undefined;
  readonly 'alerting.mail.to': readonly string[];
  readonly 'alerting.mail.hello': string | undefined;
  readonly 'alerting.mail.username': string | undefined;
  readonly 'alerting.mail.password_file': string | undefined;
  readonly 'alerting.mail.require_tls': boolean;
  readonly 'alerting.mail.group_wait': number;
  readonly 'alerting.mail.repeat_interval': number;
  readonly 'alerting.mail.send_resolved': boolean;
}

export type SettingKey = keyof Settings;

export interface Setting<T> {
  readonly kind: Kind<T>;
  readonly fallback: T;
  readonly doc: string;
}

function setting<T>(kind: Kind<T>, fallback: T, doc: string): Setting<T> {
  return { kind, fallback, doc };
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const MIB = 1024 * 1024;

const limits = DEFAULT_INGEST_LIMITS;
const querier = DEFAULT_QUERIER_OPTIONS;
const collector = DEFAULT_COLLECTOR_OPTIONS;
const alerter = DEFAULT_ALERTER_OPTIONS;
const mailTimes = DEFAULT_ALERT_MAIL_TIMES;

/** The one table of settings: kind, default and meaning of each. Its order is the order of `check`. */
export const SETTINGS: { readonly [K in SettingKey]: Setting<Settings[K]> } = {
  'server.listen': setting(
    address,
    { host: '127.0.0.1', port: 6374 },
    'Where HTTP is served. Loopback only, until there is authentication.',
  ),
  'server.external_url': setting(
    optional(url),
    undefined,
    'The URL under which people reach this server, for links in mails.',
  ),
  'server.allowed_hosts': setting(
    listOf(text),
    [],
    'Host names, besides those of loopback and of external_url, that requests may be addressed to.',
  ),
  'server.roles': setting(listOf(oneOf(ROLES)), ROLES, 'What this process does.'),
  'store.kind': setting(
    oneOf(['embedded', 'victoriametrics', 'influxdb']),
    'embedded',
    'Where samples are kept. Only embedded so far.',
  ),
  'store.path': setting(
    path,
    './data',
    'The directory of the embedded store. One process at a time.',
  ),
  'store.retention': setting(
    duration(HOUR, 200 * YEAR),
    15 * DAY,
    'Samples older than this are removed.',
  ),
  'store.series_max': setting(
    integer(1, 100_000_000),
    1_000_000,
    'Live series above this are refused.',
  ),
  'collector.enabled': setting(boolean, true, 'Whether this machine is watched.'),
  'collector.interval': setting(duration(100, HOUR), SECOND, 'How often it is read.'),
  'collector.root': setting(
    path,
    '',
    'A recorded tree in place of /proc and /sys; empty: the machine.',
  ),
  'collector.instance': setting(
    optional(text),
    undefined,
    'The label instance of its series; not set: the host name.',
  ),
  'collector.libvirt.enabled': setting(boolean, true, 'Whether libvirt domains are read.'),
  'collector.libvirt.sockets': setting(
    listOf(path),
    collector.libvirt.sockets,
    "libvirt's read-only sockets; the first that answers is used.",
  ),
  'collector.to': setting(
    optional(url),
    undefined,
    'Another Nephoscope to send to. Not supported yet.',
  ),
  'query.lookback_delta': setting(
    duration(SECOND, DAY),
    querier.lookbackMs,
    'How far back a query looks for the latest sample of a series.',
  ),
  'query.timeout': setting(
    duration(100, HOUR),
    querier.limits.timeoutMs,
    'A query is ended after this.',
  ),
  'query.samples_max': setting(
    integer(1000, 1_000_000_000),
    querier.limits.samplesMax,
    'Samples that one query may read.',
  ),
  'query.series_max': setting(
    integer(10, 10_000_000),
    querier.limits.seriesMax,
    'Series that one query may read.',
  ),
  'query.concurrency': setting(
    integer(1, 64),
    querier.concurrencyMax,
    'Queries evaluated at once.',
  ),
  'ingest.labels_max': setting(integer(1, 1000), limits.labelsMax, 'Labels of one series.'),
  'ingest.label_name_bytes_max': setting(
    integer(1, 65_536),
    limits.labelNameBytesMax,
    'Bytes of a label name.',
  ),
  'ingest.label_value_bytes_max': setting(
    integer(1, 65_536),
    limits.labelValueBytesMax,
    'Bytes of a label value.',
  ),
  'ingest.future': setting(
    duration(0, 100 * YEAR),
    limits.futureMs,
    'A sample whose time is further ahead of our clock is refused.',
  ),
  'ingest.samples_under_way_max': setting(
    integer(1000, 1_000_000_000),
    limits.samplesUnderWayMax,
    'Samples that may wait for the disk; more are answered with 429.',
  ),
  'ingest.series_per_source_max': setting(
    integer(1, 100_000_000),
    limits.seriesPerSourceMax,
    'Series that one sender may keep alive.',
  ),
  'ingest.body_bytes_max': setting(
    integer(1024, 256 * MIB),
    limits.bodyBytesMax,
    'Bytes of a pushed body as sent.',
  ),
  'ingest.decoded_bytes_max': setting(
    integer(1024, 1024 * MIB),
    limits.decodedBytesMax,
    'Bytes of a pushed body after decompression.',
  ),
  'alerting.rules': setting(
    listOf(path),
    [],
    'Rule files in Prometheus format; * matches within a name.',
  ),
  'alerting.evaluation_interval': setting(
    duration(100, DAY),
    alerter.evaluationIntervalMs,
    'How often rule groups without an interval of their own are evaluated.',
  ),
  'alerting.external_url': setting(
    optional(url),
    undefined,
    "The URL of Alertmanager's pages where they have their own; requests may be addressed to its host.",
  ),
  'alerting.external_labels': setting(
    labels,
    NO_LABELS,
    'Labels added to every alert that is sent.',
  ),
  'alerting.for_grace_period': setting(
    duration(0, DAY),
    alerter.forGracePeriodMs,
    'From this `for` on, pending alerts are restored from stored series after a restart.',
  ),
  'alerting.for_outage_tolerance': setting(
    duration(0, 365 * DAY),
    alerter.forOutageToleranceMs,
    'How old such series may be.',
  ),
  'alerting.resend_delay': setting(
    duration(SECOND, DAY),
    alerter.resendDelayMs,
    'How often a firing alert is sent again to receivers.',
  ),
  'alerting.query_offset': setting(
    duration(0, HOUR),
    0,
    'How far in the past rules are evaluated.',
  ),
  'alerting.mail.smarthost': setting(
    optional(address),
    undefined,
    'The mail server; not set: no mail.',
  ),
  'alerting.mail.from': setting(optional(text), undefined, 'The sender of mails.'),
  'alerting.mail.to': setting(listOf(text), [], 'Who gets mails.'),
  'alerting.mail.hello': setting(
    optional(text),
    undefined,
    'Our name in EHLO; not set: the host name.',
  ),
  'alerting.mail.username': setting(
    optional(text),
    undefined,
    'For a mail server that asks who we are.',
  ),
  'alerting.mail.password_file': setting(
    optional(path),
    undefined,
    'The file that holds the password, and nothing else.',
  ),
  'alerting.mail.require_tls': setting(
    boolean,
    true,
    'Whether mail is sent only over TLS with a valid certificate.',
  ),
  'alerting.mail.group_wait': setting(
    duration(0, HOUR),
    mailTimes.groupWaitMs,
    'How long a first mail waits for alerts of the same group.',
  ),
  'alerting.mail.repeat_interval': setting(
    duration(MINUTE, 365 * DAY),
    mailTimes.repeatIntervalMs,
    'After this, a mail about alerts that still fire is repeated.',
  ),
  'alerting.mail.send_resolved': setting(
    boolean,
    mailTimes.sendResolved,
    'Whether a mail tells that alerts have ended.',
  ),
};

export const SETTING_KEYS: readonly SettingKey[] = Object.keys(SETTINGS) as SettingKey[];

export function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(SETTINGS, key);
}
