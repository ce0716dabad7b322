import { suggestion } from '../server/config.ts';
import type { Assignment } from '../server/config.ts';
import { UsageFailure } from './failure.ts';

/** What `serve` and `check` understand. */
export interface ServeFlags {
  readonly configPath: string | undefined;
  readonly logLevel: LogLevel;
  /** In the order of the command line, so that a later one wins. */
  readonly assignments: readonly Assignment[];
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

interface Flag {
  readonly name: string;
  /** Placeholder in the help. */
  readonly value: string;
  readonly doc: string;
  /** The setting it stands for; the others are handled by name. */
  readonly key?: string;
  /** May be given again; the values form a list. */
  readonly isRepeated?: boolean;
}

export const FLAGS: readonly Flag[] = [
  { name: '--config', value: 'FILE', doc: 'read settings from this YAML file' },
  { name: '--listen', value: 'HOST:PORT', doc: 'where to serve HTTP', key: 'server.listen' },
  { name: '--data', value: 'DIR', doc: 'where to keep the data', key: 'store.path' },
  {
    name: '--root',
    value: 'DIR',
    doc: 'read /proc and /sys below this directory',
    key: 'collector.root',
  },
  {
    name: '--roles',
    value: 'A,B',
    doc: 'what to do: collector, probes, ingest, query, alerter, dashboard (all)',
    key: 'server.roles',
  },
  { name: '--retention', value: '15d', doc: 'how long to keep samples', key: 'store.retention' },
  {
    name: '--rules',
    value: 'GLOB',
    doc: 'rule files in Prometheus format; may be repeated',
    key: 'alerting.rules',
    isRepeated: true,
  },
  {
    name: '--evaluation-interval',
    value: '15s',
    doc: 'how often rules are evaluated',
    key: 'alerting.evaluation_interval',
  },
  {
    name: '--external-url',
    value: 'URL',
    doc: 'where people reach this server',
    key: 'server.external_url',
  },
  {
    name: '--external-label',
    value: 'K=V',
    doc: 'a label for every alert that is sent; may be repeated',
    key: 'alerting.external_labels',
    isRepeated: true,
  },
  { name: '--set', value: 'KEY.PATH=VALUE', doc: 'any setting; may be repeated' },
  { name: '--log-level', value: 'LEVEL', doc: `${LOG_LEVELS.join(', ')} (info)` },
  { name: '--alertmanager-config', value: 'FILE', doc: 'not supported yet' },
  { name: '--prometheus-config', value: 'FILE', doc: 'not supported yet' },
];

const NAMES = [...FLAGS.map(({ name }) => name), '--help'];

/** Reads `--flag value` and `--flag=value`. Fails with a `UsageFailure`. */
export function readFlags(args: readonly string[]): ServeFlags {
  let configPath: string | undefined;
  let logLevel: LogLevel = 'info';
  const assignments: Assignment[] = [];
  const repeated = new Map<string, string[]>();
  for (let i = 0; i < args.length; i++) {
    const argument = args[i]!;
    const equals = argument.startsWith('--') ? argument.indexOf('=') : -1;
    const name = equals === -1 ? argument : argument.slice(0, equals);
    const flag = FLAGS.find((candidate) => candidate.name === name);
    if (!flag) throw unknown(name);
    const value = equals === -1 ? args[++i] : argument.slice(equals + 1);
    if (value === undefined || (equals === -1 && value.startsWith('--'))) {
      throw new UsageFailure(`${name} needs a value: write ${name} ${flag.value}`);
    }
    if (flag.key !== undefined && flag.isRepeated === true) {
      const values = repeated.get(flag.key);
      if (values) values.push(value);
      else {
        const first = [value];
        repeated.set(flag.key, first);
        assignments.push({ key: flag.key, value: first, flag: name });
      }
    } else if (flag.key !== undefined) assignments.push({ key: flag.key, value, flag: name });
    else if (name === '--config') configPath = value;
    else if (name === '--log-level') logLevel = readLogLevel(value);
    else if (name === '--set') assignments.push(readSet(value));
    else {
      throw new UsageFailure(
        `${name} is not supported yet: use --config, --rules and --set instead`,
      );
    }
  }
  return { configPath, logLevel, assignments };
}

function unknown(name: string): UsageFailure {
  if (!name.startsWith('-')) {
    return new UsageFailure(`unexpected argument ${JSON.stringify(name)}: flags begin with --`);
  }
  return new UsageFailure(`unknown flag ${name}${suggestion(name, NAMES)}; see nephoscope help`);
}

function readLogLevel(value: string): LogLevel {
  const level = LOG_LEVELS.find((candidate) => candidate === value);
  if (!level) throw new UsageFailure(`--log-level ${value}: write one of ${LOG_LEVELS.join(', ')}`);
  return level;
}

function readSet(text: string): Assignment {
  const equals = text.indexOf('=');
  if (equals < 1) {
    throw new UsageFailure(
      `--set ${text}: write --set key.path=value, such as store.retention=30d`,
    );
  }
  const key = text.slice(0, equals);
  return { key, value: text.slice(equals + 1), flag: `--set ${key}` };
}
