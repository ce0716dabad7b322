import type { Labels } from '../../model/labels.ts';

/** An alert as the rules hand it on. The same alert is offered again and again while it lasts. */
export interface OfferedAlert {
  /** Of `labels`. */
  readonly fingerprint: string;
  /** With the external labels. */
  readonly labels: Labels;
  readonly annotations: Readonly<Record<string, string>>;
  readonly status: 'firing' | 'resolved';
  readonly startsAtMs: number;
  /** When it ended or, while it fires, until when it counts as firing without being offered again. */
  readonly endsAtMs: number;
  readonly value: number;
  /** Where to look at the rule's expression. */
  readonly generatorUrl: string;
}

/** Takes alerts from the rules. Never throws and never makes the caller wait. */
export interface AlertSink {
  offer(alerts: readonly OfferedAlert[]): void;
}

export const NO_SINK: AlertSink = { offer() {} };
