import { checkRuleFiles } from '../alerter/check.ts';
import { messageOf } from '../model/failure.ts';
import type { Platform } from '../platform/platform.ts';
import { ConfigFailure } from './config/failure.ts';
import { suggestion } from './config/nearest.ts';
import { SETTINGS, SETTING_KEYS, isSettingKey } from './config/settings.ts';
import type { Setting, SettingKey, Settings } from './config/settings.ts';
import { readYaml } from './config/yaml-file.ts';

export { Failure, messageOf } from '../model/failure.ts';
export { ConfigFailure } from './config/failure.ts';
export type { Address } from './config/kinds.ts';
export { suggestion } from './config/nearest.ts';
export type { SettingKey, Settings } from './config/settings.ts';

/** The whole configuration: every setting has a value, and it is known where each came from. */
export interface Config {
  readonly settings: Settings;
  /** `default`, `file:line:column`, or the flag. */
  readonly origins: Readonly<Record<SettingKey, string>>;
}

/** A setting given on the command line; these win over the file, later ones over earlier ones. */
export interface Assignment {
  readonly key: string;
  /** A text as of `--set`, or a list where a flag was repeated. */
  readonly value: string | readonly string[];
  /** As the user wrote it: `--listen`. */
  readonly flag: string;
}

export interface ConfigFile {
  readonly path: string;
  readonly content: string;
}

/** Reads the configuration. Fails with a `ConfigFailure` that names the first thing wrong and its place. */
export function loadConfig(sources: {
  readonly file?: ConfigFile | undefined;
  readonly assignments?: readonly Assignment[];
}): Config {
  const values = new Map<SettingKey, unknown>();
  const origins = new Map<SettingKey, string>();
  const assign = (key: string, raw: unknown, place: string, directory: string): void => {
    if (!isSettingKey(key)) {
      throw new ConfigFailure(
        `${place}: there is no setting ${key}${suggestion(key, SETTING_KEYS)}; ` +
          '"nephoscope check" lists them all',
      );
    }
    const { kind } = SETTINGS[key] as Setting<unknown>;
    try {
      values.set(key, kind.read(raw, directory));
    } catch (thrown) {
      throw new ConfigFailure(
        `${place}: ${key}: ${shown(raw)} is not usable: ${messageOf(thrown)}`,
        {
          cause: thrown,
        },
      );
    }
    origins.set(key, place);
  };
  const { file, assignments = [] } = sources;
  if (file) {
    const directory = file.path.includes('/') ? file.path.slice(0, file.path.lastIndexOf('/')) : '';
    for (const { key, raw, place } of readYaml(file.path, file.content, isSection)) {
      assign(key, raw, place, directory);
    }
  }
  for (const { key, value, flag } of assignments) assign(key, value, flag, '');
  const settings = Object.fromEntries(
    SETTING_KEYS.map((key) => [key, values.has(key) ? values.get(key) : SETTINGS[key].fallback]),
  ) as unknown as Settings;
  const config: Config = {
    settings,
    origins: Object.fromEntries(
      SETTING_KEYS.map((key) => [key, origins.get(key) ?? 'default']),
    ) as Record<SettingKey, string>,
  };
  checkTogether(config);
  return config;
}

function isSection(key: string): boolean {
  return SETTING_KEYS.some((known) => known.startsWith(`${key}.`));
}

/** A value in a message, never at length. */
function shown(raw: unknown): string {
  const text = JSON.stringify(raw) ?? String(raw);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** What no single setting can tell: combinations that make no sense, and what is not there yet. */
function checkTogether({ settings, origins }: Config): void {
  const refuse = (key: SettingKey, why: string): never => {
    throw new ConfigFailure(`${origins[key]}: ${key}: ${why}`);
  };
  if (settings['store.kind'] !== 'embedded') {
    refuse('store.kind', `${settings['store.kind']} is not supported yet: use embedded`);
  }
  if (settings['collector.to'] !== undefined) {
    refuse('collector.to', 'sending to another Nephoscope is not supported yet: remove it');
  }
  const { host } = settings['server.listen'];
  if (!isLoopback(host)) {
    refuse(
      'server.listen',
      `${host} is not a loopback address. Without authentication, which does not exist yet, anybody who ` +
        'reaches this address could read and write everything: listen on 127.0.0.1 or [::1], and put a ' +
        'proxy that asks for credentials in front (its host name in server.allowed_hosts)',
    );
  }
  if (settings['store.path'] === '') refuse('store.path', 'the store needs a directory');
  if (settings['server.roles'].length === 0) refuse('server.roles', 'name at least one role');
  if (settings['alerting.mail.smarthost'] !== undefined) {
    if (settings['alerting.mail.from'] === undefined) {
      refuse('alerting.mail.smarthost', 'mail needs a sender, too: set alerting.mail.from');
    }
    if (settings['alerting.mail.to'].length === 0) {
      refuse('alerting.mail.smarthost', 'mail needs a recipient, too: set alerting.mail.to');
    }
  }
  const hasUser = settings['alerting.mail.username'] !== undefined;
  if (hasUser !== (settings['alerting.mail.password_file'] !== undefined)) {
    refuse(
      hasUser ? 'alerting.mail.username' : 'alerting.mail.password_file',
      'a user name and a password file go together: set both or none',
    );
  }
}

/** Whether an address can be reached from this machine only. Names other than localhost are not resolved. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * Reads the rule files as a start would, whatever the roles. Fails with a message that tells path, line and
 * what to do of everything wrong in them.
 */
export function checkRules(
  { settings }: Config,
  platform: Pick<Platform, 'files' | 'log'>,
): Promise<void> {
  return checkRuleFiles(settings['alerting.rules'], platform);
}

/** Every setting with value, origin and meaning, for `nephoscope check`. */
export function explainConfig({ settings, origins }: Config): string {
  return SETTING_KEYS.map((key) => {
    const { kind, doc, fallback } = SETTINGS[key] as Setting<unknown>;
    const value = kind.show(settings[key]);
    const otherwise = origins[key] === 'default' ? '' : `; default: ${kind.show(fallback)}`;
    return `${key}: ${value}\n    from ${origins[key]}${otherwise}\n    ${doc} (${kind.name})\n`;
  }).join('');
}

/** Settings as texts, for the API. No setting holds a secret: those are in files of their own. */
export function shownSettings({ settings }: Config): Readonly<Record<string, string>> {
  return Object.fromEntries(
    SETTING_KEYS.map((key) => [key, (SETTINGS[key] as Setting<unknown>).kind.show(settings[key])]),
  );
}
