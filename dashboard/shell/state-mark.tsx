import {
  CircleHelp,
  CirclePause,
  CirclePlay,
  CircleStop,
  CircleX,
  Flag,
  Hourglass,
  Moon,
  Radio,
  Unplug,
} from 'lucide-react';
import type { LucideIcon } from 'lucide-react';
import styles from './state-mark.module.css';

interface Look {
  readonly icon: LucideIcon;
  readonly word: string;
  readonly tone: 'good' | 'warning' | 'bad' | 'quiet';
}

/** Each state has an icon and a word of its own; the colour only repeats what they say. */
const LOOKS: Readonly<Record<string, Look>> = {
  live: { icon: Radio, word: 'live', tone: 'good' },
  stale: { icon: Unplug, word: 'stale', tone: 'warning' },
  running: { icon: CirclePlay, word: 'running', tone: 'good' },
  blocked: { icon: Hourglass, word: 'blocked', tone: 'warning' },
  paused: { icon: CirclePause, word: 'paused', tone: 'warning' },
  shutdown: { icon: Hourglass, word: 'shutting down', tone: 'warning' },
  shutoff: { icon: CircleStop, word: 'off', tone: 'quiet' },
  crashed: { icon: CircleX, word: 'crashed', tone: 'bad' },
  pmsuspended: { icon: Moon, word: 'suspended', tone: 'quiet' },
  nostate: { icon: CircleHelp, word: 'no state', tone: 'warning' },
  ended: { icon: Flag, word: 'ended', tone: 'quiet' },
  unknown: { icon: CircleHelp, word: 'unknown', tone: 'warning' },
};

export function StateMark({
  state,
  detail,
}: {
  readonly state: string;
  readonly detail?: string | undefined;
}) {
  const { icon: Icon, word, tone } = LOOKS[state] ?? LOOKS['unknown']!;
  return (
    <span className={styles['state']}>
      <Icon size={14} aria-hidden className={styles[tone]} />
      <span className={styles['word']}>{word}</span>
      {detail !== undefined && <span className={styles['detail']}>{detail}</span>}
    </span>
  );
}
