import { NO_LABELS } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type { Platform } from '../platform/platform.ts';
import type { Querier } from '../query/query.ts';
import type { Alerter } from './alerter.ts';
import { checkAddresses } from './notify/addresses.ts';
import { Announcer } from './notify/announcer.ts';
import { Delivery } from './notify/delivery.ts';
import type { AlertMailOptions } from './notify/mail-options.ts';
import type { AlertSink } from './notify/offer.ts';
import { NO_SINK } from './notify/offer.ts';
import type { WriteSamples } from './rules/environment.ts';
import { ruleMetrics } from './rules/environment.ts';
import { loadRuleFiles } from './rules/load.ts';
import { RuleSet } from './rules/rule-set.ts';
import { Journal } from './state/journal.ts';

export interface AlerterOptions {
  /** Paths of rule files; `*`, `?` and `[…]` may stand in any part of a path, there is no `**`. */
  readonly ruleFiles: readonly string[];
  /** Where alert state and unsent messages are kept; created when absent. */
  readonly directory: string;
  /** For groups that name none. */
  readonly evaluationIntervalMs: number;
  /** Under which people reach us; a trailing slash is dropped. */
  readonly externalUrl: string;
  /** Added to alerts on their way to people. */
  readonly externalLabels: Labels;
  /** From this `for` on, ages of alerts are read back from stored series when no state of ours is there. */
  readonly forGracePeriodMs: number;
  /** How old such series may be. */
  readonly forOutageToleranceMs: number;
  /** How often an alert that lasts is offered again. */
  readonly resendDelayMs: number;
  /** For groups that name none: how far before its slot a rule is evaluated. */
  readonly queryOffsetMs: number;
  /** Nobody is told of alerts without it. */
  readonly mail?: AlertMailOptions;
}

export type { AlertMailOptions };

/** Prometheus's defaults. What an installation must say itself is left out. */
export const DEFAULT_ALERTER_OPTIONS: Omit<AlerterOptions, 'directory' | 'externalUrl' | 'mail'> = {
  ruleFiles: [],
  evaluationIntervalMs: 60_000,
  externalLabels: NO_LABELS,
  forGracePeriodMs: 600_000,
  forOutageToleranceMs: 3_600_000,
  resendDelayMs: 60_000,
  queryOffsetMs: 0,
};

export const DEFAULT_ALERT_MAIL_TIMES: Pick<
  AlertMailOptions,
  'groupWaitMs' | 'repeatIntervalMs' | 'sendResolved'
> = { groupWaitMs: 10_000, repeatIntervalMs: 14_400_000, sendResolved: true };

export type AlerterPlatform = Pick<
  Platform,
  'clock' | 'files' | 'mail' | 'random' | 'log' | 'telemetry'
>;

/**
 * Starts evaluating rules. Fails with a `RuleFilesFailure` when a rule file is bad, with an
 * `AddressFailure` when a mail address is, with a `JournalFailure` when the state on disk is not ours.
 */
export async function startAlerter(
  options: AlerterOptions,
  parts: { readonly querier: Querier; readonly write: WriteSamples },
  platform: AlerterPlatform,
): Promise<Alerter> {
  const { clock, files, mail, random, telemetry } = platform;
  const log = platform.log.component('alerter');
  const externalUrl = options.externalUrl.replace(/\/+$/, '');
  if (options.mail) checkAddresses(options.mail.from, options.mail.to);
  const groups = await loadRuleFiles(files, options.ruleFiles, log);
  const journal = await Journal.open(options.directory, { files, clock, log, telemetry });

  let sink: AlertSink = NO_SINK;
  let announcer: Announcer | undefined;
  let delivery: Delivery | undefined;
  if (options.mail) {
    const outgoing = new Delivery(options.mail, { journal, mail, clock, random, log, telemetry });
    announcer = new Announcer(options.mail, {
      externalUrl,
      journal,
      clock,
      log,
      telemetry,
      messageMade: () => outgoing.wake(),
    });
    sink = announcer;
    delivery = outgoing;
    delivery.start();
  }
  const rules = new RuleSet({
    ...options,
    ...parts,
    externalUrl,
    sink,
    journal,
    clock,
    log,
    metrics: ruleMetrics(telemetry),
  });
  await rules.start(groups);
  return {
    groups: () => rules.groups(),
    alerts: () => rules.alerts(),
    reload: async () => rules.replace(await loadRuleFiles(files, options.ruleFiles, log)),
    stop: async () => {
      await rules.stop();
      await announcer?.stop();
      await delivery?.stop();
      await journal.close();
    },
  };
}
