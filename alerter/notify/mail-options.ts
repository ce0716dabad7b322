import type { MailServer } from '../../platform/mail.ts';

/** Who gets mail about alerts, and through which server. */
export interface AlertMailOptions {
  readonly server: MailServer;
  readonly from: string;
  readonly to: readonly string[];
  /** What begins to fire within this time of the first goes into one message. */
  readonly groupWaitMs: number;
  /** An alert that still fires is told again after this time. */
  readonly repeatIntervalMs: number;
  readonly sendResolved: boolean;
}
