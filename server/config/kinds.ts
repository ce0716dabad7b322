import { messageOf } from '../../model/failure.ts';
import { durationText, parseDuration } from '../../model/duration.ts';
import { labelPairs, labelsFromPairs } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';

/**
 * A kind of value: reads it from YAML or from the text of a flag, and shows it. `read` throws an `Error`
 * whose message completes "is not usable: …"; paths are resolved against `directory`.
 */
export interface Kind<T> {
  /** For people: `duration`, `host:port`. */
  readonly name: string;
  read(raw: unknown, directory: string): T;
  show(value: T): string;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

function scalarText(raw: unknown): string {
  if (typeof raw === 'string') return raw.trim();
  if (typeof raw === 'number' || typeof raw === 'boolean') return String(raw);
  throw new Error('a single value is needed');
}

export const text: Kind<string> = {
  name: 'text',
  read: (raw) => scalarText(raw),
  show: (value) => value,
};

export const path: Kind<string> = {
  name: 'path',
  read(raw, directory) {
    const value = scalarText(raw);
    return value === '' || value.startsWith('/') || directory === ''
      ? value
      : `${directory}/${value}`;
  },
  show: (value) => value,
};

export const boolean: Kind<boolean> = {
  name: 'true or false',
  read(raw) {
    const value = scalarText(raw);
    if (value !== 'true' && value !== 'false') throw new Error('write true or false');
    return value === 'true';
  },
  show: String,
};

export function integer(min: number, max: number): Kind<number> {
  return {
    name: `whole number from ${min} to ${max}`,
    read(raw) {
      const value = scalarText(raw);
      const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
      if (!(number >= min && number <= max))
        throw new Error(`write a whole number from ${min} to ${max}`);
      return number;
    },
    show: String,
  };
}

export function duration(minMs: number, maxMs: number): Kind<number> {
  return {
    name: 'duration',
    read(raw) {
      const value = scalarText(raw);
      const ms = parseDuration(value);
      if (ms === undefined) {
        throw new Error(
          'write a duration as integers with units, such as 500ms, 30s, 5m, 1h30m or 15d',
        );
      }
      if (ms < minMs || ms > maxMs) {
        throw new Error(`write a duration from ${durationText(minMs)} to ${durationText(maxMs)}`);
      }
      return ms;
    },
    show: durationText,
  };
}

export function oneOf<T extends string>(words: readonly T[]): Kind<T> {
  return {
    name: words.join(' | '),
    read(raw) {
      const value = scalarText(raw);
      const word = words.find((candidate) => candidate === value);
      if (word === undefined) throw new Error(`write one of: ${words.join(', ')}`);
      return word;
    },
    show: (value) => value,
  };
}

/** A YAML list, or one text with commas. */
export function listOf<T>(kind: Kind<T>): Kind<readonly T[]> {
  return {
    name: `list of ${kind.name}`,
    read(raw, directory) {
      const parts: readonly unknown[] = Array.isArray(raw)
        ? raw
        : scalarText(raw)
            .split(',')
            .filter((part) => part.trim() !== '');
      if (parts.length > 1000) throw new Error('a list may have 1000 entries');
      return parts.map((part) => kind.read(part, directory));
    },
    show: (values) =>
      values.length === 0 ? 'none' : values.map((value) => kind.show(value)).join(', '),
  };
}

/** A YAML map of names to texts, or `name=value` pairs with commas. */
export const labels: Kind<Labels> = {
  name: 'labels',
  read(raw) {
    const pairs: (readonly [string, string])[] =
      typeof raw === 'object' && raw !== null && !Array.isArray(raw)
        ? Object.entries(raw).map(([name, value]) => [name, scalarText(value)] as const)
        : listOf(text).read(raw, '').map(pairFrom);
    for (const [name] of pairs) {
      if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) throw new Error(`"${name}" is not a label name`);
    }
    return labelsFromPairs(pairs);
  },
  show: (value) =>
    value.length === 0 ? 'none' : [...labelPairs(value)].map((pair) => pair.join('=')).join(', '),
};

function pairFrom(pair: string): readonly [string, string] {
  const equals = pair.indexOf('=');
  if (equals < 1) throw new Error('write labels as name=value');
  return [pair.slice(0, equals), pair.slice(equals + 1)];
}

export const address: Kind<Address> = {
  name: 'host:port',
  read(raw) {
    const value = scalarText(raw);
    const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]+)):(\d{1,5})$/.exec(value);
    const port = Number(parts?.[3]);
    if (!parts || port > 65_535) {
      throw new Error('write it as host:port, such as 127.0.0.1:6374 or [::1]:6374');
    }
    return { host: parts[1] ?? parts[2]!, port };
  },
  show: ({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`),
};

/** A kind that also takes the empty text, which means: not set. */
export function optional<T>(kind: Kind<T>): Kind<T | undefined> {
  return {
    name: kind.name,
    read: (raw, directory) => (raw === '' || raw === null ? undefined : kind.read(raw, directory)),
    show: (value) => (value === undefined ? 'not set' : kind.show(value)),
  };
}

export const url: Kind<string> = {
  name: 'URL',
  read(raw) {
    const value = scalarText(raw);
    let parsed: URL;
    try {
      parsed = new URL(value);
    } catch (thrown) {
      throw new Error(`write a URL such as https://metrics.example.org (${messageOf(thrown)})`, {
        cause: thrown,
      });
    }
    if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
      throw new Error('write a URL that begins with http:// or https://');
    }
    if (parsed.username !== '' || parsed.password !== '') {
      throw new Error('a URL here may not hold a user or a password: it is shown to everybody');
    }
    return value.replace(/\/$/, '');
  },
  show: (value) => value,
};
