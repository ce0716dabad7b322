import { labelPairs, labelsToRecord } from '../../model/labels.ts';
import { escapeHtml } from '../templates/builtins.ts';
import { floatText } from '../templates/numbers.ts';
import { isoText } from '../templates/time.ts';
import type { OfferedAlert } from './offer.ts';

/** Alerts that one message describes; further ones are counted. */
const ALERTS_SHOWN_MAX = 100;
const TEXT_CHARACTERS_MAX = 2000;
const SUBJECT_CHARACTERS_MAX = 200;
const NAMES_IN_SUBJECT_MAX = 3;

export interface MailText {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Words for a set of alerts. Everything in it may come from whoever sends samples. */
export function mailText(alerts: readonly OfferedAlert[], externalUrl: string): MailText {
  const firing = alerts.filter(({ status }) => status === 'firing');
  const resolved = alerts.filter(({ status }) => status === 'resolved');
  const shown = [...firing, ...resolved].slice(0, ALERTS_SHOWN_MAX);
  const hidden = alerts.length - shown.length;
  const rest =
    hidden > 0
      ? `${hidden} more alerts are not described here. All that fire: ${externalUrl}/alerts`
      : '';
  const counts = `${firing.length} firing, ${resolved.length} resolved`;
  return {
    subject: subjectOf(firing, alerts),
    text: [counts, ...shown.map(alertText), rest].filter((part) => part !== '').join('\n\n') + '\n',
    html: htmlOf(counts, shown, rest, externalUrl),
  };
}

/** `[FIRING:2] HostCpuSteal (host1)`: the name, then what else all alerts have in common. */
function subjectOf(firing: readonly OfferedAlert[], alerts: readonly OfferedAlert[]): string {
  const status = firing.length > 0 ? `[FIRING:${firing.length}]` : '[RESOLVED]';
  const names = [...new Set(alerts.map(({ labels }) => labelsToRecord(labels)['alertname'] ?? ''))];
  const named = names.slice(0, NAMES_IN_SUBJECT_MAX).join(', ');
  const more =
    names.length > NAMES_IN_SUBJECT_MAX ? ` and ${names.length - NAMES_IN_SUBJECT_MAX} more` : '';
  const common = commonValues(alerts);
  const values = common.length > 0 ? ` (${common.join(' ')})` : '';
  return oneLine(`${status} ${named}${more}${values}`, SUBJECT_CHARACTERS_MAX);
}

function commonValues(alerts: readonly OfferedAlert[]): readonly string[] {
  const [first, ...others] = alerts;
  if (!first) return [];
  const sets = others.map(({ labels }) => new Map(labelPairs(labels)));
  return [...labelPairs(first.labels)]
    .filter(([name, value]) => name !== 'alertname' && sets.every((set) => set.get(name) === value))
    .map(([, value]) => value);
}

/** A header must not be continued or ended by a value. */
export function oneLine(text: string, charactersMax: number): string {
  const flat = text.toWellFormed().replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
  return flat.length > charactersMax ? `${flat.slice(0, charactersMax - 1).toWellFormed()}…` : flat;
}

function cut(text: string): string {
  const whole = text.toWellFormed();
  return whole.length > TEXT_CHARACTERS_MAX
    ? `${whole.slice(0, TEXT_CHARACTERS_MAX).toWellFormed()}… (${whole.length} characters)`
    : whole;
}

interface Row {
  readonly name: string;
  readonly value: string;
}

function rowsOf(alert: OfferedAlert): {
  readonly heading: string;
  readonly facts: readonly Row[];
  readonly labels: readonly Row[];
  readonly annotations: readonly Row[];
} {
  const labels = [...labelPairs(alert.labels)].map(([name, value]) => ({
    name,
    value: cut(value),
  }));
  const name = labels.find((row) => row.name === 'alertname')?.value ?? '';
  const facts: Row[] = [
    { name: 'Since', value: isoText(alert.startsAtMs) },
    { name: 'Value', value: floatText(alert.value) },
  ];
  if (alert.status === 'resolved') facts.push({ name: 'Until', value: isoText(alert.endsAtMs) });
  return {
    heading: `${alert.status === 'firing' ? 'FIRING' : 'RESOLVED'} ${name}`,
    facts,
    labels: labels.filter((row) => row.name !== 'alertname'),
    annotations: Object.entries(alert.annotations).map(([key, value]) => ({
      name: key,
      value: cut(value),
    })),
  };
}

function alertText(alert: OfferedAlert): string {
  const { heading, facts, labels, annotations } = rowsOf(alert);
  const line = ({ name, value }: Row): string =>
    `  ${name}: ${value.replace(/\r?\n|\r/g, '\n    ')}`;
  return [
    oneLine(heading, TEXT_CHARACTERS_MAX),
    ...annotations.map(line),
    ...facts.map(line),
    'Labels:',
    ...labels.map(line),
    `Graph: ${alert.generatorUrl}`,
  ].join('\n');
}

const CELL = 'style="padding:2px 12px 2px 0;vertical-align:top"';

function htmlOf(
  counts: string,
  shown: readonly OfferedAlert[],
  rest: string,
  externalUrl: string,
): string {
  const table = (rows: readonly Row[]): string =>
    rows
      .map(({ name, value }) => {
        const lines = escapeHtml(value).replace(/\r?\n|\r/g, '<br>');
        return `<tr><td ${CELL}>${escapeHtml(name)}</td><td ${CELL}>${lines}</td></tr>`;
      })
      .join('');
  const section = (alert: OfferedAlert): string => {
    const { heading, facts, labels, annotations } = rowsOf(alert);
    const colour = alert.status === 'firing' ? '#b3261e' : '#1b6e3c';
    return (
      `<h2 style="font-size:1em;color:${colour}">${escapeHtml(heading)}</h2>` +
      `<table>${table([...annotations, ...facts, ...labels])}</table>` +
      `<p><a href="${escapeHtml(alert.generatorUrl)}">Graph</a></p>`
    );
  };
  const tail = rest === '' ? '' : `<p>${escapeHtml(rest)}</p>`;
  return (
    `<!doctype html><html><body style="font-family:sans-serif"><p>${escapeHtml(counts)}</p>` +
    `${shown.map(section).join('')}${tail}` +
    `<p><a href="${escapeHtml(externalUrl)}/alerts">All alerts</a></p></body></html>`
  );
}
