import type { Random } from '../../platform/random.ts';
import { remoteWrite } from '../end-to-end/remote-write.ts';
import type { Batch, Ledger } from './ledger.ts';
import type { Violations } from './violations.ts';

/**
 * Several senders at once, as hard as one request after the other goes, until they are told that the fault
 * has begun. Besides new samples they send again what was acknowledged (a lost answer), what was never
 * answered, and now and then values that contradict acknowledged ones, which must never be seen.
 */
export interface Load {
  /**
   * From now on failures are expected. With `power` answers count no more, either: what was acknowledged
   * after the cut had begun may be gone.
   */
  faultBegins(kind: 'process' | 'power'): void;
  /** Resolves when so many requests have been answered; sooner when the time is up or the senders gave up. */
  answered(requests: number, limitMs: number): Promise<void>;
  /** Resolves when every sender has ended; only after the program has. */
  ended(): Promise<void>;
}

const SENDERS = 4;
const SERIES_MAX = 10;
const RUN_MAX = 40;
const AGAIN_SHARE = 0.05;
const CONTRADICTION_SHARE = 0.03;
/** What the contract lets a server say when too much comes at once. */
const SLOW_DOWN = 429;

export function startLoad(options: {
  readonly url: string;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly sources: readonly number[];
  readonly violations: Violations;
}): Load {
  const { url, ledger, random, sources, violations } = options;
  const upTo = (max: number): number => 1 + Math.floor(random.next() * max);
  const resend = [...ledger.unanswered.values()];
  const state: { fault?: 'process' | 'power' } = {};
  let answers = 0;
  let awaited = { answers: Infinity, reached: (): void => {} };

  const isSent = async (batch: Batch): Promise<boolean> => {
    ledger.sending(batch);
    try {
      const response = await remoteWrite(url, ledger.series(batch));
      if (++answers >= awaited.answers) awaited.reached();
      if (response.ok && state.fault !== 'power') ledger.settle(batch, 'acknowledged');
      else if (response.ok) ledger.settle(batch, 'unknown', 'answered after the cut began');
      else {
        const text = `${response.status} ${await response.text()}`;
        ledger.settle(batch, 'failed', text.trim());
        if (!state.fault && response.status !== SLOW_DOWN) {
          violations.add(`a write was refused without need: ${text}`);
          return false;
        }
      }
      return true;
    } catch (thrown) {
      ledger.settle(batch, 'unknown', String(thrown));
      if (!state.fault) violations.add(`a write was not answered: ${String(thrown)}`);
      return false;
    }
  };

  const contradict = async (batch: Batch): Promise<void> => {
    ledger.note(`contradicting ${batch.number}`);
    const response = await remoteWrite(url, ledger.series(batch, 0.5)).catch(() => undefined);
    if (response?.ok) violations.add(`values that contradict batch ${batch.number} were accepted`);
  };

  const send = async (): Promise<void> => {
    while (!state.fault) {
      const old = ledger.recent[Math.floor(random.next() * ledger.recent.length)];
      if (old && random.next() < CONTRADICTION_SHARE) await contradict(old);
      const again = resend.shift() ?? (random.next() < AGAIN_SHARE ? old : undefined);
      const batch =
        again ??
        ledger.compose(
          Array.from({ length: upTo(SERIES_MAX) }, () => ({
            source: sources[Math.floor(random.next() * sources.length)]!,
            count: upTo(RUN_MAX),
          })),
        );
      if (!(await isSent(batch))) return;
    }
  };

  const senders = Promise.all(Array.from({ length: SENDERS }, send));
  return {
    faultBegins(kind) {
      state.fault = kind;
    },
    async answered(requests, limitMs) {
      const reached = new Promise<void>((resolve) => {
        awaited = { answers: answers + requests, reached: resolve };
      });
      const timer = setTimeout(() => awaited.reached(), limitMs);
      await Promise.race([reached, senders]);
      clearTimeout(timer);
    },
    async ended() {
      await senders;
    },
  };
}
