import { NO_VALUE } from '../format/units.ts';
import styles from './bar.module.css';

interface BarProps {
  /** 0 to 1, or null when there is no current value, or nothing to measure it by. */
  readonly share: number | null;
  readonly text: string;
  readonly detail?: string | undefined;
  /** Whether being full is worth a warmer colour: not for rates, whose end is only the largest in sight. */
  readonly saturates: boolean;
}

/** A number with its bar. Without a share the track is hatched: empty would say nought. */
export function Bar({ share, text, detail, saturates }: BarProps) {
  if (share === null) {
    return (
      <span className={styles['bar']}>
        <span className={styles['hatched']} />
        {text === NO_VALUE ? (
          <span className={styles['none']}>
            {NO_VALUE}
            <span className="visually-hidden"> no current value</span>
          </span>
        ) : (
          <span className={styles['text']}>{text}</span>
        )}
      </span>
    );
  }
  const part = Math.min(Math.max(share, 0), 1);
  const tone = saturates && part >= 0.9 ? 'hot' : saturates && part >= 0.75 ? 'warm' : 'fill';
  return (
    <span className={styles['bar']}>
      <span className={styles['track']}>
        <span className={styles[tone]} style={{ transform: `scaleX(${part.toFixed(4)})` }} />
      </span>
      <span className={styles['text']}>{text}</span>
      {detail !== undefined && <span className={styles['detail']}>{detail}</span>}
    </span>
  );
}
